"""What the vendor's Python SDK does when an answer is lost after the commit."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from flagright.core.api_error import ApiError

from mockserver.server import Server
from tests.controls.desk import KINDS, Admin, create
from tests.harness import NOW, Api, over_http
from tests.sdk.client import ATTRIBUTES, Sdk

EVENT = {"timestamp": NOW, "user_id": "u", "event_id": "e"}


@pytest.fixture
def api(server: Server, key: str) -> Api:
    """A client over real HTTP in a fresh world."""
    return Api(over_http(server.url), key)


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, server: Server, key: str) -> Iterator[Sdk]:
    """The SDK, sync and async, in the same world."""
    with Sdk(server.url, key, asynchronous=request.param == "async") as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [429, 503])
def test_an_event_lost_after_the_commit_is_there_once(sdk: Sdk, api: Api, kind: str, status: int) -> None:
    """With max_retries=3 the SDK sends the event again after the error: one user, one event, applied once."""
    create(api, kind)
    Admin(api).fault({"status": status, "retryAfter": 0}, phase="after", times=1, match={"method": "POST"})
    answer = sdk.call(f"{kind}_user_events.create", **EVENT, request_options={"max_retries": 3})
    assert answer.user_id == "u"
    assert [request.method for request in sdk.requests] == ["POST", "POST"]
    assert Admin(api).last()["replayed"] is True
    state = Admin(api).ask("GET", "state")
    other = "business" if kind == "consumer" else "consumer"
    assert state["users"] == {kind: 1, other: 0}
    assert state["events"] == {kind: 1, other: 0, "transaction": 0}
    assert Admin(api).ask("GET", f"state/users/{kind}/u")["events"] == 1
    assert ATTRIBUTES[kind] not in sdk.got


def test_a_user_lost_after_the_commit_is_there_once(sdk: Sdk, api: Api) -> None:
    """A create that is retried after a 503 leaves one user."""
    Admin(api).fault({"status": 503, "retryAfter": 0}, phase="after", times=1)
    sdk.call("consumer_users.create", user_id="u", created_timestamp=NOW, request_options={"max_retries": 3})
    assert len(sdk.requests) == 2
    assert Admin(api).ask("GET", "state")["users"] == {"consumer": 1, "business": 0}


def test_the_sdk_does_not_retry_by_itself(sdk: Sdk, api: Api) -> None:
    """Without max_retries the SDK raises the first 503, though the event was committed."""
    create(api, "consumer")
    Admin(api).fault({"status": 503, "retryAfter": 0}, phase="after", times=1, match={"method": "POST"})
    with pytest.raises(ApiError) as caught:
        sdk.call("consumer_user_events.create", **EVENT)
    assert (caught.value.status_code, len(sdk.requests)) == (503, 1)
    assert api.get("/events/consumer/user/e").status == 200


@pytest.mark.parametrize("wire", ["CONNECTION_RESET_BY_PEER", "EMPTY_RESPONSE", "RANDOM_DATA_THEN_CLOSE"])
def test_the_sdk_retries_statuses_and_no_cut_connection(sdk: Sdk, api: Api, wire: str) -> None:
    """A cut connection is raised at once whatever max_retries says; sent again by hand, the event is there once."""
    create(api, "consumer")
    fault = Admin(api).fault({"wire": wire}, phase="after", times=1, match={"method": "POST"})
    with pytest.raises(httpx.TransportError):
        sdk.call("consumer_user_events.create", **EVENT, request_options={"max_retries": 3})
    assert Admin(api).hits(fault) == (1, 1)
    assert sdk.call("consumer_user_events.create", **EVENT).user_id == "u"
    assert Admin(api).ask("GET", "state/users/consumer/u")["events"] == 1
