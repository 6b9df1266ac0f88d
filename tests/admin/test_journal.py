"""The journal over the admin API: what it keeps of a request, what it says it has lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.admin.client import EVENTS, USERS, Admin, event, fresh, own, user

SECRET = "kept-by-nobody"


def ours(entry: dict[str, Any]) -> dict[str, Any]:
    """Why a request was answered so."""
    return entry["request"]["mockserver"]


def test_each_request_is_kept_with_its_answer_and_the_reason(admin: Admin) -> None:
    """A write is kept with both bodies, outcome, what chose it, profile, world, and the user before and after."""
    api = admin.api()
    created = api.post(f"{USERS}?lockKycRiskLevel=true", user(odd=1), headers={"prefer": "outcome=blocked"})
    changed = api.post(EVENTS, event(updatedConsumerUserAttributes={"riskLevel": "HIGH"}))
    first, second = admin.journal()
    assert first["request"]["url"] == f"{USERS}?lockKycRiskLevel=true"
    assert json.loads(first["request"]["body"]) == user(odd=1)
    assert first["response"] == {"status": 201, "body": created.raw.decode()}
    assert ours(first)["number"] == 1
    told = {name: ours(first)[name] for name in ("operation", "world", "outcome", "chosenBy", "profile", "userId")}
    assert told == {
        "operation": "createConsumerUser",
        "world": admin.world,
        "outcome": "blocked",
        "chosenBy": "prefer",
        "profile": "pages",
        "userId": "u",
    }
    assert [warning["pointer"] for warning in ours(first)["warnings"]] == ["/odd"]
    assert "before" not in ours(first)
    assert ours(second)["before"] == ours(first)["after"] == user(odd=1)
    assert ours(second)["after"] == user(odd=1, riskLevel="HIGH")
    assert ours(second)["chosenBy"] == "setting"
    assert json.loads(second["response"]["body"]) == changed.body
    assert admin.get(f"/requests/{first['id']}") == first


def test_refused_and_faulty_requests_say_why(admin: Admin) -> None:
    """A refusal keeps its violations, a fault its id and what it hid; neither has changed the world."""
    api = admin.api()
    api.post(USERS, {"userId": "u", "createdTimestamp": "now"})
    fault = admin.post("/faults", {"effect": {"status": 503}, "phase": "after", "match": {"method": "POST"}})
    api.post(USERS, user())
    api.get(f"{USERS}/none")
    refused, hidden, missing = admin.journal()
    assert [entry["response"]["status"] for entry in (refused, hidden, missing)] == [400, 503, 404]
    assert [violation["pointer"] for violation in ours(refused)["violations"]] == ["/createdTimestamp"]
    assert "after" not in ours(refused)
    assert ours(hidden)["fault"] == [fault["id"]]
    assert ours(hidden)["after"] == user()
    assert "after" not in ours(missing)
    assert [admin.count(fault=wanted) for wanted in (True, False, fault["id"], "fault-9")] == [1, 2, 1, 0]
    assert [admin.count(violations=wanted) for wanted in (True, False)] == [1, 2]


def test_nothing_stored_is_nothing_after() -> None:
    """An event of an unknown user that is answered all the same has stored nothing, and the journal shows nothing."""
    admin = fresh(answers="example")
    assert admin.api().post(EVENTS, event("nobody")).status == 201
    (entry,) = admin.journal()
    assert "after" not in ours(entry)


def test_requests_that_no_operation_takes_are_kept(admin: Admin) -> None:
    """Wrong paths and methods are unmatched with the nearest route."""
    api = admin.api()
    for method, target in (("GET", "/consumer/user/7"), ("PATCH", "/consumer/users")):
        api.call(method, target)
    lost = {entry["url"]: entry["mockserver"]["nearest"] for entry in admin.get("/requests/unmatched")["requests"]}
    assert lost["/consumer/user/7"] == {
        "operation": "getConsumerUser",
        "method": "GET",
        "path": "/consumer/users/{userId}",
    }
    assert lost["/consumer/users"]["operation"] == "createConsumerUser"
    assert [entry["response"]["status"] for entry in admin.journal()] == [404, 405]
    assert admin.count(operation="unmatched") == 2


def test_a_request_without_a_key_is_in_the_default_world() -> None:
    """A 401 is kept in the world default, at that world's own time, and shows no key."""
    admin = own("default", api_keys=("allowed",))
    admin.post("/clock", {"freeze": 5})
    admin.api(SECRET).get(f"{USERS}/u")
    admin.api(SECRET).get("/nowhere")
    first, second = admin.journal()
    assert first["response"]["status"] == 401
    assert SECRET not in json.dumps([first, second])
    assert [first["request"]["loggedDate"], second["request"]["loggedDate"]] == [5, 6]


PATTERNS: list[tuple[dict[str, Any], int]] = [
    ({}, 4),
    ({"method": "POST", "urlPath": USERS}, 2),
    ({"url": f"{USERS}?lockKycRiskLevel=true"}, 1),
    ({"urlPathPattern": f"{USERS}/.+", "method": "GET"}, 1),
    ({"queryParameters": {"lockKycRiskLevel": {"equalTo": "true"}}}, 1),
    ({"bodyPatterns": [{"matchesJsonPath": "$.userDetails.name[?(@.firstName == 'Ada')]"}]}, 1),
    ({"bodyPatterns": [{"equalToJson": '{"userId":"b"}', "ignoreExtraElements": True}]}, 1),
    ({"headers": {"Content-Type": {"contains": "json"}}}, 3),
    ({"headers": {"X-Api-Key": {"absent": False}}}, 4),
    ({"operation": "consumer_users.create", "status": [201]}, 2),
    ({"userId": "a"}, 3),
]


@pytest.mark.parametrize(("pattern", "number"), PATTERNS, ids=str)
def test_patterns_find_and_count(admin: Admin, pattern: dict[str, Any], number: int) -> None:
    """A request pattern finds what a client sent, and count and wait agree with what was found."""
    api = admin.api()
    api.post(USERS, user("a", userDetails={"name": {"firstName": "Ada"}}))
    api.post(f"{USERS}?lockKycRiskLevel=true", user("b"))
    api.get(f"{USERS}/a")
    api.post(EVENTS, event("a"))
    assert len(admin.find(**pattern)) == admin.count(**pattern) == number
    assert admin.post("/requests/wait", {"pattern": pattern, "count": number, "timeoutMs": 0})["count"] == number


@pytest.mark.parametrize(("bodies", "body"), [("full", None), ("shape", None), ("none", "")])
def test_bodies_are_kept_as_the_setting_says(bodies: str, body: str | None) -> None:
    """Full keeps each body, shape names and types, none nothing: no value of a body is anywhere in the journal."""
    admin = own(journal_bodies=bodies)
    api, sent = admin.api(), user("u", tags=[{"key": SECRET, "value": "x"}], userDetails={"name": {"firstName": "A"}})
    api.post(USERS, sent)
    api.post(USERS, user("v", createdTimestamp=SECRET, reasonForOpeningAccount=[SECRET]))
    api.post(USERS, user("w", odd=SECRET, createdTimestamp=1641654664))
    first = admin.journal()[0]
    shape = user("string", tags=[{"key": "string", "value": "string"}], userDetails={"name": {"firstName": "string"}})
    wanted = {"full": sent, "shape": {**shape, "createdTimestamp": "number"}, "none": None}[bodies]
    assert (json.loads(first["request"]["body"]) if first["request"]["body"] else None) == wanted
    assert ours(first).get("after") == wanted
    kept = json.dumps(admin.get("/requests"))
    assert (SECRET in kept) == (bodies == "full")
    answer = admin.call("POST", "/requests/count", {"bodyPatterns": [{"contains": SECRET}]})
    assert ("x-mockserver-incomplete" in answer.headers) == (bodies != "full")


def test_the_ring_drops_the_oldest_and_says_so() -> None:
    """Beyond journal-size the oldest go: counts by operation and status stay right, what needs the lost says so."""
    admin = own(journal_size=5)
    api = admin.api()
    for number in range(20):
        api.post(USERS, user(f"u{number}"))
        api.get("/nowhere")
    assert len(admin.journal()) == 5
    assert [ours(entry)["number"] for entry in admin.journal()] == [36, 37, 38, 39, 40]
    counts = [admin.count(), admin.count(operation="createConsumerUser"), admin.count(status=404)]
    assert counts == [40, 20, 20]
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/requests/count", {"userId": "u1"}),
        ("POST", "/requests/find", {"method": "POST"}),
        ("POST", "/requests/find", {}),
        ("POST", "/requests/wait", {"pattern": {"urlPath": USERS}, "timeoutMs": 0}),
        ("POST", "/requests/wait", {"pattern": {"status": 201}, "count": 20, "timeoutMs": 0}),
        ("GET", "/requests?userId=u1", None),
        ("GET", "/requests/unmatched", None),
    ]
    silent = []
    for method, path, body in asked:
        answer = admin.call(method, path, body)
        if "no longer in the journal" not in answer.headers.get("x-mockserver-incomplete", ""):
            silent.append((method, path, body))
    assert silent == []
    assert "x-mockserver-incomplete" not in admin.call("POST", "/requests/count", {"status": 201}).headers


def test_a_journal_of_no_size_still_counts() -> None:
    """With journal-size=0 nothing is kept, counts by operation and status are right, and the answers say so."""
    admin = own(journal_size=0)
    admin.api().post(USERS, user())
    assert admin.get("/requests") == {"requests": [], "meta": {"total": 0}, "requestJournalDisabled": True}
    assert admin.post("/requests/count", {"status": 201}) == {"count": 1, "requestJournalDisabled": True}
    assert "x-mockserver-incomplete" in admin.call("POST", "/requests/count", {"userId": "u"}).headers


def test_the_bytes_of_all_journals_are_bounded() -> None:
    """Where journal-bytes has no room for a request it is counted and not kept, whichever world it is of."""
    admin = own(journal_bytes=100)
    for world in ("w", "x"):
        admin.of(world).api().post(USERS, user())
        assert admin.of(world).count(status=201) == 1
        assert admin.of(world).journal() == []


def test_clearing_empties_journal_and_counts_alone(admin: Admin) -> None:
    """DELETE of the journal leaves users, controls, and the world's time as they are."""
    api = admin.api()
    api.post(USERS, user())
    admin.post("/clock", {"freeze": 1_000_000})
    admin.post("/outcomes", {"outcome": "clean"})
    for _ in range(5):
        api.get(f"{USERS}/u")
    before = (admin.get("/state"), admin.get("/outcomes")["armed"], admin.get("/clock"))
    admin.delete("/requests")
    assert (admin.count(), admin.journal(), admin.get("/requests/unmatched")["requests"]) == (0, [], [])
    assert (admin.get("/state"), admin.get("/outcomes")["armed"], admin.get("/clock")) == before
