"""Where an answer comes from, and which results it carries: two dials, by setting and by Prefer."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from mockserver.errors import MockserverError
from tests.harness import FIXTURES, NOW, Api, made

CONSUMER, EVENT = "/consumer/users", "/events/consumer/user"
USER = {"userId": "u", "createdTimestamp": NOW}
COMPANY = {**USER, "legalEntity": {"companyGeneralDetails": {"legalName": "Hazelnut"}}}
RESULTS = ("executedRules", "hitRules", "riskScoreDetails")


def example(path: str) -> Any:
    """A body of the documentation or of the SDK."""
    return json.loads((FIXTURES / path).read_text())


# method, target, body, and the body that answers=example gives
EXAMPLES: list[tuple[str, str, Any, str]] = [
    ("POST", CONSUMER, USER, "sdk/consumer_users.create.response.json"),
    ("GET", f"{CONSUMER}/u", None, "documented/consumer_user_get.response.json"),
    ("POST", EVENT, {"userId": "u", "timestamp": 1}, "documented/consumer_user_event_create.response.json"),
    ("GET", f"{EVENT}/u", None, "sdk/consumer_user_events.get.response.json"),
    ("POST", "/business/users", COMPANY, "documented/business_user_create.response.json"),
    ("GET", "/business/users/u", None, "sdk/business_users.get.response.json"),
    ("POST", "/events/business/user", {"userId": "u", "timestamp": 1}, "sdk/business_user_events.create.response.json"),
    ("GET", "/events/business/user/u", None, "sdk/business_user_events.get.response.json"),
]


@cache
def example_sandbox() -> Api:
    """One empty sandbox with the setting answers=example."""
    return made(answers="example", world="empty")


def prefer(value: str) -> dict[str, Any]:
    """The keyword that sends a Prefer header."""
    return {"headers": {"Prefer": value}}


@pytest.mark.parametrize(("method", "target", "body", "path"), EXAMPLES)
@pytest.mark.parametrize("by", ["setting", "Prefer"])
def test_example_answers_are_the_documented_bodies(
    api: Api, by: str, method: str, target: str, body: Any, path: str
) -> None:
    """With answers=example each operation gives its documented body with the id asked for, known or not."""
    if by == "setting":
        answer = example_sandbox().call(method, target, body)
    else:
        answer = api.call(method, target, body, **prefer("answers=example"))
        assert answer.headers["preference-applied"] == "answers=example"
    wanted = example(path) | ({"eventId": "u"} if method == "GET" and "events" in target else {"userId": "u"})
    assert answer.status == (201 if method == "POST" else 200)
    assert answer.body == wanted


def test_example_answers_validate_and_store_all_the_same(api: Api) -> None:
    """With answers=example a bad body is refused and a good one is stored, as the next plain GET shows."""
    assert api.post(CONSUMER, {"userId": "u"}, **prefer("answers=example")).status == 400
    assert api.get(f"{CONSUMER}/u").status == 404
    assert api.post(CONSUMER, {**USER, "occupation": "o"}, **prefer("answers=example")).status == 201
    assert api.get(f"{CONSUMER}/u").body["occupation"] == "o"
    event = {"userId": "u", "timestamp": 1, "updatedConsumerUserAttributes": {"occupation": "p"}}
    assert "Baran" in api.post(EVENT, event, **prefer("answers=example")).raw.decode()
    assert api.get(f"{CONSUMER}/u").body["occupation"] == "p"


# what the header says, and what is applied; None: nothing is
HEADERS: list[tuple[str, str | None, str]] = [
    ("outcome=clean", "outcome=clean", "clean"),
    ('outcome="clean"', "outcome=clean", "clean"),
    ("example=clean", "example=clean", "clean"),
    ("OutCome=clean", "outcome=clean", "clean"),
    ("outcome = clean", "outcome=clean", "clean"),
    ("outcome=clean; foo=bar", "outcome=clean", "clean"),
    ("respond-async, outcome=clean, wait=10", "outcome=clean", "clean"),
    ("outcome=clean, outcome=example", "outcome=clean", "clean"),
    ("outcome=example, outcome=clean", "outcome=example", "example"),
    ("outcome=clean, example=example", "outcome=clean", "clean"),
    ("outcome=clean, outcome=nonsense", "outcome=clean", "clean"),
    ("answers=stored,outcome=clean,validation=pages", "answers=stored, outcome=clean, validation=pages", "clean"),
    ("unknown=1", None, "example"),
    ("outcomes=clean", None, "example"),
    ("", None, "example"),
    (",,;=", None, "example"),
    ('note="a, outcome=clean"', None, "example"),
]


@pytest.mark.parametrize(("header", "applied", "outcome"), HEADERS)
def test_prefer_is_read_as_rfc_7240_says(api: Api, header: str, applied: str | None, outcome: str) -> None:
    """Quoted, in any case, among others: a preference is heard, the first one counts, and unknown ones are ignored."""
    answer = api.post(CONSUMER, USER, **prefer(header))
    assert answer.status == 201
    assert answer.headers.get("preference-applied") == applied
    assert (answer.body["hitRules"] == []) == (outcome == "clean")


WRONG = [
    ("outcome=claen", "clean"), ("example=Clean", "clean"), ("answers=store", "stored"), ("answers=EXAMPLE", "example"),
    ("validation=page", "pages"), ("validation=stric", "strict"), ('outcome=""', None), ("outcome", None),
    ("outcome=x\u00fcy", None), ("answers=" + "z" * 3000, None),
]  # fmt: skip


@pytest.mark.parametrize(("header", "near"), WRONG)
def test_a_wrong_value_is_a_400_naming_the_nearest(api: Api, header: str, near: str | None) -> None:
    """A known preference with an unknown value is refused, says what is allowed, and stores nothing."""
    header = header.encode().decode("latin-1")
    answer = api.post(CONSUMER, USER, **prefer(header))
    assert answer.status == 400
    [violation] = answer.body["violations"]
    assert (violation["in"], violation["rule"]) == ("header", "enum")
    assert near is None or near in violation["hint"]
    assert violation["allowed"]
    assert len(answer.body["message"]) < 400
    assert api.get(f"{CONSUMER}/u").status == 404


@pytest.mark.parametrize("by", ["setting", "Prefer"])
@pytest.mark.parametrize("users", [CONSUMER, "/business/users"])
def test_clean_executes_and_hits_nothing(api: Api, by: str, users: str) -> None:
    """The outcome `clean` shows the rule executed, none hit and a low risk; it stays what was decided at the write."""
    more = {} if by == "setting" else prefer("outcome=clean")
    sandbox = made(outcome="clean") if by == "setting" else api
    created = sandbox.post(users, COMPANY if "business" in users else USER, **more).body
    assert [rule["ruleHit"] for rule in created["executedRules"]] == [False]
    assert (created["hitRules"], created["riskScoreDetails"]["craRiskLevel"]) == ([], "LOW")
    got = sandbox.get(f"{users}/u").body
    assert {name: got[name] for name in RESULTS} == {name: created[name] for name in RESULTS}


def test_example_is_the_documented_result(api: Api) -> None:
    """The default outcome shows each operation's own documented results, as they stand."""
    body = api.post("/business/users", COMPANY).body
    assert body == {**example("documented/business_user_create.response.json"), "userId": "u"}
    api.post(CONSUMER, USER)
    wanted = example("documented/consumer_user_get.response.json")
    got = api.get(f"{CONSUMER}/u").body
    assert got == {**USER, **{name: wanted[name] for name in RESULTS}}


def test_the_outcome_is_decided_by_the_last_write(api: Api) -> None:
    """A GET shows what the last write decided; an outcome preferred for one GET changes nothing stored."""

    def hits() -> int:
        return len(api.get(f"{CONSUMER}/u").body["hitRules"])

    api.post(CONSUMER, USER, **prefer("outcome=clean"))
    assert hits() == 0
    api.post(EVENT, {"userId": "u", "timestamp": 1, "eventId": "e"})
    assert hits() == 1
    assert api.get(f"{CONSUMER}/u", **prefer("outcome=clean")).body["hitRules"] == []
    assert hits() == 1
    api.post(EVENT, {"userId": "u", "timestamp": 2}, **prefer("example=clean"))
    assert hits() == 0
    assert len(api.get(f"{EVENT}/e").body["hitRules"]) == 1


LEVELS: list[tuple[dict[str, str], str, str]] = [
    ({}, "LOW", "LOW"),
    ({"riskLevel": "VERY_HIGH"}, "VERY_HIGH", "LOW"),
    ({"kycRiskLevel": "MEDIUM"}, "LOW", "MEDIUM"),
    ({"riskLevel": "HIGH", "kycRiskLevel": "VERY_LOW"}, "HIGH", "VERY_LOW"),
]


@pytest.mark.parametrize(("fields", "cra", "kyc"), LEVELS)
def test_the_users_own_levels_show_with_clean(api: Api, fields: dict[str, str], cra: str, kyc: str) -> None:
    """With `clean` riskLevel and kycRiskLevel show as craRiskLevel and kycRiskLevel, with scores in their order."""
    created = api.post(CONSUMER, {**USER, **fields}, **prefer("outcome=clean")).body["riskScoreDetails"]
    assert (created["craRiskLevel"], created["kycRiskLevel"]) == (cra, kyc)
    order = ["VERY_LOW", "LOW", "MEDIUM", "HIGH", "VERY_HIGH"]
    assert (created["craRiskScore"] > created["kycRiskScore"]) == (order.index(cra) > order.index(kyc))
    assert api.get(f"{CONSUMER}/u").body["riskScoreDetails"] == created
    event = {"userId": "u", "timestamp": 1, "updatedConsumerUserAttributes": {"riskLevel": "MEDIUM"}}
    updated = api.post(EVENT, event, **prefer("outcome=clean")).body
    assert (updated["riskLevel"], updated["riskScoreDetails"]["craRiskLevel"]) == ("MEDIUM", "MEDIUM")


def test_the_example_keeps_its_levels(api: Api) -> None:
    """With `example` the documented risk scores stand as they are, whatever the user's own levels."""
    plain = api.post(CONSUMER, USER).body["riskScoreDetails"]
    assert api.post(CONSUMER, {**USER, "riskLevel": "VERY_LOW"}).body["riskScoreDetails"] == plain


@pytest.mark.parametrize("header", ["outcome=example", "outcome=clean", "answers=example"])
def test_message_stands_in_create_and_event_answers_alone(api: Api, header: str) -> None:
    """Only a create or an event may answer with `message`; no GET does, and none invents it."""
    api.post(CONSUMER, {**USER, "message": "mine"})
    api.post(EVENT, {"userId": "u", "timestamp": 1, "eventId": "e"})
    for target in (f"{CONSUMER}/u", f"{EVENT}/e", "/business/users/userId", "/events/business/user/eventId"):
        assert "message" not in api.get(target, **prefer(header)).body
    assert api.post("/business/users", COMPANY).body["message"] == "message"


def test_an_unknown_outcome_stops_the_start() -> None:
    """The setting outcome with a name that no file has is refused at once, with the nearest name."""
    with pytest.raises(MockserverError, match="clean"):
        made(outcome="cleen")
