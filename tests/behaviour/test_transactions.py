"""Transactions: their users are looked up, their events change them, their state and results are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controls.desk import Admin, at_once, fresh
from tests.harness import FIXTURES, NOW, Api, made

PATH, EVENTS = "/transactions", "/events/transaction"
RESULTS = ("executedRules", "hitRules", "riskScoreDetails", "status")
UNCHECKED = "?validateOriginUserId=false&validateDestinationUserId=false"


@pytest.fixture
def api() -> Api:
    """A world with a consumer `a` and a business `b`."""
    api = fresh(outcome="clean")
    assert api.post("/consumer/users", {"userId": "a", "createdTimestamp": NOW}).status == 201
    company = {"companyGeneralDetails": {"legalName": "B"}}
    assert api.post("/business/users", {"userId": "b", "createdTimestamp": NOW, "legalEntity": company}).status == 201
    return api


def transaction(transaction_id: str = "t", **more: Any) -> dict[str, Any]:
    """A transaction; without users unless `more` names them."""
    return {"type": "TRANSFER", "transactionId": transaction_id, "timestamp": NOW, **more}


def event(transaction_id: str = "t", **more: Any) -> dict[str, Any]:
    """An event of a transaction."""
    return {"transactionId": transaction_id, "timestamp": NOW, "transactionState": "SENT", **more}


def stored(api: Api, transaction_id: str = "t") -> dict[str, Any]:
    """The transaction as it is stored."""
    body: dict[str, Any] = api.get(f"{PATH}/{transaction_id}").body
    return {name: value for name, value in body.items() if name not in RESULTS}


# which users, query, the pointers of the violations; none: it is accepted
USERS: list[tuple[dict[str, str], str, list[str]]] = [
    ({}, "", []),
    ({"originUserId": "a", "destinationUserId": "b"}, "", []),
    ({"originUserId": "b"}, "?validateOriginUserId=true", []),
    ({"originUserId": "x", "destinationUserId": "y"}, "", ["/originUserId", "/destinationUserId"]),
    ({"originUserId": "x", "destinationUserId": "y"}, "?validateOriginUserId=false", ["/destinationUserId"]),
    ({"originUserId": "x", "destinationUserId": "y"}, "?validateDestinationUserId=false", ["/originUserId"]),
    ({"originUserId": "x", "destinationUserId": "y"}, UNCHECKED, []),
    ({"destinationUserId": ""}, "", ["/destinationUserId"]),
]


@pytest.mark.parametrize(("users", "query", "pointers"), USERS)
def test_the_users_of_a_transaction_must_be_stored(
    api: Api, users: dict[str, str], query: str, pointers: list[str]
) -> None:
    """An unknown user, of either type, is a 400 that names the property, unless the query lets it through."""
    answer = api.post(PATH + query, transaction(**users))
    assert answer.status == (400 if pointers else 201)
    assert [entry["pointer"] for entry in answer.body.get("violations", ())] == pointers
    assert api.get(f"{PATH}/t").status == (404 if pointers else 200)
    if pointers:
        assert "=false" in answer.body["hint"]


def test_what_another_world_holds_is_told(api: Api) -> None:
    """A user or transaction that is in another world is refused with the name of that world, never a key."""
    there = api.with_key(f"{api.key}-there")
    assert there.post("/consumer/users", {"userId": "far", "createdTimestamp": NOW}).status == 201
    assert there.post(PATH, transaction("far")).status == 201
    for path, body in ((PATH, transaction(originUserId="far")), (EVENTS, event("far"))):
        answer = api.post(path, body)
        assert (answer.status, there.key.removeprefix("world-") in answer.body["hint"]) == (400, True)
        assert there.key not in answer.raw.decode()


def test_the_state_is_created_by_default_and_events_set_it(api: Api) -> None:
    """The default state is stored and shown; an event sets the state, merges objects and replaces the rest."""
    amounts: dict[str, Any] = {"originAmountDetails": {"transactionAmount": 5, "transactionCurrency": "EUR"}}
    assert api.post(PATH, transaction(originUserId="a", tags=[{"key": "k", "value": "v"}], **amounts)).status == 201
    before = stored(api)
    assert before == transaction(originUserId="a", tags=[{"key": "k", "value": "v"}], **amounts) | {
        "transactionState": "CREATED"
    }
    changes = {
        "tags": [],
        "reference": "r",
        "originAmountDetails": {"transactionAmount": 6, "transactionCurrency": "EUR", "country": "DE"},
        # what identifies it stays, whatever an event says
        "transactionId": "u", "timestamp": 1, "originUserId": "x",
    }  # fmt: skip
    sent = event(eventId="e", updatedTransactionAttributes=changes)
    answer = api.post(EVENTS, sent)
    after = before | {"transactionState": "SENT", **{k: changes[k] for k in list(changes)[:3]}}
    assert (answer.status, answer.body["eventId"], answer.body["transaction"]) == (201, "e", after)
    assert stored(api) == after
    got = api.get(f"{EVENTS}/e").body
    assert {name: value for name, value in got.items() if name not in RESULTS} == sent
    assert got["status"] == answer.body["status"] == "ALLOW"


def test_an_event_without_an_id_can_be_had_all_the_same(api: Api) -> None:
    """Each gets an id of the sandbox, the same in a world that was asked the same, and GET finds it."""
    made_ids = []
    for world in (api, fresh(outcome="clean")):
        assert world.post(PATH, transaction()).status == 201
        ids = [world.post(EVENTS, event()).body["eventId"] for _ in range(2)]
        assert [world.get(f"{EVENTS}/{each}").status for each in ids] == [200, 200]
        made_ids.append(ids)
    assert made_ids[0] == made_ids[1]
    assert len(set(made_ids[0])) == 2


def test_an_id_of_the_sandbox_that_was_imported_is_not_given_again(api: Api) -> None:
    """Where another world's records came in, a new id is one that is free."""
    assert api.post(PATH, transaction()).status == 201
    first = fresh()
    assert first.post(PATH, transaction()).status == 201
    own = first.post(EVENTS, event()).body["eventId"]
    Admin(api).ask("PUT", f"state/events/transaction/{own}", event(eventId=own))
    assert api.post(EVENTS, event()).body["eventId"] != own


def test_an_event_again_is_replayed_and_another_refused(api: Api) -> None:
    """The same eventId and body get the first bytes, another body 409, an unknown transaction 400."""
    assert api.post(PATH, transaction()).status == 201
    first = api.post(EVENTS, event(eventId="e"))
    assert api.post(EVENTS, event(eventId="e")).raw == first.raw
    assert Admin(api).last()["replayed"] is True
    assert api.post(EVENTS, event(eventId="e", reason="other")).status == 409
    unknown = api.post(EVENTS, event("none", eventId="n"))
    assert (unknown.status, unknown.body["violations"][0]["pointer"]) == (400, "/transactionId")
    assert api.get(f"{EVENTS}/n").status == 404
    assert Admin(api).ask("GET", "state/transactions/transaction/t")["events"] == 1


@pytest.mark.parametrize("way", ["replace", "merge", "reject"])
def test_a_transaction_again(api: Api, way: str) -> None:
    """A stored transaction is replaced, with a warning where events are lost, merged, or refused, as users are."""
    Admin(api).ask("PATCH", "settings", {"onDuplicate": way})
    assert api.post(PATH, transaction(reference="r")).status == 201
    assert api.post(EVENTS, event()).status == 201
    again = api.post(PATH, transaction(productType="p"))
    assert again.status == (400 if way == "reject" else 201)
    assert ("1 event " in again.warnings + " ") == (way == "replace")
    assert (
        stored(api)
        == {
            "replace": transaction(productType="p", transactionState="CREATED"),
            "merge": transaction(reference="r", transactionState="SENT", productType="p"),
            "reject": transaction(reference="r", transactionState="SENT"),
        }[way]
    )


@pytest.mark.parametrize("how", ["verified", "imported", "put"])
def test_a_user_with_transactions_is_not_renamed(api: Api, how: str) -> None:
    """However a transaction came into the world, its users keep their ids, and a user without one is renamed."""
    body = transaction(originUserId="x", destinationUserId="a")
    if how == "verified":
        assert api.post(PATH + UNCHECKED, body).status == 201
    elif how == "put":
        Admin(api).ask("PUT", "state/transactions/transaction/t", body)
    else:
        line = {"kind": "transaction", "type": "transaction", "body": body}
        Admin(api).ask("POST", "state/import", line)
    rename = {"userId": "a", "timestamp": NOW, "newUserId": "c"}
    refused = api.post("/events/consumer/user?changeUserId=true", rename)
    assert (refused.status, "transactions" in refused.body["message"]) == (409, True)
    assert api.get("/consumer/users/a").status == 200
    other = api.post("/events/business/user?changeUserId=true", {**rename, "userId": "b"})
    assert (other.status, other.body["userId"]) == (201, "c")


def test_results_that_are_sent_are_not_stored(api: Api) -> None:
    """What the sandbox decides it does not take from a client: a status that is sent is a warning and is left out."""
    answer = api.post(PATH, transaction(status="BLOCK", hitRules=[]))
    assert ("/status" in answer.warnings, answer.body["status"]) == (True, "ALLOW")
    assert "status" not in stored(api)


def test_the_example_calls_of_the_sdk_are_accepted_in_any_order() -> None:
    """Each example request of the SDK for these calls succeeds on a fresh server, twice, and so does each GET."""
    api = made()
    for _ in range(2):
        for path, name in ((EVENTS, "transaction_events.create"), (PATH, "transactions.verify")):
            body = json.loads((FIXTURES / "sdk" / f"{name}.request.json").read_text())
            answer = api.post(path, body)
            assert (answer.status, answer.warnings) == (201, "")
        for target in (f"{EVENTS}/eventId", f"{PATH}/transactionId"):
            assert api.get(target).status == 200


@pytest.mark.parametrize("answers", ["example", "generated"])
def test_a_stateless_stub_knows_every_transaction(answers: str) -> None:
    """With answers from elsewhere than the store unknown users and transactions are no error, and nothing is stored."""
    api = fresh(answers=answers, outcome="blocked")
    verified = api.post(PATH, transaction(originUserId="nobody"))
    assert (verified.status, verified.body["transactionId"], verified.body["status"]) == (201, "t", "BLOCK")
    told = api.post(EVENTS, event(eventId="e")).body
    assert (told["eventId"], told["transaction"]["transactionId"]) == ("e", "t")
    assert api.post(f"/batch{PATH}", {"data": [transaction(originUserId="nobody")]}).body["status"] == "SUCCESS"
    assert api.get(f"{PATH}/t").body["transactionId"] == "t"
    assert Admin(api).ask("GET", "state")["transactions"] == {"transaction": 0}


def test_events_at_once_are_all_applied_once(api: Api) -> None:
    """Sixteen clients at once: each event counts, and the same event from all of them counts once."""
    assert api.post(PATH, transaction()).status == 201
    at_once(lambda number: api.post(EVENTS, event(eventId=f"e{number}")), 16)
    at_once(lambda _: api.post(EVENTS, event(eventId="same")), 16)
    assert Admin(api).ask("GET", "state/transactions/transaction/t")["events"] == 17


@pytest.mark.parametrize("profile", ["pages", "strict", "lenient"])
def test_profiles_hold_for_transactions(api: Api, profile: str) -> None:
    """A timestamp out of bounds and an unknown property: accepted, refused under strict; lenient needs an id alone."""
    prefer = {"Prefer": f"validation={profile}"}
    odd = api.post(PATH, transaction(unknown=1) | {"timestamp": 5}, headers=prefer)
    assert odd.status == (400 if profile == "strict" else 201)
    for body, fine in (({"transactionId": "u", "type": 5}, profile == "lenient"), ({"type": "T"}, False)):
        assert api.post(PATH, body, headers=prefer).status == (201 if fine else 400)


def test_controls_know_transactions(api: Api) -> None:
    """Outcomes and faults are armed for a transaction or one of its users, and the journal finds both."""
    admin = Admin(api)
    admin.arm("blocked", transactionId="t1")
    admin.arm("flagged", userId="b", times=1)
    both = {"originUserId": "a", "destinationUserId": "b"}
    statuses = [api.post(PATH, transaction(f"t{n}", **both)).body["status"] for n in (1, 2, 3)]
    assert statuses == ["FLAG", "ALLOW", "ALLOW"]
    assert api.post(EVENTS, event("t1")).body["status"] == "BLOCK"
    for match, targets in (({"userId": "b"}, [503, 201]), ({"transactionId": "t3"}, [201, 503])):
        fault = admin.fault({"status": 503}, match=match)
        assert [api.post(PATH, transaction("t2", **both)).status, api.post(EVENTS, event("t3")).status] == targets
        admin.ask("DELETE", f"faults/{fault}")

    def count(**pattern: str) -> int:
        return int(admin.ask("POST", "requests/count", pattern)["count"])

    assert [count(userId="a"), count(userId="b"), count(transactionId="t1"), count(transactionId="t3")] == [6, 6, 2, 3]
    assert api.get(f"{PATH}/t1").status == 200
    assert count(transactionId="t1") == 3
