"""The handle of one world: what a test holds in its hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

from requests import Session

from mockserver.client.admin import AdminClient, FlagrightMockError
from mockserver.client.armed import Armed, effect_of, given
from mockserver.client.asserting import Wanted, described, not_as_often, requested_all_the_same
from mockserver.client.contract import Mistake, mistakes
from mockserver.client.journal import Request, read_request
from mockserver.client.refusal import ExpectedRefusal
from mockserver.client.sdk import http_client, sdk_class
from mockserver.client.stored import Stored, World
from mockserver.client.transport import App, BaseUrlSession, InProcess, WsgiAdapter, is_loopback

if TYPE_CHECKING:
    from flagright import AsyncFlagright, Flagright

__tracebackhide__ = True

Kind = Literal["consumer", "business"]
Recorded = Literal["consumer", "business", "transaction"]
_SPANS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds")
_REPORTED = 10  # requests in the report of a failed test


class FlagrightMock:
    """One world of a sandbox, which no other test uses.

    An operation is named by its id (`createConsumerUser`), the SDK's name (`consumer_users.create`) or its request
    (`POST /consumer/users`). What the sandbox refuses raises FlagrightMockError with the reason.
    """

    def __init__(self, admin: AdminClient, world: str, api_key: str, app: App | None = None) -> None:
        self.admin, self.world, self.url, self.api_key = admin, world, admin.url, api_key
        self.headers = {"x-api-key": api_key}
        self._app = app
        self._stored = World(admin, world)
        self._expected: set[str] = set()  # ids of requests whose refusal was expected
        self._earlier: list[Mistake] = []  # from before a reset
        self._closing: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<FlagrightMock {self.url} {self.world}>"

    def client(self, **options: Any) -> Flagright:
        """A ready client of the vendor's SDK; `options` go to it. It is closed at the end of the test."""
        made = sdk_class("Flagright")
        if "httpx_client" not in options:
            options["httpx_client"] = http_client(self.url, asynchronous=False)
            self._closing.append(options["httpx_client"].close)
        return cast("Flagright", made(**{"base_url": self.url, "api_key": self.api_key, **options}))

    def async_client(self, **options: Any) -> AsyncFlagright:
        """As `client`, the asynchronous one."""
        made = sdk_class("AsyncFlagright")
        if "httpx_client" not in options:
            options["httpx_client"] = http_client(self.url, asynchronous=True)
        return cast("AsyncFlagright", made(**{"base_url": self.url, "api_key": self.api_key, **options}))

    @cached_property
    def session(self) -> Session:
        """A `requests.Session` with the key, to which a path is enough: `session.get("/consumer/users/u-1")`."""
        session = BaseUrlSession(self.url, self.headers, trust_env=not is_loopback(self.url))
        self._closing.append(session.close)
        return session

    @property
    def in_process(self) -> bool:
        """Whether the sandbox runs in this process, so that `wsgi` and `adapter` are there."""
        return self._app is not None

    @cached_property
    def wsgi(self) -> InProcess:
        """The sandbox as a WSGI application, without a socket: `httpx.WSGITransport(app=flagright_mock.wsgi)`."""
        return InProcess(self._application())

    @cached_property
    def adapter(self) -> WsgiAdapter:
        """The same for requests: `session.mount(flagright_mock.url, flagright_mock.adapter)`."""
        return WsgiAdapter(self._application())

    # What answers carry, and what goes wrong

    def set_outcome(
        self,
        name: str,
        *,
        user_id: str | None = None,
        transaction_id: str | None = None,
        operation: str | None = None,
        times: int | None = None,
    ) -> Armed:
        """Let writes carry an outcome: of a user, an operation, the next `times` ...; in `with`, until its end."""
        about = {"userId": user_id, "transactionId": transaction_id, "operation": operation}
        return self._arm("outcomes", given({"outcome": name, **about, "times": times}))

    def add_fault(
        self,
        status: int | None = None,
        *,
        wire: str | None = None,
        delay_ms: float | None = None,
        delay: Mapping[str, Any] | None = None,
        rate_limit: int | None = None,
        window_ms: int = 1000,
        retry_after: float | None = None,
        message: str | None = None,
        operation: str | None = None,
        method: str | None = None,
        path: str | None = None,
        user_id: str | None = None,
        transaction_id: str | None = None,
        header: Mapping[str, str] | None = None,
        phase: Literal["before", "after"] = "before",
        skip: int | None = None,
        times: int | None = None,
        probability: float | None = None,
        ttl_ms: int | None = None,
    ) -> Armed:
        """Let requests fail or wait; in `with`, until its end.

        `status`, `wire` (one of WireMock's four), `delay_ms` (fixed; `delay` is the admin API's object) or
        `rate_limit` (requests in `window_ms`) is what happens; `retry_after` is seconds; operation, method, path (a
        glob), the ids and header say to whom; `phase`, `skip`, `times`, `probability` and `ttl_ms` when.
        """
        ids = {"userId": user_id, "transactionId": transaction_id}
        match = given({"operation": operation, "method": method, "path": path, "header": header, **ids})
        effect = effect_of(status, wire, delay_ms, delay, rate_limit, window_ms)
        effect |= given({"retryAfter": retry_after, "message": message})
        when = given({"phase": phase, "skip": skip, "times": times, "probability": probability, "ttlMs": ttl_ms})
        return self._arm(
            "faults", {**when, "effect": effect, "match": given({**match, "transactionId": transaction_id})}
        )

    def add_consumer(self, **body: Any) -> Stored:
        """Store a consumer user; `user_id` and `userId` are the same, what is needed and not given is made up."""
        return self._stored.add("consumer", body)

    def add_business(self, **body: Any) -> Stored:
        """As `add_consumer`, a business user."""
        return self._stored.add("business", body)

    def add_transaction(self, **body: Any) -> Stored:
        """Store a transaction, as `add_consumer` a user; the users that it names need not be there."""
        return self._stored.add("transaction", body)

    def generate_users(self, n: int, *, type: Kind = "consumer", seed: int | None = None) -> list[str]:  # noqa: A002
        """Store `n` made-up users, drawn from the seed; their ids."""
        return self._stored.generate(n, type, seed)

    def consumer(self, user_id: str) -> Stored:
        """The consumer user as it is stored; LookupError where there is none."""
        return self._stored.user("consumer", user_id)

    def business(self, user_id: str) -> Stored:
        """The business user as it is stored; LookupError where there is none."""
        return self._stored.user("business", user_id)

    def transaction(self, transaction_id: str) -> Stored:
        """The transaction as it is stored; LookupError where there is none."""
        return self._stored.transaction(transaction_id)

    def event(self, event_id: str, *, type: Recorded | None = None) -> Stored:  # noqa: A002 - the API's own word
        """The event as it is stored, of a user or a transaction; LookupError where there is none."""
        return self._stored.event(event_id, type)

    @property
    def now(self) -> datetime:
        """The world's time: it stands, but for a millisecond a request."""
        answer = self.admin.call("GET", "/clock", world=self.world)
        return datetime.fromtimestamp(answer["now"] / 1000, UTC)

    def advance_clock(self, **span: float) -> datetime:
        """Move the clock by a span as `datetime.timedelta` takes it: `advance_clock(days=30)`; the time it is then."""
        if unknown := sorted(span.keys() - set(_SPANS)):
            raise FlagrightMockError(f"advance_clock: {unknown[0]!r} is not one of {', '.join(_SPANS)}")
        step = {"advanceMs": round(timedelta(**span) / timedelta(milliseconds=1))}
        answer = self.admin.call("POST", "/clock", step, world=self.world)
        return datetime.fromtimestamp(answer["now"] / 1000, UTC)

    def snapshot(self, name: str) -> None:
        """Keep users and events under a name."""
        self.admin.call("PUT", f"/snapshots/{quote(name, safe='')}", world=self.world)

    def restore(self, name: str) -> None:
        """Bring back the users and events of a snapshot."""
        self.admin.call("POST", f"/snapshots/{quote(name, safe='')}/restore", {}, world=self.world)

    def reset(self) -> None:
        """Bring the world back to how the test began: data, outcomes, faults, journal, clock; snapshots stay."""
        self._earlier = self.mistakes()
        self.admin.call("POST", "/reset", world=self.world)

    def requests(self, operation: str | None = None, status: int | None = None, **where: Any) -> list[Request]:
        """The requests so far, oldest first; `where` is compared with the body: `user_id="u-1"`."""
        wanted, came, _ = self._ask(operation, status, where)
        return wanted.matching(came)

    def wait_for_requests(
        self,
        operation: str | None = None,
        n: int = 1,
        timeout: float = 5,
        *,
        status: int | None = None,
        **where: Any,
    ) -> list[Request]:
        """Wait until `n` such requests have come; AssertionError after `timeout` seconds. The requests."""
        end, counted = monotonic() + timeout, 0
        while True:
            wanted, came, missing = self._ask(operation, status, where)
            found, left = wanted.matching(came), end - monotonic()
            if len(found) >= n or (counted >= n and not where):
                return found
            if left <= 0:
                after = f"after {timeout:g} s: "
                raise AssertionError(after + not_as_often(wanted, n, self._journal()[0], missing))
            # Whoever looks into bodies waits for the next request of the kind, whatever is in it. The journal may
            # hold fewer than were counted.
            target = max(len(came), counted) + 1 if where else n
            pattern = given({"operation": operation, "status": status})
            counted = self.admin.wait(self.world, pattern, target, left)

    def assert_requested(
        self, operation: str | None = None, times: int | None = None, status: int | None = None, **where: Any
    ) -> list[Request]:
        """Fail unless such requests came: `times`, or at least once. A failure shows what came instead."""
        wanted, came, missing = self._ask(operation, status, where)
        found = wanted.matching(came)
        if missing and (len(found) <= times if times is not None else not found):
            raise FlagrightMockError(f"it cannot be said how often there was {wanted}: {missing}")
        if not found if times is None else len(found) != times:
            raise AssertionError(not_as_often(wanted, times, self._journal()[0], missing))
        return found

    def assert_not_requested(self, operation: str | None = None, status: int | None = None, **where: Any) -> None:
        """Fail if such a request came, and show it."""
        wanted, came, missing = self._ask(operation, status, where)
        if found := wanted.matching(came):
            raise AssertionError(requested_all_the_same(wanted, found))
        if missing:
            raise FlagrightMockError(f"it cannot be said whether there was {wanted}: {missing}")

    def expect_refusal(self, pointer: str | None = None, *, rule: str | None = None) -> ExpectedRefusal:
        """As a context manager: fail unless the contract refuses a request meanwhile, at `pointer` or below it.

        The refusal then is no mistake of the client, and the client's own error for it ends the block.
        """
        return ExpectedRefusal(lambda: self._journal()[0], self._expected.add, pointer, rule)

    # What the plugin does with it

    def mistakes(self) -> list[Mistake]:
        """What the client got wrong so far, as the server counts it, without what was expected."""
        verdict = self.admin.verdict(self.world)
        return [*self._earlier, *(mistakes(verdict, self._expected) if verdict else ())]

    def last_requests(self) -> str:
        """The last requests in lines, for the report of a failed test: no headers, no values of bodies."""
        came, _ = self._journal()
        more = [f"({len(came) - _REPORTED} earlier)"] if len(came) > _REPORTED else []
        return "\n".join([*more, *(line for request in came[-_REPORTED:] for line in described(request))])

    def close(self) -> None:
        """Close the clients; the world itself is the server's."""
        while self._closing:
            self._closing.pop()()

    def _application(self) -> App:
        if self._app is None:
            raise FlagrightMockError(f"there is no application in this process: the sandbox runs at {self.url}")
        return self._app

    def _arm(self, kind: str, body: Mapping[str, Any]) -> Armed:
        return Armed(self.admin, self.world, kind, self.admin.call("POST", f"/{kind}", body, world=self.world))

    def _journal(self, query: tuple[tuple[str, str], ...] = ()) -> tuple[list[Request], str]:
        events, missing = self.admin.requests(self.world, query)
        return [read_request(event) for event in events], missing

    def _ask(
        self, operation: str | None, status: int | None, where: Mapping[str, Any]
    ) -> tuple[Wanted, list[Request], str]:
        """What is wanted, the requests of that operation and status, and what of the journal is missing."""
        query = given({"operation": operation, "status": None if status is None else str(status)})
        came, missing = self._journal(tuple(query.items()))
        wanted = Wanted(came[0].operation if operation and came else operation, status, where)
        if where and not all(request.whole for request in came):
            raise FlagrightMockError("the server does not keep bodies in full: it runs with --journal-bodies")
        return wanted, came, missing
