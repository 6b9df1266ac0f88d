"""Batches: each record is accepted or refused on its own, and what was accepted is had a page at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from tests.controls.desk import Admin, fresh
from tests.harness import FIXTURES, NOW, Answer, Api, contract, made

COMPANY = {"companyGeneralDetails": {"legalName": "B"}}
RECORDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "/consumer/users": lambda n: {"userId": f"u{n}", "createdTimestamp": NOW},
    "/business/users": lambda n: {"userId": f"u{n}", "createdTimestamp": NOW, "legalEntity": COMPANY},
    "/transactions": lambda n: {"transactionId": f"t{n}", "type": "T", "timestamp": NOW, "originUserId": "u0"},
    "/events/consumer/user": lambda n: {"userId": f"u{n % 2}", "timestamp": NOW, "eventId": f"e{n}"},
    "/events/business/user": lambda n: {"userId": f"u{n % 2}", "timestamp": NOW, "eventId": f"e{n}"},
    "/events/transaction": lambda n: {
        "transactionId": f"t{n % 2}", "timestamp": NOW, "eventId": f"e{n}", "transactionState": "SENT"
    },
}  # fmt: skip
USERS, SINGLES = "/consumer/users", tuple(RECORDS)


def filled(**settings: Any) -> Api:
    """A world in which two users of each type and two transactions are stored, all at low risk."""
    api = fresh(outcome="clean", **settings)
    for path in SINGLES[:3]:
        assert batch(api, path, [RECORDS[path](n) for n in range(2)]).status == 201
    return api


def batch(api: Api, path: str, records: Any, batch_id: str | None = None, **more: Any) -> Answer:
    """POST a batch of what `path` takes one by one."""
    named = {"batchId": batch_id} if batch_id else {}
    return api.post("/batch" + path, {**named, "data": records}, **more)


def entries(answer: Answer) -> list[dict[str, Any]]:
    """The records of a batch's page."""
    (found,) = (value for value in answer.body.values() if isinstance(value, list))
    return list(found)


@pytest.mark.parametrize("path", SINGLES)
def test_a_batch_does_what_its_records_would_do(path: str) -> None:
    """Each record is stored as by its own request, refused ones are named with a reason, and the rest are listed."""
    api, alone = filled(), filled()
    good = [RECORDS[path](n) for n in range(2, 5)]
    wrong = {name: value for name, value in RECORDS[path](9).items() if name not in ("timestamp", "createdTimestamp")}
    answer = batch(api, path, [good[0], wrong, 5, *good[1:]], "b")
    body = answer.body
    assert (answer.status, body["status"], body["batchId"], body["successful"], body["failed"]) == (
        201, "PARTIAL_FAILURE", "b", 3, 2)  # fmt: skip
    refused, nothing = body["failedRecords"]
    assert (refused["id"], refused["reasonCode"]) == (wrong.get("eventId") or next(iter(wrong.values())), "BAD_REQUEST")
    assert "/data/1/" in refused["message"]
    assert ("id" not in nothing, "/data/2: must be an object" in nothing["message"]) == (True, True)
    assert refused["message"] in body["message"]
    for record in good:
        assert alone.post(path, record).status == 201
        own = record.get("eventId") or next(iter(record.values()))
        assert api.get(f"{path}/{own}").raw == alone.get(f"{path}/{own}").raw
    page = api.get(f"/batch{path}/b")
    assert page.body["totalCount"] == len(entries(page)) == 3
    for entry, record in zip(entries(page), good, strict=True):
        whole = alone.get(f"{path}/{record.get('eventId') or next(iter(record.values()))}").body
        assert entry.items() <= whole.items()
        assert entry.keys() & {"executedRules", "hitRules"}


@pytest.mark.parametrize("path", SINGLES)
def test_the_examples_of_the_sdk_are_accepted(path: str) -> None:
    """Each example batch of the SDK, fractions as page numbers included, succeeds on a fresh server, twice."""
    api = made()
    operation = contract().operations.find(f"POST /batch{path}")
    body = json.loads((FIXTURES / "sdk" / f"{operation.sdk_name}.request.json").read_text())
    for _ in range(2):
        answer = api.post(f"/batch{path}", body)
        assert (answer.body["status"], answer.warnings) == ("SUCCESS", "")
        assert api.get(f"/batch{path}/{answer.body['batchId']}?pageSize=1.1&page=1.1").body["totalCount"] == 1
        assert len(entries(api.get(f"/batch{path}/batchId?pageSize=1.1&page=1.1"))) == 1


PAGES: list[tuple[str, list[int]]] = [
    ("", list(range(20))),
    ("?page=2", [20, 21, 22]),
    ("?page=3", []),
    ("?pageSize=2&page=2", [2, 3]),
    ("?pageSize=2.9&page=1.9", [0, 1]),
    ("?pageSize=0&page=-7", [0]),
    ("?pageSize=1e300", list(range(23))),
    ("?pageSize=2&pageSize=3", [0, 1, 2]),
]


@pytest.fixture(scope="module")
def paged() -> Api:
    """A world with a batch `b` of 23 users."""
    api = fresh()
    assert batch(api, USERS, [RECORDS[USERS](n) for n in range(23)], "b").status == 201
    return api


@pytest.mark.parametrize(("query", "numbers"), PAGES)
def test_pages(paged: Api, query: str, numbers: list[int]) -> None:
    """Pages have 20 records unless told otherwise; fractions are rounded down, and nothing is less than 1."""
    answer = paged.get(f"/batch{USERS}/b{query}")
    assert [entry["userId"] for entry in entries(answer)] == [f"u{n}" for n in numbers]
    assert answer.body["totalCount"] == 23


@pytest.mark.parametrize("text", ["x", "", "nan", "inf", "1e999", "1_0", "%D9%A1", "true"])
def test_a_page_that_is_no_number_is_refused(paged: Api, text: str) -> None:
    """What is no finite JSON number is a 400 that names the parameter."""
    answer = paged.get(f"/batch{USERS}/b?page={text}")
    assert (answer.status, answer.body["violations"][0]["pointer"]) == (400, "/page")


BAD_BATCHES: list[tuple[Any, str]] = [
    ({}, "/data"),
    ({"data": {}}, "/data"),
    ({"data": None}, "/data"),
    ({"data": [], "batchId": ""}, "/batchId"),
    ({"data": [], "batchId": 5}, "/batchId"),
    ([], ""),
]


@pytest.mark.parametrize(("body", "pointer"), BAD_BATCHES)
def test_a_batch_that_is_none_is_refused_whole(body: Any, pointer: str) -> None:
    """Without a list of records, or with a batchId that is no text, nothing is done."""
    answer = fresh().post(f"/batch{USERS}", body)
    assert (answer.status, answer.body["violations"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize("profile", ["pages", "lenient"])
def test_a_batch_has_a_limit(profile: str) -> None:
    """More than 100 000 records are refused as a whole, before any is looked at."""
    answer = batch(fresh(), USERS, [{}] * 100_001, headers={"Prefer": f"validation={profile}"})
    assert (answer.status, answer.body["violations"][0]["allowed"]) == (400, 100_000)


def test_an_empty_list_and_no_batch_id() -> None:
    """Nothing to do is a success; ids of the sandbox differ, are the same in another world, and can be paged."""
    ids = []
    for api in (fresh(), fresh()):
        answers = [batch(api, USERS, []) for _ in range(2)]
        assert [(a.body["status"], a.body["successful"]) for a in answers] == [("SUCCESS", 0)] * 2
        ids.append([answer.body["batchId"] for answer in answers])
        page = api.get(f"/batch{USERS}/{ids[-1][0]}")
        assert (entries(page), page.body["totalCount"]) == ([], 0)
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_a_batch_again() -> None:
    """The same batch gets the first bytes and is not done again; other records, or flags, under its id are 400."""
    api, records = fresh(), [RECORDS[USERS](0), {"userId": "bad"}]
    first = batch(api, USERS, records, "b")
    assert api.post("/events/consumer/user", {"userId": "u0", "timestamp": NOW, "eventId": "e"}).status == 201
    assert batch(api, USERS, [dict(reversed(r.items())) for r in records], "b").raw == first.raw
    assert Admin(api).last()["replayed"] is True
    assert Admin(api).ask("GET", "state/users/consumer/u0")["events"] == 1
    other = batch(api, USERS, records[:1], "b")
    assert (other.status, other.body["violations"][0]["pointer"]) == (400, "/batchId")
    assert api.post(f"/batch{USERS}?lockCraRiskLevel=true", {"batchId": "b", "data": records}).status == 400
    # an id belongs to one kind of batch
    assert api.get("/batch/business/users/b").status == 404
    assert batch(api, "/business/users", [RECORDS["/business/users"](0)], "b").body["status"] == "SUCCESS"


def test_an_id_twice_in_a_batch() -> None:
    """The later record follows the earlier one, as two requests would; a warning says so, and it is listed once."""
    api = fresh()
    twice = [{**RECORDS[USERS](0), "occupation": text} for text in ("one", "two")]
    answer = batch(api, USERS, twice, "b")
    assert (answer.body["successful"], "/data/1: has the id of /data/0" in answer.warnings) == (2, True)
    page = api.get(f"/batch{USERS}/b")
    assert ([entry["occupation"] for entry in entries(page)], page.body["totalCount"]) == (["two"], 1)
    Admin(api).ask("PATCH", "settings", {"onDuplicate": "reject"})
    assert batch(api, USERS, [RECORDS[USERS](5)] * 2).body["failedRecords"][0]["reasonCode"] == "BAD_REQUEST"
    same = [{"userId": "u0", "timestamp": NOW, "eventId": "e"}] * 2
    events = batch(api, "/events/consumer/user", same, "e")
    assert (events.body["successful"], events.warnings) == (2, "")
    assert Admin(api).ask("GET", "state/users/consumer/u0")["events"] == 1


REASONS: list[tuple[str, dict[str, Any], str, str]] = [
    ("/events/consumer/user", {"userId": "nobody", "timestamp": NOW}, "nobody", "NOT_FOUND"),
    ("/events/consumer/user", {"userId": "u0", "timestamp": NOW, "eventId": "taken"}, "taken", "CONFLICT"),
    ("/events/transaction", {**RECORDS["/events/transaction"](0), "transactionId": "none"}, "e0", "BAD_REQUEST"),
    ("/transactions", {**RECORDS["/transactions"](7), "originUserId": "nobody"}, "t7", "BAD_REQUEST"),
]


@pytest.mark.parametrize(("path", "record", "record_id", "reason"), REASONS)
def test_reasons(path: str, record: dict[str, Any], record_id: str, reason: str) -> None:
    """A record is refused for what its own request would be refused, which the reason names; all refused: FAILURE."""
    api = filled()
    taken = {"userId": "u0", "timestamp": NOW, "eventId": "taken", "reason": "first"}
    assert api.post("/events/consumer/user", taken).status == 201
    body = batch(api, path, [record]).body
    assert (body["status"], body["successful"], body["failed"]) == ("FAILURE", 0, 1)
    assert (body["failedRecords"][0]["id"], body["failedRecords"][0]["reasonCode"]) == (record_id, reason)


def test_query_of_a_batch_is_of_each_record() -> None:
    """Locks and the checks of users hold for each record."""
    api = fresh(outcome="clean")
    user = {**RECORDS[USERS](0), "riskLevel": "LOW"}
    assert api.post(f"/batch{USERS}?lockCraRiskLevel=true", {"data": [user]}).status == 201
    assert Admin(api).ask("GET", "state/users/consumer/u0")["locked"]["cra"] is True
    unknown = {**RECORDS["/transactions"](0), "originUserId": "nobody"}
    for query, status in (("", "FAILURE"), ("?validateOriginUserId=false", "SUCCESS")):
        assert api.post(f"/batch/transactions{query}", {"data": [unknown]}).body["status"] == status
    assert api.post("/batch/transactions?validateOriginUserId=maybe", {"data": []}).status == 400


def test_profiles_and_bounds_of_records() -> None:
    """No bounds on a batch's timestamps but under strict; lenient stores what has an id; nulls are absent."""
    api = fresh()
    odd = {"userId": "o", "createdTimestamp": 1.1, "tags": None}
    for profile, status in (("pages", "SUCCESS"), ("strict", "FAILURE"), ("lenient", "SUCCESS")):
        answer = batch(api, USERS, [odd], headers={"Prefer": f"validation={profile}"})
        assert answer.body["status"] == status
    assert "tags" not in api.get(f"{USERS}/o").body
    lenient = batch(api, USERS, [{"userId": "p"}, {"userId": ""}, 7], headers={"Prefer": "validation=lenient"})
    assert (lenient.body["successful"], lenient.body["failed"]) == (1, 2)


def test_outcomes_of_records() -> None:
    """Prefer, what is armed, personas and the setting choose for each record; a page shows what was decided."""
    api = fresh(outcome="clean")
    Admin(api).arm("suspended", transactionId="t1")
    records = [{"transactionId": t, "type": "T", "timestamp": NOW} for t in ("t0", "t1", "mock_flagged_2")]
    assert batch(api, "/transactions", records, "b").status == 201
    target = "/batch/transactions/b"
    assert [entry["status"] for entry in entries(api.get(target))] == ["ALLOW", "SUSPEND", "FLAG"]
    blocked = api.get(target, headers={"Prefer": "outcome=blocked"})
    assert {entry["status"] for entry in entries(blocked)} == {"BLOCK"}
    for answers in ("example", "generated"):
        stub = api.get("/batch/transactions/nobody", headers={"Prefer": f"answers={answers}, outcome=suspended"})
        assert {entry["status"] for entry in entries(stub)} == {"SUSPEND"}
    assert batch(api, "/transactions", records[:1], headers={"Prefer": "code=503"}).status == 503


def test_faults_and_journal_of_a_batch() -> None:
    """A batch is one request: one entry, which tells what was refused; after the commit its answer can be lost."""
    api = fresh()
    admin = Admin(api)
    fault = admin.fault({"status": 500}, match={"operation": "batch.create_consumer_users"}, phase="after", times=1)
    records = [RECORDS[USERS](0), {"userId": "u1"}]
    assert batch(api, USERS, records, "b").status == 500
    assert admin.hits(fault) == (1, 1)
    assert batch(api, USERS, records, "b").body["successful"] == 1
    assert admin.ask("GET", "requests")["meta"]["total"] == 2
    assert admin.ask("POST", "requests/count", {"operation": "POST /batch/consumer/users"})["count"] == 2
    assert batch(api, USERS, records, "c").status == 201
    told = admin.last()
    assert [entry["pointer"] for entry in told["violations"]] == ["/data/1/createdTimestamp"]
    assert told["after"]["records"] == ["user/consumer/u0"]


def test_a_page_shows_records_as_they_are_now() -> None:
    """An event after the batch shows on its page; a user that was renamed is left out of it."""
    api = fresh()
    assert batch(api, USERS, [RECORDS[USERS](n) for n in range(2)], "b").status == 201
    change = {"userId": "u0", "timestamp": NOW, "updatedConsumerUserAttributes": {"occupation": "smith"}}
    assert api.post("/events/consumer/user", change).status == 201
    rename = {"userId": "u1", "timestamp": NOW, "newUserId": "other"}
    assert api.post("/events/consumer/user?changeUserId=true", rename).status == 201
    page = api.get(f"/batch{USERS}/b")
    assert [(e["userId"], e["occupation"]) for e in entries(page)] == [("u0", "smith")]
    assert page.body["totalCount"] == 2


@pytest.mark.parametrize("wrong", [False, True], ids=["good", "wrong"])
def test_ten_thousand_records(wrong: bool) -> None:
    """10 000 records, each with a null, are done in three seconds of work; what is said of wrong ones is bounded."""
    api = fresh(journal_size=0)
    example = json.loads((FIXTURES / "sdk" / "consumer_users.create.request.json").read_text()) | {"tags": None}
    more = {"createdTimestamp": "x"} if wrong else example
    records = [{**RECORDS[USERS](n), **more, "userId": f"u{n}"} for n in range(10_000)]
    raw = json.dumps({"batchId": "b", "data": records}).encode()
    began = process_time()
    answer = api.transport("POST", f"/batch{USERS}", raw, {"x-api-key": api.key})
    assert process_time() - began < 3
    body = answer.body
    assert (body["failed"] if wrong else body["successful"]) == len(body.get("failedRecords", records)) == 10_000
    assert len(answer.raw) < 2_000_000
    assert api.get(f"/batch{USERS}/b?page=500").body["totalCount"] == (0 if wrong else 10_000)
