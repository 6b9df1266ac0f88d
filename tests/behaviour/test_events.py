"""What an event does to its user: merged, converted, renamed, locked, replayed. The same for both kinds of user."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import NOW, Answer, Api

COMPANY = {"companyGeneralDetails": {"legalName": "Hazelnut"}}
CONVERT, RENAME = "?allowUserTypeConversion=true", "?changeUserId=true"


@dataclass(frozen=True)
class Kind:
    """One kind of user, and its own short way to say create, event and get."""

    api: Api
    users: str
    events: str
    attributes: str
    more: dict[str, Any]

    def create(self, user_id: str = "u", query: str = "", **fields: Any) -> Answer:
        """Create a user with these properties."""
        answer = self.api.post(self.users + query, {"userId": user_id, "createdTimestamp": NOW, **self.more, **fields})
        assert answer.status == 201, answer.body
        return answer

    def event(self, attributes: Any = None, query: str = "", user_id: str = "u", **fields: Any) -> Answer:
        """Send an event with these attributes and properties."""
        changes = {} if attributes is None else {self.attributes: attributes}
        return self.api.post(self.events + query, {"userId": user_id, "timestamp": 1, **changes, **fields})

    def get(self, user_id: str = "u") -> Any:
        """The stored user without results, None where there is none."""
        answer = self.api.get(f"{self.users}/{user_id}")
        return without_results(answer.body) if answer.status == 200 else None


def without_results(body: dict[str, Any]) -> dict[str, Any]:
    """A user or event as it was sent."""
    results = ("executedRules", "hitRules", "riskScoreDetails", "message")
    return {name: value for name, value in body.items() if name not in results}


def consumer(api: Api) -> Kind:
    """The consumer's side of a sandbox."""
    return Kind(api, "/consumer/users", "/events/consumer/user", "updatedConsumerUserAttributes", {})


def business(api: Api) -> Kind:
    """The business' side of a sandbox."""
    more = {"legalEntity": COMPANY}
    return Kind(api, "/business/users", "/events/business/user", "updatedBusinessUserAttributes", more)


@pytest.fixture(params=[consumer, business], ids=lambda make: make.__name__)
def kind(request: Any, api: Api) -> Kind:
    """One kind of user of a fresh world."""
    return request.param(api)


# property, what was stored, what the event sends, what is stored afterwards
MERGES: list[tuple[str, Any, Any, Any]] = [
    ("customObject", {"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
    ("customObject", {"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ("customObject", {"a": {"b": 1}}, {"a": 2}, {"a": 2}),
    ("customObject", {"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ("customObject", {"a": {"b": 1}}, {"a": []}, {"a": []}),
    ("customObject", {"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
    ("customObject", {"a": {"b": 1}}, {"a": None}, {"a": None}),
    ("customObject", {"a": {"b": 1}}, {"a": {"b": None}}, {"a": {"b": None}}),
    ("tags", [{"key": "a", "value": "1"}], [{"key": "b", "value": "2"}], [{"key": "b", "value": "2"}]),
    ("tags", [{"key": "a", "value": "1"}], [], []),
    ("riskLevel", "LOW", "HIGH", "HIGH"),
    ("riskLevel", "LOW", None, "LOW"),
    ("eoddDate", 1, None, 1),
    ("eoddDate", 1, 0, 0),
    ("userStateDetails", {"state": "CREATED", "reason": "r"}, {"state": "ACTIVE"}, {"state": "ACTIVE", "reason": "r"}),
    ("userStateDetails", {"state": "CREATED", "reason": "r"}, {"state": "ACTIVE", "reason": None},
     {"state": "ACTIVE", "reason": "r"}),
    ("userStateDetails", {"state": "CREATED"}, None, {"state": "CREATED"}),
    ("unknownThing", {"a": 1}, {"a": None, "b": 2}, {"a": None, "b": 2}),
    ("unknownThing", 1, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stored", "sent", "after"), MERGES)
def test_objects_are_merged_and_the_rest_is_replaced(kind: Kind, name: str, stored: Any, sent: Any, after: Any) -> None:
    """Objects merge at every depth, lists and scalars are replaced, null on a declared property is absent."""
    kind.create(**{name: stored}, activatedTimestamp=NOW)
    before = kind.get()
    answer = kind.event({name: sent})
    assert (answer.status, without_results(answer.body)) == (201, {**before, name: after})
    assert kind.get() == {**before, name: after}


def test_nulls_are_absent_where_declared_and_stay_where_free(kind: Kind) -> None:
    """Null on a declared optional property is not stored or echoed; in free values it is a value."""
    kind.create(riskLevel=None, tags=None, userStateDetails={"state": "ACTIVE", "reason": None},
                customObject={"a": None}, unknownThing=None)  # fmt: skip
    assert kind.get() == {
        "userId": "u", "createdTimestamp": NOW, **kind.more, "userStateDetails": {"state": "ACTIVE"},
        "customObject": {"a": None}, "unknownThing": None,
    }  # fmt: skip
    assert kind.event(eventId="e", reason=None, unknown=None).status == 201
    event = kind.api.get(f"{kind.events}/e").body
    assert without_results(event) == {"userId": "u", "timestamp": 1, "eventId": "e", "unknown": None}


def test_state_and_kyc_come_from_both_places(kind: Kind) -> None:
    """State and KYC are taken from the event itself and from its attributes, which win where both speak."""
    kind.create()
    kind.event(userStateDetails={"state": "DORMANT", "reason": "top"}, kycStatusDetails={"status": "FAILED"})
    user = kind.get()
    assert (user["userStateDetails"], user["kycStatusDetails"]) == (
        {"state": "DORMANT", "reason": "top"}, {"status": "FAILED"})  # fmt: skip
    kind.event({"userStateDetails": {"state": "BLOCKED"}}, userStateDetails={"state": "ACTIVE", "reason": "new"})
    assert kind.get()["userStateDetails"] == {"state": "BLOCKED", "reason": "new"}


def test_identity_is_never_changed_by_attributes(kind: Kind) -> None:
    """No event changes userId or createdTimestamp, and result fields in it are nobody's to set."""
    kind.create()
    before, results = kind.get(), {"executedRules": [], "hitRules": [], "riskScoreDetails": {}, "message": "m"}
    assert kind.event({"userId": "v", "createdTimestamp": 1, **results}).status == 201
    assert (kind.get(), kind.get("v")) == (before, None)


BOTH_WAYS = [(consumer, business), (business, consumer)]


@pytest.mark.parametrize(("make_own", "make_other"), BOTH_WAYS)
def test_the_wrong_type_is_a_404_that_says_what_converts(api: Api, make_own: Any, make_other: Any) -> None:
    """An event for a user of the other type is a 404 naming allowUserTypeConversion, and changes nothing."""
    own, other = make_own(api), make_other(api)
    other.create()
    before = other.get()
    for query in ("", "?allowUserTypeConversion=false"):
        answer = own.event(eventId="e", query=query)
        assert answer.status == 404
        assert "allowUserTypeConversion" in answer.raw.decode()
    assert (other.get(), own.get()) == (before, None)


def test_a_business_becomes_a_consumer(api: Api) -> None:
    """Conversion keeps what the types share, drops what the new one lacks, then applies the event."""
    old, new = business(api), consumer(api)
    old.create(riskLevel="LOW", directors=[{"generalDetails": {}}], tags=[], customObject={"a": 1})
    answer = new.event({"riskLevel": "HIGH", "occupation": "o"}, query=CONVERT)
    after = {"userId": "u", "createdTimestamp": NOW, "riskLevel": "HIGH", "tags": [], "customObject": {"a": 1},
             "occupation": "o"}  # fmt: skip
    assert (answer.status, without_results(answer.body)) == (201, after)
    assert (old.get(), new.get()) == (None, after)


@pytest.mark.parametrize("legal_entity", [None, COMPANY])
def test_a_consumer_becomes_a_business(api: Api, legal_entity: Any) -> None:
    """A converted consumer has the legalEntity of the event, else an empty one."""
    old, new = consumer(api), business(api)
    old.create(occupation="o", userDetails={}, eoddDate=5, userStateDetails={"state": "ACTIVE"})
    answer = new.event({"legalEntity": legal_entity} if legal_entity else None, query=CONVERT)
    after = {"userId": "u", "createdTimestamp": NOW, "eoddDate": 5, "userStateDetails": {"state": "ACTIVE"},
             "legalEntity": legal_entity or {"companyGeneralDetails": {}}}  # fmt: skip
    assert (answer.status, without_results(answer.body)) == (201, after)
    assert (old.get(), new.get()) == (None, after)


def test_conversion_is_no_matter_where_the_type_is_right(api: Api) -> None:
    """With allowUserTypeConversion=true an id of the right type is updated as ever, an unknown one 404."""
    one, other = consumer(api), business(api)
    one.create()
    other.create()
    before = other.get()
    assert one.event({"occupation": "o"}, query=CONVERT).status == 201
    assert (one.get()["occupation"], other.get()) == ("o", before)
    for query in ("", CONVERT):
        unknown = one.event(query=query, user_id="nobody", eventId="e")
        assert (unknown.status, "nobody" in unknown.body["message"], one.get("nobody")) == (404, True, None)
        assert api.get(f"{one.events}/e").status == 404


def test_an_event_again_is_answered_as_the_first_time(kind: Kind) -> None:
    """The same eventId and body gets the first answer's bytes and changes nothing, however the user went on."""
    kind.create()
    sent = {"customObject": {"a": 1}, "riskLevel": "LOW"}
    first = kind.event(sent, eventId="e")
    kind.event({"customObject": {"a": 2}, "riskLevel": "HIGH"}, eventId="f")
    after = kind.get()
    assert kind.event(sent, eventId="e").raw == first.raw
    assert kind.get() == after
    assert kind.event(query=RENAME, newUserId="n").status == 201
    assert kind.event(sent, eventId="e").raw == first.raw
    renamed = kind.event(query=RENAME, newUserId="m", user_id="n", eventId="r")
    assert kind.event(query=RENAME, newUserId="m", user_id="n", eventId="r").raw == renamed.raw
    assert kind.get() is None
    assert kind.get("m") == {**after, "userId": "m"}


# the free value of the first event, the second's as raw JSON, and whether the two are the same event
SAME: list[tuple[str, str, bool]] = [
    ("1", "1.0", True), ("1.0", "1", True), ("1", "true", False), ("0", "false", False), ("[0]", "[false]", False),
    ('{"a":1,"b":2}', '{"b":2,"a":1}', True), ("[1,2]", "[2,1]", False), ("1", '"1"', False), ("null", "{}", False),
    ('"\\u00e9"', '"é"', True), ("1e2", "100", True), ("0.0", "-0.0", True), ('{"a":null}', "{}", False),
    (str(2**63), str(2**63 + 1), False), ("9007199254740993", "9007199254740992.0", False), ("[]", "{}", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two", "same"), SAME)
def test_the_same_event_means_equal_json(kind: Kind, one: str, two: str, same: bool) -> None:
    """Events are compared as JSON: 1 is 1.0 and not true, key order is nothing; else 409 and no change."""
    kind.create()
    first, second = (
        kind.api.post(kind.events, raw=b'{"userId":"u","timestamp":1,"eventId":"e","free":%b}' % value.encode())
        for value in (one, two)
    )
    assert (first.status, second.status) == (201, 201 if same else 409)
    assert not same or first.raw == second.raw
    assert same or kind.api.get(f"{kind.events}/e").body["free"] == json.loads(one)
    before = kind.get()
    assert kind.event({"riskLevel": "HIGH"}, eventId="e").status == 409
    assert kind.get() == before


def test_an_event_comes_back_as_it_was_sent(kind: Kind) -> None:
    """GET of an event gives what was sent, in its order, then the results, and never a message."""
    kind.create()
    body = {"reason": "r", "eventId": "e", "userId": "u", "odd": [1.0], "timestamp": 1.5, "eventDescription": "d",
            "externalLinks": ["x"], kind.attributes: {"riskLevel": "LOW", "tags": []}}  # fmt: skip
    assert kind.api.post(kind.events, body).status == 201
    found = kind.api.get(f"{kind.events}/e")
    assert json.dumps(without_results(found.body)) == json.dumps(body)
    assert {"executedRules", "hitRules", "riskScoreDetails"} <= found.body.keys()
    assert "message" not in found.body


def test_events_without_an_id_are_all_applied(kind: Kind) -> None:
    """The same event without eventId counts each time, and takes no id that a client could use."""
    kind.create()
    assert [kind.event({"customObject": {"a": 1}}).status for _ in range(3)] == [201] * 3
    for guess in ("", "1", "000000001", "own-event/1"):
        assert kind.api.get(f"{kind.events}/{guess}").status == 404
    assert "3 events" in kind.create().warnings


def test_a_rename_moves_the_user(kind: Kind) -> None:
    """With changeUserId=true the answer has the new id, the old one is a 404, and events use the new one."""
    kind.create(customObject={"a": 1})
    answer = kind.event({"customObject": {"b": 2}}, query=RENAME, newUserId="n", eventId="e")
    assert (answer.status, answer.body["userId"]) == (201, "n")
    assert kind.get() is None
    assert kind.get("n") == {"userId": "n", "createdTimestamp": NOW, **kind.more, "customObject": {"a": 1, "b": 2}}
    assert (kind.event(user_id="u").status, kind.event(user_id="n").status) == (404, 201)
    assert kind.api.get(f"{kind.events}/e").body["userId"] == "u"
    assert kind.create("u").status == 201


NO_RENAME = [(RENAME, {}), (RENAME, {"newUserId": "u"}), (RENAME, {"newUserId": None}), ("", {"newUserId": "n"}),
             ("?changeUserId=false", {"newUserId": "n"})]  # fmt: skip


@pytest.mark.parametrize(("query", "fields"), NO_RENAME)
def test_without_a_new_id_nothing_is_renamed(kind: Kind, query: str, fields: dict[str, Any]) -> None:
    """ChangeUserId without newUserId, with the present id, or newUserId alone changes no id."""
    kind.create()
    answer = kind.event({"riskLevel": "LOW"}, query=query, **fields)
    assert (answer.status, answer.body["userId"]) == (201, "u")
    assert kind.get()["riskLevel"] == "LOW"
    assert kind.get("n") is None


def test_a_taken_id_is_a_409(kind: Kind) -> None:
    """A rename to an id that is in use is a conflict, and neither user changes."""
    kind.create()
    kind.create("n", riskLevel="LOW")
    before = kind.get(), kind.get("n")
    assert kind.event({"riskLevel": "HIGH"}, query=RENAME, newUserId="n", eventId="e").status == 409
    assert (kind.get(), kind.get("n")) == before
    assert kind.api.get(f"{kind.events}/e").status == 404


LOCKS = [("lockCraRiskLevel", "riskLevel", "kycRiskLevel"), ("lockKycRiskLevel", "kycRiskLevel", "riskLevel")]


@pytest.mark.parametrize(("flag", "locked", "free"), LOCKS)
@pytest.mark.parametrize("by", ["create", "event"])
def test_a_locked_level_stays(kind: Kind, by: str, flag: str, locked: str, free: str) -> None:
    """While one level is locked events change only the other; `false` unlocks, from that very event on."""
    kind.create(riskLevel="LOW", kycRiskLevel="LOW", query=f"?{flag}=true" if by == "create" else "")
    if by == "event":
        assert kind.event(query=f"?{flag}=true").status == 201
    for query in ("", f"?{flag}=true"):
        answer = kind.event({"riskLevel": "HIGH", "kycRiskLevel": "HIGH", "eoddDate": 1}, query=query)
        assert (answer.body[locked], answer.body[free], answer.body["eoddDate"]) == ("LOW", "HIGH", 1)
    assert kind.event({locked: "MEDIUM"}, query=f"?{flag}=false").body[locked] == "MEDIUM"
    assert kind.event({locked: "HIGH"}).body[locked] == "HIGH"
