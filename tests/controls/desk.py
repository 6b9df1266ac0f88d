"""What the tests of the controls share: the admin API of one world, and a way to do things at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count
from threading import Barrier
from typing import Any

from tests.harness import NOW, Answer, Api, made

KINDS = ("consumer", "business")
RESULTS = ("executedRules", "hitRules", "riskScoreDetails")
THREADS = 32
_numbers = count(1)


def fresh(**settings: Any) -> Api:
    """A client of a world of its own, empty, in a sandbox that is shared by all who want these settings."""
    return _shared(tuple(sorted(settings.items()))).with_key(f"world-controls-{next(_numbers)}")


@cache
def _shared(settings: tuple[tuple[str, Any], ...]) -> Api:
    return made(**{"world": "empty", **dict(settings)})


class Admin:
    """The admin API, for the world in which the client's key lives."""

    def __init__(self, api: Api) -> None:
        self._transport = api.transport
        world = api.key.removeprefix("world-")
        self._query = "" if world == api.key else f"?world={world}"

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One request; a refusal is given back, and must be a problem."""
        content = None if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"content-type": "application/json"}
        answer: Answer = self._transport(method, f"/__admin/{path}{self._query}", content, headers)
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer
            assert answer.body["detail"], answer
        return answer

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a request that must go well."""
        answer = self.call(method, path, body)
        assert answer.status in (200, 201), (method, path, answer)
        return answer.body

    def arm(self, outcome: str, **more: Any) -> str:
        """Arm an outcome; its id."""
        return str(self.ask("POST", "outcomes", {"outcome": outcome, **more})["id"])

    def fault(self, effect: Mapping[str, Any], **more: Any) -> str:
        """Add a fault; its id."""
        return str(self.ask("POST", "faults", {"effect": effect, **more})["id"])

    def hits(self, fault_id: str) -> tuple[int, int]:
        """How often a fault matched and fired."""
        shown = self.ask("GET", f"faults/{fault_id}")
        return shown["matched"], shown["fired"]

    def last(self) -> dict[str, Any]:
        """What the journal says of the newest request, besides the request itself."""
        journal = self.ask("GET", "requests")["requests"]
        return dict(journal[0]["request"]["mockserver"])


def user(kind: str, user_id: str = "u", name: str = "Doe", **more: Any) -> dict[str, Any]:
    """A user of either kind, with a last name or a legal name."""
    named = (
        {"userDetails": {"name": {"firstName": "Jo", "lastName": name}}}
        if kind == "consumer"
        else {"legalEntity": {"companyGeneralDetails": {"legalName": name}}}
    )
    return {"userId": user_id, "createdTimestamp": NOW, **named, **more}


def event(kind: str, user_id: str = "u", attributes: Any = None, **more: Any) -> dict[str, Any]:
    """An event of either kind, with the attributes that it changes."""
    changed = {} if attributes is None else {f"updated{kind.title()}UserAttributes": attributes}
    return {"userId": user_id, "timestamp": NOW, **changed, **more}


def create(api: Api, kind: str, body: Any = None, prefer: str | None = None, query: str = "") -> Answer:
    """POST a user."""
    headers = {"Prefer": prefer} if prefer else None
    return api.post(f"/{kind}/users{query}", user(kind) if body is None else body, headers=headers)


def apply(api: Api, kind: str, body: Any = None, prefer: str | None = None, query: str = "") -> Answer:
    """POST an event."""
    headers = {"Prefer": prefer} if prefer else None
    return api.post(f"/events/{kind}/user{query}", event(kind) if body is None else body, headers=headers)


def outcome_of(answer: Answer, admin: Admin) -> str:
    """The named outcome whose results an answer carries; its rules and scores must be those, all of them."""
    known = admin.ask("GET", "outcomes")["outcomes"]
    shown = {name: answer.body.get(name) for name in RESULTS}
    found = [entry["name"] for entry in known if entry["results"] == shown]
    assert found, shown
    return str(found[0])


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What `work(n)` returns in each of the threads, which all start together."""
    ready = Barrier(threads)

    def run(number: int) -> Any:
        ready.wait(30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))
