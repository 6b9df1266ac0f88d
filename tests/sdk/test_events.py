from __future__ import annotations

from typing import Any

import pytest
from flagright.core.api_error import ApiError

from tests.contract.sdk_models import our_models
from tests.harness import NOW
from tests.sdk.client import ATTRIBUTES, MODELS, OPTIONAL, Sdk, deep_or, minimal
from tests.sdk.full import Full

OTHER = {"consumer": "business", "business": "consumer"}
ONE_BY_ONE = [(kind, name) for kind, model in OPTIONAL.items() for name in our_models()[model]["properties"]]
STATES = {
    "userStateDetails": ("state", our_models()["UserState"]["enum"]),
    "kycStatusDetails": ("status", our_models()["KycStatus"]["enum"]),
}


def event(kind: str, attributes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event of the user `one`."""
    changed = {} if attributes is None else {ATTRIBUTES[kind]: attributes}
    return {"userId": "one", "timestamp": NOW, **changed, **more}


@pytest.mark.parametrize("details", STATES)
def test_every_state_is_reached_by_an_event(sdk: Sdk, kind: str, details: str) -> None:
    """Each UserState and each KycStatus, set by an event, shows in its answer and in a GET afterwards."""
    sdk.create(f"{kind}_users", minimal(kind))
    name, values = STATES[details]
    for value in values:
        attributes = {details: {name: value, "reason": f"became {value}"}}
        answer = sdk.create(f"{kind}_user_events", event(kind, attributes))
        parsed = answer.user_state_details if name == "state" else answer.kyc_status_details
        assert getattr(parsed, name) == value
        assert sdk.stored(f"{kind}_users", "one") == minimal(kind) | attributes


@pytest.mark.parametrize(("kind", "attribute"), ONE_BY_ONE)
def test_each_attribute_can_be_sent_alone(sync_sdk: Sdk, kind: str, attribute: str) -> None:
    """An event with one attribute, filled at every depth, changes that attribute of the user and no other."""
    sync_sdk.create(f"{kind}_users", minimal(kind))
    attributes = {attribute: Full().make(OPTIONAL[kind])[attribute]}
    sync_sdk.create(f"{kind}_user_events", event(kind, attributes))
    changed = deep_or(minimal(kind), sync_sdk.sent[ATTRIBUTES[kind]])
    assert changed != minimal(kind)
    assert sync_sdk.stored(f"{kind}_users", "one") == changed


def test_a_full_event_is_applied_and_kept(sdk: Sdk, kind: str) -> None:
    """An event with every property filled changes the user by all of it, and comes back as it was sent."""
    sdk.create(f"{kind}_users", minimal(kind))
    attributes = Full().make(OPTIONAL[kind])
    model = f"{MODELS[kind].replace('User', 'Consumer')}UserEvent"
    body = Full().make(model, **event(kind, attributes), eventId="first")
    assert body.keys() == our_models()[model]["properties"].keys()
    answer = sdk.create(f"{kind}_user_events", body)
    sent = sdk.sent
    assert (answer.user_id, sdk.got["userId"]) == ("one", "one")
    assert sdk.stored(f"{kind}_users", "one") == deep_or(minimal(kind), sent[ATTRIBUTES[kind]])
    assert sdk.stored(f"{kind}_user_events", "first") == sent
    assert sdk.call(f"{kind}_user_events.get", "first").external_links == body["externalLinks"]


def test_none_in_an_event_changes_nothing(sdk: Sdk, kind: str) -> None:
    """Arguments that are None are neither kept with the event nor applied to the user."""
    user = minimal(kind) | {"tags": [{"key": "k", "value": "v"}]}
    sdk.create(f"{kind}_users", user)
    body = event(kind, {"tags": None, "riskLevel": None}, eventId="nulls", reason=None, newUserId=None)
    sdk.create(f"{kind}_user_events", body)
    assert sdk.sent["reason"] is None
    assert sdk.stored(f"{kind}_users", "one") == user
    assert sdk.stored(f"{kind}_user_events", "nulls") == event(kind, {}, eventId="nulls")


def test_an_event_sent_again_is_answered_as_the_first_time(sdk: Sdk, kind: str) -> None:
    """The same eventId with the same body gives the first answer and changes nothing a second time."""
    sdk.create(f"{kind}_users", minimal(kind))
    first = event(kind, {"riskLevel": "HIGH"}, eventId="e")
    sdk.create(f"{kind}_user_events", first)
    answer = sdk.got
    sdk.create(f"{kind}_user_events", event(kind, {"riskLevel": "LOW"}, eventId="f"))
    sdk.create(f"{kind}_user_events", first)
    assert sdk.got == answer
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind) | {"riskLevel": "LOW"}


@pytest.mark.parametrize("attributes", [None, {}, {"riskLevel": "HIGH"}], ids=["none", "empty", "some"])
def test_an_event_converts_a_user_of_the_other_type(sdk: Sdk, kind: str, attributes: dict[str, Any] | None) -> None:
    """With allowUserTypeConversion a user becomes one of the other type, keeping what both types have."""
    old, new = OTHER[kind], kind
    body = Full().make(MODELS[old], userId="one")
    sdk.create(f"{old}_users", body)
    sdk.create(f"{new}_user_events", event(new, attributes), allow_user_type_conversion="true")
    known = our_models()[MODELS[new]]["properties"]
    kept = {name: value for name, value in body.items() if name in known}
    assert 5 < len(kept) < len(body)
    extra: dict[str, Any] = {"legalEntity": {"companyGeneralDetails": {}}} if new == "business" else {}
    assert sdk.stored(f"{new}_users", "one") == {**extra, **kept} | (attributes or {})
    _is_gone(sdk, f"{old}_users", "one")


def test_the_conversion_flag_is_nothing_to_a_user_of_the_right_type(sdk: Sdk, kind: str) -> None:
    """A user that has the event's type already is changed as ever, and one of the other type is left alone."""
    for each in (kind, OTHER[kind]):
        sdk.create(f"{each}_users", minimal(each))
    body = event(kind, {"riskLevel": "HIGH"})
    sdk.create(f"{kind}_user_events", body, allow_user_type_conversion="true")
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind) | {"riskLevel": "HIGH"}
    assert sdk.stored(f"{OTHER[kind]}_users", "one") == minimal(OTHER[kind])


def test_an_event_renames_a_user(sdk: Sdk, kind: str) -> None:
    """With changeUserId and newUserId the user is found by the new id, with the event applied, and not by the old."""
    sdk.create(f"{kind}_users", minimal(kind))
    body = event(kind, {"riskLevel": "HIGH"}, newUserId="two", eventId="rename")
    answer = sdk.create(f"{kind}_user_events", body, change_user_id="true")
    assert answer.user_id == "two"
    assert sdk.stored(f"{kind}_users", "two") == minimal(kind, "two") | {"riskLevel": "HIGH"}
    assert sdk.stored(f"{kind}_user_events", "rename") == body
    _is_gone(sdk, f"{kind}_users", "one")


@pytest.mark.parametrize(
    ("new_id", "flag"),
    [("two", None), ("two", "false"), ("one", "true"), (None, "true")],
    ids=["no flag", "false", "the present id", "no new id"],
)
def test_what_is_no_rename_leaves_the_id(sdk: Sdk, kind: str, new_id: str | None, flag: str | None) -> None:
    """No rename comes of newUserId or changeUserId without the other, nor of the present id."""
    sdk.create(f"{kind}_users", minimal(kind))
    more = {"newUserId": new_id} if new_id else {}
    answer = sdk.create(f"{kind}_user_events", event(kind, {}, **more), change_user_id=flag)
    assert answer.user_id == "one"
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind)
    _is_gone(sdk, f"{kind}_users", "two")


@pytest.mark.parametrize(
    ("lock", "attribute"), [("lock_cra_risk_level", "riskLevel"), ("lock_kyc_risk_level", "kycRiskLevel")]
)
def test_a_locked_level_stays_until_it_is_unlocked(sdk: Sdk, kind: str, lock: str, attribute: str) -> None:
    """A risk level locked by the SDK's create does not change through events until one of them unlocks it."""
    user = minimal(kind) | {attribute: "LOW"}
    sdk.create(f"{kind}_users", user, **{lock: "true"})
    sdk.create(f"{kind}_user_events", event(kind, {attribute: "HIGH"}))
    assert sdk.stored(f"{kind}_users", "one") == user
    sdk.create(f"{kind}_user_events", event(kind, {attribute: "HIGH"}), **{lock: "false"})
    assert sdk.stored(f"{kind}_users", "one") == user | {attribute: "HIGH"}


def _is_gone(sdk: Sdk, client: str, user_id: str) -> None:
    with pytest.raises(ApiError) as refusal:
        sdk.call(f"{client}.get", user_id)
    assert refusal.value.status_code == 404
