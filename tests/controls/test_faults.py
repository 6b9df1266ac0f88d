"""Faults: what they do, whom they meet, and how often."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from mockserver.server import Server
from tests.controls.desk import KINDS, THREADS, Admin, apply, at_once, create, event, fresh, user
from tests.harness import Api, made, over_http

NOT_FOUND, BROKEN = 404, {"status": 500}
STATUS: list[tuple[dict[str, Any], str | None]] = [
    ({"status": 500}, None),
    ({"status": 429}, "1"),
    ({"status": 503}, "1"),
    ({"status": 503, "retryAfter": 0}, "0"),
    ({"status": 429, "retryAfter": 30}, "30"),
    ({"status": 503, "retryAfter": 86400}, "86400"),
    ({"status": 503, "retryAfter": 1.5}, "2"),
    ({"status": 400, "retryAfter": 2}, "2"),
]


@pytest.fixture
def sandbox() -> Api:
    """An empty world whose clock is real."""
    return fresh()


def statuses(api: Api, number: int, target: str = "/consumer/users/u") -> list[int]:
    """The statuses of so many GETs."""
    return [api.get(target).status for _ in range(number)]


@pytest.mark.parametrize(("effect", "retry_after"), STATUS)
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_status_with_retry_after(sandbox: Api, phase: str, effect: dict[str, Any], retry_after: str | None) -> None:
    """The status comes in the vendor's shape, with whole seconds of Retry-After; after the commit the user is there."""
    admin = Admin(sandbox)
    fault = admin.fault(effect, phase=phase, times=1)
    answer = create(sandbox, "consumer")
    assert (answer.status, answer.headers.get("retry-after")) == (effect["status"], retry_after)
    assert admin.last()["fault"] == [fault]
    assert sandbox.get("/consumer/users/u").status == (200 if phase == "after" else 404)


def test_a_fault_says_what_the_author_wants(sandbox: Api) -> None:
    """The message of the fault is the message of the answer."""
    Admin(sandbox).fault({"status": 500, "message": "Lambda timed out"})
    assert sandbox.get("/consumer/users/u").body == {"message": "Lambda timed out"}


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_refused_write_meets_a_fault_before_and_none_after(sandbox: Api, phase: str) -> None:
    """What the contract refuses commits nothing: a fault after the commit leaves the 400 and is not used up."""
    admin = Admin(sandbox)
    fault = admin.fault(BROKEN, phase=phase)
    assert create(sandbox, "consumer", {"userId": 5}).status == (500 if phase == "before" else 400)
    assert admin.hits(fault) == ((1, 1) if phase == "before" else (0, 0))


REQUESTS: list[tuple[str, str, str, dict[str, str]]] = [
    ("POST", "/consumer/users", "a/b", {}),
    ("GET", "/consumer/users/a/b", "", {}),
    ("GET", "/consumer/users/c", "", {"X-Run": "1"}),
    ("POST", "/events/consumer/user", "a/b", {"X-Run": "2"}),
    ("GET", "/events/consumer/user/e", "", {}),
    ("POST", "/business/users", "c", {"X-Run": "1"}),
    ("GET", "/business/users/c", "", {}),
    ("POST", "/events/business/user", "c", {}),
]
# what to match, and which of the requests it meets
MATCHES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
    ({"operation": "createConsumerUser"}, [0]),
    ({"operation": "consumer_users.get"}, [1, 2]),
    ({"operation": "POST /events/business/user"}, [7]),
    ({"method": "GET"}, [1, 2, 4, 6]),
    ({"method": "POST"}, [0, 3, 5, 7]),
    ({"path": "/events/*"}, [3, 4, 7]),
    ({"path": "/*/users"}, [0, 5]),
    ({"path": "/consumer/users/*"}, [1, 2]),
    ({"path": "/consumer/users/a/?"}, [1]),
    ({"path": "/business"}, []),
    ({"path": "/Consumer/*"}, []),
    ({"userId": "a/b"}, [0, 1, 3]),
    ({"userId": "c"}, [2, 5, 6, 7]),
    ({"userId": "e"}, []),
    ({"header": {"x-run": "1"}}, [2, 5]),
    ({"header": {"X-RUN": "2"}}, [3]),
    ({"header": {"x-run": ""}}, []),
    ({"header": {"x-run": "1"}, "method": "POST", "userId": "c"}, [5]),
    ({"header": {"x-run": "1"}, "userId": "a/b"}, []),
]


@pytest.mark.parametrize(("match", "meets"), MATCHES)
def test_whom_a_fault_meets(sandbox: Api, match: dict[str, Any], meets: list[int]) -> None:
    """A fault meets the requests that have all of what it names, the userId in path or body, and no others."""
    fault = Admin(sandbox).fault({"status": 599}, match=match)
    found = []
    for number, (method, target, user_id, headers) in enumerate(REQUESTS):
        kind = "business" if "business" in target else "consumer"
        body = None if method == "GET" else (event if "events" in target else user)(kind, user_id)
        if sandbox.call(method, target, body, headers=headers).status == 599:
            found.append(number)
    assert found == meets
    assert Admin(sandbox).hits(fault) == (len(meets), len(meets))


def test_an_encoded_path_is_matched_decoded(sandbox: Api) -> None:
    """A glob and a userId are held against the decoded path, and the query does not count."""
    Admin(sandbox).fault({"status": 599}, match={"path": "/consumer/users/a b", "userId": "a b"})
    assert sandbox.get("/consumer/users/a%20b?x=1").status == 599


def test_the_first_that_fires_wins(sandbox: Api) -> None:
    """Of several that match the first one answers; one that does not fire is passed over for the next."""
    admin = Admin(sandbox)
    first = admin.fault({"status": 501}, times=1)
    second = admin.fault({"status": 502}, skip=1, times=1)
    third = admin.fault({"status": 503}, match={"method": "POST"})
    fourth = admin.fault({"status": 504}, times=1)
    assert statuses(sandbox, 5) == [501, 504, 502, NOT_FOUND, NOT_FOUND]
    assert [admin.hits(fault) for fault in (first, second, third, fourth)] == [(5, 1), (4, 1), (0, 0), (3, 1)]
    admin.ask("DELETE", f"faults/{first}")
    assert [entry["id"] for entry in admin.ask("GET", "faults")["faults"]] == [second, third, fourth]
    admin.ask("DELETE", "faults")
    assert create(sandbox, "consumer").status == 201


COUNTS: list[tuple[dict[str, int], str]] = [
    ({}, "xxxxxx"),
    ({"skip": 2}, "..xxxx"),
    ({"times": 2}, "xx...."),
    ({"skip": 1, "times": 3}, ".xxx.."),
    ({"skip": 9}, "......"),
    ({"probability": 0}, "......"),
    ({"probability": 1, "times": 1}, "x....."),
]


@pytest.mark.parametrize(("when", "pattern"), COUNTS)
def test_skip_and_times(sandbox: Api, when: dict[str, int], pattern: str) -> None:
    """`skip` leaves the first ones alone, and of the others `times` fire."""
    Admin(sandbox).fault(BROKEN, **when)
    assert "".join("x" if status == 500 else "." for status in statuses(sandbox, 6)) == pattern


def pattern_of(seed: int, probability: float = 0.3, number: int = 200) -> list[bool]:
    """When a fault of that probability fires, in a world of that seed."""
    api = fresh()
    Admin(api).ask("PATCH", "settings", {"seed": seed})
    Admin(api).fault(BROKEN, probability=probability)
    return [status == 500 for status in statuses(api, number)]


def test_probability_is_drawn_from_the_seed() -> None:
    """The same seed fires at the same requests in another world, another seed at others, each about as often as said.

    The bounds are five standard deviations wide.
    """
    first = pattern_of(1)
    assert pattern_of(1) == first
    assert pattern_of(2) != first
    assert 28 <= sum(first) <= 92


def test_a_fault_ends_with_its_time(sandbox: Api) -> None:
    """A fault with ttlMs fires until the world's clock has gone that far, and never after."""
    admin = Admin(sandbox)
    admin.ask("POST", "clock", {"freeze": "2026-01-01T00:00:00Z"})
    admin.fault(BROKEN, ttlMs=1000)
    assert statuses(sandbox, 2) == [500, 500]
    admin.ask("POST", "clock", {"advanceMs": 990})
    assert statuses(sandbox, 1) == [500]
    admin.ask("POST", "clock", {"advanceMs": 10})
    assert statuses(sandbox, 2) == [NOT_FOUND, NOT_FOUND]


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_a_rate_limit_counts_by_window(sandbox: Api, at: str) -> None:
    """After n requests in a window come 429s that say when it ends; the world's clock begins the next one."""
    admin = Admin(sandbox)
    admin.ask("POST", "clock", {"freeze": at})
    limit = admin.fault({"rateLimit": {"requests": 3, "windowMs": 60_000}})
    assert statuses(sandbox, 5) == [NOT_FOUND] * 3 + [429] * 2
    assert sandbox.get("/consumer/users/u").headers["retry-after"] == "60"
    admin.ask("POST", "clock", {"advanceMs": 45_000})
    assert sandbox.get("/consumer/users/u").headers["retry-after"] == "15"
    admin.ask("POST", "clock", {"advanceMs": 15_000})
    assert statuses(sandbox, 4) == [NOT_FOUND] * 3 + [429]
    assert admin.hits(limit) == (11, 5)


def test_a_rate_limit_may_have_its_own_answer(sandbox: Api) -> None:
    """A limit of none refuses each request, with the status and Retry-After that it names, for whom it names."""
    effect = {"status": 503, "retryAfter": 7, "rateLimit": {"requests": 0, "windowMs": 1000}}
    Admin(sandbox).fault(effect, match={"method": "POST"})
    answer = create(sandbox, "consumer")
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert statuses(sandbox, 1) == [NOT_FOUND]


def delays(delay: dict[str, Any], seed: int, number: int = 40) -> list[float]:
    """The delays that the journal notes, in milliseconds; in process nobody waits for them."""
    api = fresh()
    admin = Admin(api)
    admin.ask("PATCH", "settings", {"seed": seed})
    admin.fault({"delay": delay})
    statuses(api, number)
    return [entry["request"]["mockserver"]["delayMs"] for entry in admin.ask("GET", "requests")["requests"]][::-1]


DELAYS: list[tuple[dict[str, Any], float, float, float]] = [
    ({"type": "uniform", "lower": 100, "upper": 300}, 100, 300, 60),
    ({"type": "lognormal", "median": 100, "sigma": 0.5}, 10, 1000, 45),
]


@pytest.mark.parametrize(("delay", "least", "most", "off"), DELAYS)
def test_a_drawn_delay_comes_from_the_seed(delay: dict[str, Any], least: float, most: float, off: float) -> None:
    """Delays lie where their distribution has them, are the same for the same seed, and others for another."""
    drawn = delays(delay, 1)
    assert drawn == delays(delay, 1)
    assert drawn != delays(delay, 2)
    assert len(set(drawn)) == 40
    assert least <= min(drawn) < max(drawn) <= most
    assert abs(statistics.median(drawn) - delay.get("median", 200)) < off


def test_a_fixed_delay_is_fixed() -> None:
    """A fixed delay is the same each time."""
    assert set(delays({"type": "fixed", "milliseconds": 250}, 1, 3)) == {250}


@pytest.mark.parametrize("transport", ["in process", "over HTTP"])
def test_counts_are_exact_under_many_clients(server: Server, key: str, transport: str) -> None:
    """With 32 clients at once a fault skips and fires exactly as often as said, and none is counted twice."""
    api = Api(over_http(server.url), key) if transport == "over HTTP" else made(world="empty")
    admin = Admin(api)
    fault = admin.fault({"status": 503}, skip=20, times=30, phase="after")
    limit = admin.fault({"rateLimit": {"requests": 100, "windowMs": 3_600_000}})

    def work(number: int) -> list[int]:
        own = Api(over_http(server.url), api.key) if transport == "over HTTP" else api
        create(own, "consumer")
        return [apply(own, "consumer", event("consumer", eventId=f"{number}-{n}")).status for n in range(5)]

    found = [status for part in at_once(work) for status in part]
    assert len(found) == THREADS * 5
    shown = {entry["id"]: (entry["matched"], entry["fired"]) for entry in admin.ask("GET", "faults")["faults"]}
    assert shown == {fault: (100, 30), limit: (THREADS * 6, THREADS * 6 - 100)}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "effect"),
    ({"effect": {}}, "/effect"),
    ({"effect": {"retryAfter": 1}}, "/effect"),
    ({"effect": {"status": 200}}, "/effect/status"),
    ({"effect": {"wire": "RESET"}}, "/effect/wire"),
    ({"effect": {"wire": "EMPTY_RESPONSE", "status": 500}}, "/effect"),
    ({"effect": {"delay": {"type": "fixed"}}}, "/effect/delay/milliseconds"),
    ({"effect": {"delay": {"type": "uniform", "lower": 2, "upper": 1}}}, "/effect/delay/upper"),
    ({"effect": {"delay": {"type": "lognormal", "median": 1}}}, "/effect/delay/sigma"),
    ({"effect": BROKEN, "match": {"operation": "createUser"}}, "operation"),
    ({"effect": BROKEN, "match": {"url": "/x"}}, "/match"),
    ({"effect": BROKEN, "probability": 1.1}, "/probability"),
    ({"effect": BROKEN, "times": 0}, "/times"),
    ({"effect": BROKEN, "phase": "during"}, "/phase"),
]


@pytest.mark.parametrize(("body", "says"), WRONG)
def test_a_wrong_fault_is_refused(sandbox: Api, body: dict[str, Any], says: str) -> None:
    """What is no fault is a 422 that names the place, and nothing is added."""
    answer = Admin(sandbox).call("POST", "faults", body)
    assert answer.status == 422
    assert says in answer.body["detail"]
    assert Admin(sandbox).ask("GET", "faults") == {"faults": []}


@pytest.mark.parametrize("kind", KINDS)
def test_worlds_have_their_own_faults(kind: str) -> None:
    """A fault of one world meets nobody in another."""
    one, other = fresh(), fresh()
    Admin(one).fault(BROKEN)
    assert (create(one, kind).status, create(other, kind).status) == (500, 201)
