"""What a stranger found once, and must not find again."""

from __future__ import annotations

import json

import pytest

from mockserver.errors import WorldError
from tests.harness import NOW, Api, made

USER = {"userId": "u", "createdTimestamp": NOW}
EVENT = {"userId": "u", "timestamp": NOW}
RESULTS: dict[str, object] = {"executedRules": [], "hitRules": [], "riskScoreDetails": {}}


def test_results_that_a_client_sends_are_not_echoed_beside_ours(api: Api) -> None:
    """Result fields in a request are dropped: no answer has a key twice, and the results are the sandbox's own."""
    api.post("/consumer/users", {**USER, **RESULTS})
    api.post("/events/consumer/user", {**EVENT, "eventId": "e", **RESULTS})
    for path in ("/consumer/users/u", "/events/consumer/user/e"):
        assert api.get(path).body["executedRules"]
    world = json.dumps({"kind": "user", "type": "consumer", "body": {**USER, **RESULTS}})
    assert made(world=world).get("/consumer/users/u").body["executedRules"]


@pytest.mark.parametrize("body", [{"tags": [{}] * 101}, {"userId": "", "tags": [{"key": 1, "value": 2}] * 101}])
def test_lenient_names_the_missing_id_behind_any_number_of_others(body: dict[str, object], api: Api) -> None:
    """Without a userId even lenient refuses, however much else is wrong."""
    answer = api.post("/consumer/users", body, headers={"prefer": "validation=lenient"})
    assert answer.status == 400
    assert [entry["pointer"] for entry in answer.body["violations"]] == ["/userId"]


def test_a_rename_onto_the_id_of_the_other_type(api: Api) -> None:
    """A rename onto an id of the other type is warned of, and refused where an id has one type."""
    legal = {"companyGeneralDetails": {"legalName": "A"}}
    api.post("/business/users", {**USER, "userId": "firm", "legalEntity": legal})
    api.post("/consumer/users", USER)
    rename = {**EVENT, "newUserId": "firm"}
    refused = api.post("/events/consumer/user?changeUserId=true", rename, headers={"prefer": "validation=strict"})
    assert refused.status == 400
    assert refused.body["violations"][0]["pointer"] == "/newUserId"
    assert "business user too" in api.post("/events/consumer/user?changeUserId=true", rename).warnings


def test_a_world_may_be_a_json_array() -> None:
    """The content of a world may be a JSON array, or one object over several lines."""
    entry = {"kind": "user", "type": "consumer", "body": USER}
    for content in (json.dumps([entry]), json.dumps(entry, indent=2)):
        assert made(world=content).get("/consumer/users/u").status == 200


def test_a_replayed_event_says_nothing_of_preferences(api: Api) -> None:
    """A replayed answer is as it was, so that no preference was applied to it."""
    api.post("/consumer/users", USER)
    first = api.post("/events/consumer/user", {**EVENT, "eventId": "e"})
    again = api.post("/events/consumer/user", {**EVENT, "eventId": "e"}, headers={"prefer": "outcome=clean"})
    assert again.raw == first.raw
    assert "preference-applied" not in again.headers


def test_a_path_that_is_not_utf8_is_no_other_users(api: Api) -> None:
    """Bytes that are not UTF-8 do not stand for the replacement character."""
    api.post("/consumer/users", {**USER, "userId": "\ufffd"})
    assert api.get("/consumer/users/%EF%BF%BD").status == 200
    assert api.get("/consumer/users/%ff").status == 400


def test_the_hint_of_a_401_is_true() -> None:
    """Where keys are listed, a missing one is not told that any text will do."""
    listed = made(api_keys=("a", "b"))
    assert "Any text" not in listed.call("GET", "/consumer/users/u", headers={"x-api-key": None}).body["hint"]


def test_a_batch_that_is_imported_lists_records_of_its_kind_alone() -> None:
    """Places of other kinds are refused by name; events without an id, which no export holds, are left out."""
    entry = {"kind": "batch", "type": "consumerUserEvents"}
    for place in ("user/consumer/u", "counter/own-event", "event/business/e"):
        with pytest.raises(WorldError, match="must begin with event/consumer/"):
            made(world=json.dumps({**entry, "body": {"batchId": "b", "records": [place]}}))
    mixed = {"batchId": "b", "records": ["own-event/consumer/000000001", "event/consumer/e"]}
    copy = made(world=json.dumps([{**entry, "body": mixed}, {"kind": "user", "type": "consumer", "body": USER}]))
    assert copy.post("/events/consumer/user", EVENT).status == 201  # the first without an id here
    page = copy.get("/batch/events/consumer/user/b").body
    assert (page["consumerUserEvents"], page["totalCount"]) == ([], 1)


def test_a_refused_record_of_a_batch_is_told_the_way_out(api: Api) -> None:
    """What a request by itself gets as a hint stands in the message of a batch's record."""
    payment = {"transactionId": "t", "type": "T", "timestamp": NOW, "originUserId": "nobody"}
    refused = api.post("/batch/transactions", {"data": [payment]}).body["failedRecords"][0]
    assert "validateOriginUserId=false in the query" in refused["message"]
