from __future__ import annotations

from inspect import signature
from typing import Any

import flagright
import pytest
from flagright.core.api_error import ApiError

from mockserver.server import Server
from tests.contract.sdk_models import CALLS
from tests.harness import NOW
from tests.sdk.client import LEGAL_ENTITY, Sdk, minimal

LEGAL = {"legal_entity": LEGAL_ENTITY}
# Something for every argument that a call cannot do without.
NEEDED: dict[str, Any] = {
    **dict.fromkeys(("user_id", "event_id", "transaction_id", "batch_id", "type"), "one"),
    **dict.fromkeys(("timestamp", "created_timestamp"), NOW),
    "transaction_state": "SENT",
    "data": [],
    **LEGAL,
}
# Arguments of create that are refused, and the place that the refusal must name.
BAD_USERS = {
    "empty id": ({"user_id": ""}, "userId"),
    "id of a wrong type": ({"user_id": 7}, "userId"),
    "no timestamp": ({"created_timestamp": None}, "createdTimestamp"),
    "timestamp as text": ({"created_timestamp": "1641654664000"}, "createdTimestamp"),
    "timestamp is a boolean": ({"created_timestamp": True}, "createdTimestamp"),
    "unknown enum value": ({"risk_level": "HIGHEST"}, "riskLevel"),
    "enum in lower case": ({"user_state_details": {"state": "active"}}, "userStateDetails/state"),
    "nested required": ({"user_state_details": {"reason": "none"}}, "userStateDetails"),
    "no method": ({"saved_payment_details": [{"cardType": "PHYSICAL"}]}, "savedPaymentDetails/0"),
    "unknown method": ({"saved_payment_details": [{"method": "GOLD"}]}, "savedPaymentDetails/0/method"),
    "not a list": ({"tags": {"key": "k", "value": "v"}}, "tags"),
    "query": ({"lock_cra_risk_level": "yes"}, "lockCraRiskLevel"),
}
BAD_EVENTS = {
    "empty id": ({"user_id": ""}, "userId"),
    "no timestamp": ({"timestamp": None}, "timestamp"),
    "empty event id": ({"event_id": ""}, "eventId"),
    "empty new id": ({"new_user_id": ""}, "newUserId"),
    "unknown enum value": ({"attributes": {"riskLevel": "HIGHEST"}}, "riskLevel"),
    "query": ({"change_user_id": "1"}, "changeUserId"),
}


def refused(sdk: Sdk, operation: str, *args: Any, **arguments: Any) -> ApiError:
    """The error that the SDK raises for a call; its body is read as the vendor's error."""
    with pytest.raises(ApiError) as refusal:
        sdk.call(operation, *args, **arguments)
    error = refusal.value
    assert error.status_code is not None
    assert error.status_code >= 400
    body = error.body if isinstance(error.body, dict) else error.body.dict()
    assert isinstance(body["message"], str)
    assert body["message"]
    assert isinstance(body.get("validationErrors", ""), str)
    return error


@pytest.mark.parametrize(("arguments", "place"), BAD_USERS.values(), ids=BAD_USERS)
def test_a_bad_user_is_a_bad_request_error(sdk: Sdk, kind: str, arguments: dict[str, Any], place: str) -> None:
    """What the contract forbids arrives as BadRequestError that names the place, and is not stored."""
    given = {"user_id": "one", "created_timestamp": NOW, **(LEGAL if kind == "business" else {}), **arguments}
    error = refused(sdk, f"{kind}_users.create", **given)
    assert type(error) is flagright.BadRequestError
    assert isinstance(error.body, flagright.ApiErrorResponse)
    assert place in str(error.body.validation_errors)
    assert refused(sdk, f"{kind}_users.get", "one").status_code == 404


@pytest.mark.parametrize(("arguments", "place"), BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_a_bad_event_is_a_bad_request_error(sdk: Sdk, kind: str, arguments: dict[str, Any], place: str) -> None:
    """A bad event arrives as BadRequestError whose validation_errors name the place, and changes nothing."""
    sdk.create(f"{kind}_users", minimal(kind))
    given = {"user_id": "one", "timestamp": NOW, "attributes": {"riskLevel": "HIGH"}, **arguments}
    given[f"updated_{kind}_user_attributes"] = given.pop("attributes")
    error = refused(sdk, f"{kind}_user_events.create", **given)
    assert type(error) is flagright.BadRequestError
    assert place in str(error.body.validation_errors)
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind)


def test_a_business_without_a_legal_name_is_a_bad_request_error(sdk: Sdk) -> None:
    """The legal name, which the SDK lets one omit and the page demands, is asked for."""
    legal: dict[str, Any] = {"companyGeneralDetails": {}}
    error = refused(sdk, "business_users.create", user_id="one", created_timestamp=NOW, legal_entity=legal)
    assert type(error) is flagright.BadRequestError
    assert "legalName" in str(error.body.validation_errors)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_no_key_is_an_unauthorized_error(server: Server, asynchronous: bool) -> None:
    """An empty key arrives as UnauthorizedError from each operation, whatever else is right or wrong."""
    with Sdk(server.url, "", asynchronous=asynchronous) as sdk:
        for call, function in CALLS.items():
            needed = {name for name, each in signature(function).parameters.items() if each.default is each.empty}
            error = refused(sdk, call, **{name: NEEDED[name] for name in needed - {"self"}})
            assert type(error) is flagright.UnauthorizedError, call
            assert isinstance(error.body, flagright.ApiErrorResponse)


@pytest.mark.parametrize("call", [call for call in CALLS if ".get" in call])
def test_an_unknown_id_is_an_error_with_404(sync_sdk: Sdk, call: str) -> None:
    """GET of an unknown id is an ApiError with status 404, of batches NotFoundError: only there the SDK declares it."""
    error = refused(sync_sdk, call, "nobody")
    assert error.status_code == 404
    if call.startswith("batch."):
        assert type(error) is flagright.NotFoundError
        assert "nobody" in error.body.message
    else:
        assert type(error) is ApiError
        assert "nobody" in error.body["message"]


def test_an_event_for_an_unknown_user_is_a_not_found_error(sdk: Sdk, kind: str) -> None:
    """An event for a user that is not there arrives as NotFoundError and is not kept."""
    error = refused(sdk, f"{kind}_user_events.create", user_id="nobody", timestamp=NOW, event_id="e")
    assert type(error) is flagright.NotFoundError
    assert "nobody" in error.body.message
    assert refused(sdk, f"{kind}_user_events.get", "e").status_code == 404


@pytest.mark.parametrize("flag", [None, "false"])
def test_an_event_for_the_other_type_is_a_not_found_error(sdk: Sdk, kind: str, flag: str | None) -> None:
    """Without allowUserTypeConversion a user of the other type is not found, and the answer names the parameter."""
    other = "business" if kind == "consumer" else "consumer"
    sdk.create(f"{other}_users", minimal(other))
    error = refused(sdk, f"{kind}_user_events.create", user_id="one", timestamp=NOW, allow_user_type_conversion=flag)
    assert type(error) is flagright.NotFoundError
    assert "allowUserTypeConversion" in str(sdk.got)
    assert sdk.stored(f"{other}_users", "one") == minimal(other)


def test_a_taken_id_is_a_conflict_error(sdk: Sdk, kind: str) -> None:
    """Renaming to the id of a stored user arrives as ConflictError, and both users stay as they were."""
    for user_id in ("one", "two"):
        sdk.create(f"{kind}_users", minimal(kind, user_id))
    error = refused(
        sdk,
        f"{kind}_user_events.create",
        user_id="one",
        timestamp=NOW,
        new_user_id="two",
        change_user_id="true",
        **{f"updated_{kind}_user_attributes": {"riskLevel": "HIGH"}},
    )
    assert type(error) is flagright.ConflictError
    assert isinstance(error.body, flagright.ApiErrorResponse)
    for user_id in ("one", "two"):
        assert sdk.stored(f"{kind}_users", user_id) == minimal(kind, user_id)


def test_an_event_id_with_another_body_is_a_conflict_error(sdk: Sdk, kind: str) -> None:
    """An eventId that was used with another body arrives as ConflictError, and the first event stays."""
    sdk.create(f"{kind}_users", minimal(kind))
    first = {"userId": "one", "timestamp": NOW, "eventId": "e", "reason": "first"}
    sdk.create(f"{kind}_user_events", first)
    error = refused(sdk, f"{kind}_user_events.create", user_id="one", timestamp=NOW, event_id="e", reason="second")
    assert type(error) is flagright.ConflictError
    assert sdk.stored(f"{kind}_user_events", "e") == first
