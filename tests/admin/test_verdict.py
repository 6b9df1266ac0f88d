"""GET /__admin/verdict: what the client got wrong, and what it has met."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from mockserver.server import Server
from tests.admin.client import EVENTS, USERS, Admin, document, event, own, user
from tests.harness import NOW, Answer, Api, contract, over_http

CONSUMER, BUSINESS = f"{USERS}/u", "/business/users"


@cache
def _described() -> Any:
    facts = document()["paths"]["/__admin/verdict"]["get"]["responses"]["200"]
    schema = facts["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]})


def asked(admin: Admin, query: str = "") -> Answer:
    """The answer of the route, as it came."""
    return admin.raw("GET", f"/__admin/verdict?world={admin.world}{query}")


def judged(admin: Admin) -> dict[str, Any]:
    """The verdict's body, checked against the document, its status against its counts."""
    answer = asked(admin, "&full=true")
    body = answer.body
    assert not [error.message for error in _described().iter_errors(body)], body
    mistakes = [body["counts"][kind] for kind in ("violations", "warnings", "unmatched")]
    assert (answer.status, body["clean"]) == ((422, False) if any(mistakes) else (200, True))
    assert body["dropped"] == sum(mistakes) - sum(len(body[kind]) for kind in ("violations", "warnings", "unmatched"))
    bare = asked(admin)
    assert (bare.status, bare.raw) == ((422, answer.raw) if any(mistakes) else (204, b""))
    return body


def counts(admin: Admin) -> tuple[int, int, int]:
    """Violations, warnings and unmatched requests."""
    counted = judged(admin)["counts"]
    return counted["violations"], counted["warnings"], counted["unmatched"]


def play(api: Api, calls: Iterable[tuple[Any, ...]]) -> list[int]:
    """Send the requests (method, target, body or bytes, Prefer); the statuses."""
    statuses = []
    for method, target, *rest in calls:
        body, prefer = (*rest, None, None)[:2]
        raw = body if isinstance(body, bytes) else None
        headers = {"prefer": prefer} if prefer else {}
        statuses.append(api.call(method, target, None if raw is not None else body, raw=raw, headers=headers).status)
    return statuses


CREATED = ("POST", USERS, user())
PAYMENT = {"transactionId": "t", "type": "T", "timestamp": NOW, "originUserId": "nobody"}
OF_NO_PAYMENT = {"transactionId": "t", "timestamp": NOW, "transactionState": "SENT"}
# settings of the world, the requests, the status of the last, and its violations, warnings, unmatched
CASES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]], int, tuple[int, int, int]]] = {
    "valid": ({}, [CREATED, ("GET", CONSUMER)], 200, (0, 0, 0)),
    "a required property missing": ({}, [("POST", USERS, {"userId": "u"})], 400, (1, 0, 0)),
    "two violations in one request": ({}, [("POST", USERS, {"userId": 1})], 400, (1, 0, 0)),
    "not JSON": ({}, [("POST", USERS, b'{"userId": ')], 400, (1, 0, 0)),
    "no body": ({}, [("POST", USERS)], 400, (1, 0, 0)),
    "a wrong query parameter": ({}, [("POST", f"{USERS}?lockCraRiskLevel=yes", user())], 400, (1, 0, 0)),
    "a path that is not UTF-8": ({}, [("GET", f"{USERS}/%FF")], 400, (1, 0, 0)),
    "an unknown property": ({}, [("POST", USERS, user(nickname="x"))], 201, (0, 1, 0)),
    "seconds for milliseconds": ({}, [CREATED, ("POST", EVENTS, event(timestamp=1641654664))], 201, (0, 1, 0)),
    "a warning and a violation in one": ({}, [("POST", USERS, {"userId": "u", "nickname": "x"})], 400, (1, 0, 0)),
    "lenient lets it through": ({"validation": "lenient"}, [("POST", USERS, {"userId": "u"})], 201, (0, 1, 0)),
    "lenient refuses all the same": ({"validation": "lenient"}, [("POST", USERS, {})], 400, (1, 0, 0)),
    "strict by the setting": ({"validation": "strict"}, [("POST", USERS, user(nickname="x"))], 400, (1, 0, 0)),
    "strict by Prefer": ({}, [("POST", USERS, user(nickname="x"), "validation=strict")], 400, (1, 0, 0)),
    "a wrong preference": ({}, [("POST", USERS, user(), "outcome=blokced")], 400, (1, 0, 0)),
    "no such path": ({}, [("GET", "/consumer/userz")], 404, (0, 0, 1)),
    "no such method": ({}, [("PUT", CONSUMER, user())], 405, (0, 0, 1)),
    "an unknown id": ({}, [("GET", CONSUMER)], 404, (0, 0, 0)),
    "an event of nobody": ({}, [("POST", EVENTS, event())], 404, (0, 0, 0)),
    "a transaction of nobody": ({}, [("POST", "/transactions", PAYMENT)], 400, (0, 0, 0)),
    "an event of no transaction": ({}, [("POST", "/events/transaction", OF_NO_PAYMENT)], 400, (0, 0, 0)),
    "a batch of what is unknown": ({}, [("POST", f"/batch{EVENTS}", {"data": [event()] * 200})], 201, (0, 0, 0)),
    "a batch with a violation": (
        {}, [("POST", "/batch/transactions", {"data": [PAYMENT] * 200 + [PAYMENT | {"type": 5}]})], 201, (1, 0, 0),
    ),
    "a conflict": (
        {}, [CREATED, ("POST", EVENTS, event(eventId="e")), ("POST", EVENTS, event(eventId="e", reason="r"))],
        409, (0, 0, 0),
    ),
    "refused by on-duplicate": ({"onDuplicate": "reject"}, [CREATED, CREATED], 400, (0, 0, 0)),
    "a forced 400": ({}, [("POST", USERS, user(), "code=400")], 400, (0, 0, 0)),
    "a forced 404 of a bad body": ({}, [("POST", USERS, {}, "code=404")], 404, (0, 0, 0)),
    "a forced 503": ({}, [("GET", CONSUMER, None, "code=503")], 503, (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_counts_and_what_does_not(admin: Admin, name: str) -> None:
    """Refusals of the contract, warnings and what no operation takes count; forced answers and states never do."""
    settings, calls, status, expected = CASES[name]
    if settings:
        admin.post("/settings", settings)
    assert play(admin.api(), calls)[-1] == status
    assert counts(admin) == expected
    assert judged(admin)["counts"]["requests"] == len(calls)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("status", [400, 404, 413, 501])
def test_a_fault_never_counts(phase: str, status: int) -> None:
    """The status of a fault is the test author's: neither it nor what the request would have been told counts."""
    admin = own()
    admin.post("/faults", {"effect": {"status": status}, "phase": phase})
    assert play(admin.api(), [("POST", USERS, user(nickname="x"))]) == [status]
    body = judged(admin)
    assert body["clean"]
    assert body["met"]["operations"] == {"createConsumerUser": {str(status): 1}}
    assert body["met"]["outcomes"] == {}


def test_a_missing_key_and_a_finished_world_never_count() -> None:
    """401 is no mistake about the contract."""
    admin = own("default")
    statuses = [admin.api().call("GET", CONSUMER, headers={"x-api-key": None}).status for _ in range(2)]
    assert statuses == [401, 401]
    assert (counts(admin), judged(admin)["counts"]["requests"]) == ((0, 0, 0), 2)


def test_each_detail_says_what_and_where() -> None:
    """A detail names the request and why it counts, as its answer did; of an unmatched one, the nearest route."""
    admin = own(max_body_bytes=200, clock=1767225600000)
    api = admin.api()
    refused = api.post(USERS, {"userId": 7}).body["violations"]
    too_large = api.post(USERS, raw=b" " * 201).body["message"]
    warned = api.post(USERS, user(nickname="x")).warnings
    play(api, [("GET", "/consumer/user/u?x=1")])
    body = judged(admin)
    first, second = body["violations"]
    listed = [admin.journal()[number]["id"] for number in (0, 1)]
    assert first == {
        "id": listed[0], "at": 1767225600000, "operation": "createConsumerUser", "method": "POST", "url": USERS,
        "status": 400, "violations": refused,
    }  # fmt: skip
    assert (second["id"], second["status"]) == (listed[1], 413)
    assert second["violations"] == [{"in": "body", "pointer": "", "rule": "maxBytes", "message": too_large}]
    [warning] = body["warnings"]
    assert (warning["status"], warning["warnings"][0]["rule"]) == (201, "unknown-property")
    assert warned == warning["warnings"][0]["message"]
    [unmatched] = body["unmatched"]
    assert (unmatched["operation"], unmatched["url"], unmatched["status"]) == ("unmatched", "/consumer/user/u?x=1", 404)
    assert "GET /consumer/users/{userId} (getConsumerUser)" in unmatched["message"]


def test_what_the_client_has_met() -> None:
    """Operations with their statuses, the outcomes that answers showed, and the operations that were never used."""
    mine = {"by hand, twice": {"description": "mine", "results": {"message": "m"}}}
    admin = own(outcome="clean", outcomes=json.dumps(mine))
    bad: tuple[Any, ...] = ("POST", USERS, {})
    named = ("POST", BUSINESS, {"userId": "b"}, 'outcome="by hand, twice"')
    play(admin.api(), [CREATED, CREATED, bad, ("GET", CONSUMER), ("GET", f"{USERS}/no"), named, ("GET", "/nowhere")])
    met = ("createConsumerUser", "getConsumerUser", "createBusinessUser")
    assert judged(admin)["met"] == {
        "operations": {
            "createConsumerUser": {"201": 2, "400": 1},
            "getConsumerUser": {"200": 1, "404": 1},
            "createBusinessUser": {"400": 1},
        },
        "outcomes": {"clean": 3},
        "missing": [entry.id for entry in contract().operations.built if entry.id not in met],
    }
    play(admin.api(), [("POST", USERS, user("v"), 'outcome="by hand, twice"')])
    assert judged(admin)["met"]["outcomes"] == {"by hand, twice": 1, "clean": 3}


@pytest.mark.parametrize(("size", "kept"), [(3, 3), (0, 0)])
def test_counts_outlive_the_journal(size: int, kept: int) -> None:
    """What the ring has dropped, or never kept, is counted all the same; `dropped` says how much is missing."""
    admin = own(journal_size=size)
    play(admin.api(), [("POST", USERS, {})] * 5 + [("GET", "/nowhere")] * 2 + [CREATED])
    body = judged(admin)
    assert body["counts"] == {"requests": 8, "violations": 5, "warnings": 0, "unmatched": 2}
    assert body["dropped"] == 7 - max(kept - 1, 0)  # the last one kept is clean
    assert body["met"]["operations"] == {"createConsumerUser": {"201": 1, "400": 5}}


@pytest.mark.parametrize("bodies", ["shape", "none"])
def test_no_value_of_a_body_where_the_journal_keeps_none(bodies: str) -> None:
    """With journal-bodies=shape or none the verdict tells places and rules, and nothing that was sent."""
    admin = own(journal_bodies=bodies, max_body_bytes=300)
    play(admin.api(), [("POST", USERS, {"userId": ["secret"]}), ("POST", USERS, user(nickname="secret"))])
    play(admin.api(), [("POST", USERS, b'"secret"' * 50)])
    assert counts(admin) == (2, 1, 0)
    assert judged(admin)["dropped"] == 0
    assert b"secret" not in asked(admin).raw


def test_many_clients_are_counted_exactly(server: Server, key: str) -> None:
    """32 clients at once, each right and wrong in turn: every count is exact, and no other world hears of it."""
    admin = Admin(over_http(server.url), key.removeprefix("world-"))
    calls = [CREATED, ("POST", USERS, {}), ("POST", USERS, user(nickname="x")), ("GET", "/nowhere"), ("GET", CONSUMER)]

    def client(_: int) -> list[int]:
        return play(Api(over_http(server.url), key), calls)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(client, range(32))) == [[201, 400, 201, 404, 200]] * 32
    assert judged(admin)["counts"] == {"requests": 160, "violations": 32, "warnings": 32, "unmatched": 32}
    assert judged(admin)["dropped"] == 0
    assert judged(admin.of(f"{admin.world}-other"))["counts"]["requests"] == 0


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/requests"), ("POST", "/requests/reset"), ("POST", "/reset")])
def test_clearing_the_journal_clears_the_verdict(method: str, path: str) -> None:
    """After the journal is emptied the verdict is that of a world which nobody has asked anything."""
    admin = own()
    play(admin.api(), [("POST", USERS, {})])
    before = counts(admin)
    assert admin.call(method, path).status == 200
    after = judged(admin)
    assert (before, after["clean"], after["counts"]["requests"], after["met"]["operations"]) == ((1, 0, 0), True, 0, {})


@pytest.mark.parametrize(("query", "status"), [("full=false", 204), ("full=true", 200), ("", 204)])
def test_a_world_of_nobody_is_clean_and_not_made(query: str, status: int) -> None:
    """To ask for the verdict of a world that is not there makes none."""
    admin = own()
    assert asked(admin, f"&{query}").status == status
    assert admin.get("/worlds")["worlds"] == []


@pytest.mark.parametrize("query", ["full=yes", "full=", "full=true&full=1", "fulll=true"])
def test_a_wrong_query_is_a_problem_and_no_verdict(query: str) -> None:
    """What is not understood is problem+json, by which it differs from a verdict that is not clean."""
    status, detail = own().problem("GET", f"/verdict?{query}")
    assert status == 422
    assert "full" in detail


def test_the_token_guards_it() -> None:
    """With admin-token the verdict is as closed as all of the admin API."""
    admin = own(admin_token="t")
    assert asked(admin).status == 401
    admin.headers["authorization"] = "Bearer t"
    assert asked(admin).status == 204


def test_metrics_keep_their_labels() -> None:
    """One sample an operation and status, whatever the requests under it were judged to be."""
    admin = own(outcome="clean")
    play(admin.api(), [CREATED, ("POST", USERS, user(nickname="x")), ("POST", USERS, user("v"), "outcome=blocked")])
    text = admin.raw("GET", "/metrics").raw.decode()
    samples = [line for line in text.splitlines() if line.startswith("mockserver_requests_total")]
    assert samples == ['mockserver_requests_total{operation="createConsumerUser",status="201"} 3.0']
