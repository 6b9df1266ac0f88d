"""The handle does the same with a server in the process and with one elsewhere, however that was started."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from threading import Timer
from typing import Any
from unittest.mock import ANY

import flagright
import httpx
import pytest
import requests
from flagright.core.api_error import ApiError

from mockserver.client import FlagrightMock, FlagrightMockError
from mockserver.pytest_plugin.servers import MockServer
from tests.harness import NOW

UNMATCHED = (
    "POST /consumer/user (404): no operation takes POST /consumer/user; "
    "the nearest is POST /consumer/users (createConsumerUser)"
)


def post(mock: FlagrightMock, user_id: str = "u", path: str = "/consumer/users", **more: Any) -> requests.Response:
    """Create a consumer user over a real connection."""
    return mock.session.post(path, json={"userId": user_id, "createdTimestamp": NOW, **more})


def test_a_world_begins_empty_with_its_clock_and_the_defaults(mock: FlagrightMock) -> None:
    """Whatever the server was started with, a test's world is empty, begins with 2026 and has the usual defaults."""
    assert mock.session.get("/consumer/users/userId").status_code == 404
    assert mock.now == datetime(2026, 1, 1, tzinfo=UTC).replace(microsecond=1000)
    assert [post(mock).status_code, post(mock).status_code] == [201, 201]
    assert mock.session.get("/consumer/users/u").json()["hitRules"][0]["ruleAction"] == "BLOCK"
    assert mock.advance_clock(days=30, hours=1).isoformat() == "2026-01-31T01:00:00.004000+00:00"
    mock.reset()
    assert mock.session.get("/consumer/users/u").status_code == 404
    assert mock.now.year == 2026


def test_the_sdk_is_ready_sync_and_async(mock: FlagrightMock) -> None:
    """client() and async_client() are clients of the vendor's SDK for this world, options go to it."""
    client = mock.client(timeout=7)
    assert isinstance(client, flagright.Flagright)
    assert client.consumer_users.create(user_id="u", created_timestamp=NOW).user_id == "u"

    async def read() -> str:
        found = await mock.async_client().consumer_users.get("u")
        return str(found.user_id)

    assert asyncio.run(read()) == "u"
    assert [request.method for request in mock.requests(user_id="u")] == ["POST", "GET"]


def test_without_the_sdk_the_way_out_is_told(mock: FlagrightMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the SDK is not installed, client() says how to get it and what there is without it."""
    monkeypatch.setitem(sys.modules, "flagright", None)
    for make in (mock.client, mock.async_client):
        with pytest.raises(FlagrightMockError, match=r"pip install flagright; without it, flagright_mock\.session"):
            make()


def test_outcomes_and_faults_are_armed_for_a_while(mock: FlagrightMock) -> None:
    """In `with` an outcome or a fault is gone at the end of the block; else it stays; both say how often they acted."""

    def action() -> Any:
        return [rule["ruleAction"] for rule in post(mock).json()["hitRules"]]

    with mock.set_outcome("flagged", operation="consumer_users.create") as armed:
        assert action() == ["FLAG"]
        with pytest.raises(FlagrightMockError, match="times="):
            _ = armed.used
    suspended = mock.set_outcome("suspended", user_id="u", times=1)
    assert action() == ["SUSPEND"]
    assert suspended.used == 1
    assert action() == ["BLOCK"]
    with mock.add_fault(503, operation="GET /consumer/users/{userId}", retry_after=2, phase="after") as fault:
        answer = mock.session.get("/consumer/users/u")
        assert (answer.status_code, answer.headers["Retry-After"], fault.used) == (503, "2", 1)
        assert mock.requests(status=503)[0].fault == (fault.id,)
        mock.reset()  # takes it away before its block ends
    assert mock.session.get("/consumer/users/u").status_code == 404
    mock.add_fault(rate_limit=1, window_ms=60000)
    assert [mock.session.get("/consumer/users/u").status_code for _ in range(2)] == [404, 429]


def test_users_and_events_are_put_and_seen(mock: FlagrightMock) -> None:
    """Users are added by the names of SDK or wire, what they need is made up; what is stored is seen as it is."""
    assert mock.add_consumer() == {"userId": "consumer-1", "createdTimestamp": 1767225600000}
    assert mock.add_business(user_id="b")["legalEntity"]
    assert mock.generate_users(2) == ["generated-consumer-000001", "generated-consumer-000002"]
    mock.snapshot("a name/with a slash")
    event = {"userId": "b", "timestamp": NOW, "eventId": "e/1", "reason": "r"}
    assert mock.session.post("/events/business/user", json=event).status_code == 201
    assert (mock.business("b").events, mock.event("e/1")["reason"]) == (1, "r")
    mock.restore("a name/with a slash")
    assert mock.business("b").events == 0
    with pytest.raises(LookupError, match="no consumer user 'consumer-2' in this world; did you mean 'consumer-1'"):
        mock.consumer("consumer-2")
    with pytest.raises(FlagrightMockError, match="createdTimestamp"):
        mock.add_consumer(created_timestamp="yesterday")
    assert mock.requests() != []
    assert all(request.operation != "createConsumerUser" for request in mock.requests())


def test_transactions_are_put_and_seen(mock: FlagrightMock) -> None:
    """A transaction is added with what it needs made up, verified, changed by an event and seen, as a user is."""
    assert mock.add_transaction() == {"transactionId": "transaction-1", "type": "TRANSFER", "timestamp": 1767225600000}
    sent = {"transactionId": "t", "type": "TRANSFER", "timestamp": NOW, "originUserId": "u"}
    with mock.expect_refusal("/originUserId"):
        mock.session.post("/transactions", json=sent)
    mock.add_consumer(user_id="u")
    with mock.set_outcome("blocked", transaction_id="t"), mock.add_fault(503, transaction_id="other"):
        assert mock.session.post("/transactions", json=sent).json()["status"] == "BLOCK"
    assert mock.transaction("t").outcome == "blocked"
    event = {"transactionId": "t", "timestamp": NOW, "eventId": "e", "transactionState": "SUCCESSFUL"}
    assert mock.session.post("/events/transaction", json=event).status_code == 201
    assert mock.transaction("t")["transactionState"] == "SUCCESSFUL"
    assert mock.event("e") == mock.event("e", type="transaction") == event
    mock.assert_requested("transactions.verify", times=1, status=201, transaction_id="t")
    with pytest.raises(LookupError, match="no transaction 'tt' in this world"):
        mock.transaction("tt")


def test_requests_are_objects(mock: FlagrightMock) -> None:
    """A request has what a person looks for, and no secret."""
    post(mock, createdTimestmp=1)
    mock.session.get("/consumer/users/u?x=1")
    first, second = mock.requests()
    assert (first.operation, first.method, first.path, first.status) == (
        "createConsumerUser", "POST", "/consumer/users", 201,
    )  # fmt: skip
    assert (first.json["userId"], first.answer["userId"], first.user_id, first.outcome) == ("u", "u", "u", "example")
    assert (first.at.year, first.headers["x-api-key"], first.number) == (2026, "***", 1)
    assert first.warnings[0].pointer == "/createdTimestmp"
    assert (second.url, second.json, second.user_id) == ("/consumer/users/u?x=1", None, "u")
    for name in ("createConsumerUser", "consumer_users.create", "post /consumer/users"):
        assert [request.id for request in mock.requests(name)] == [first.id]


@pytest.mark.parametrize(
    "where",
    [
        {"user_id": "u"},
        {"userId": "u", "createdTimestamp": NOW},
        {"userDetails__name__firstName": "Ada"},
        {"user_details.name.first_name": "Ada"},
        {"tags.0.value": ANY},
        {"userDetails": {"name": {"firstName": "Ada"}}},
    ],
)
def test_where_leads_into_the_body(embedded: MockServer, where: dict[str, Any]) -> None:
    """Names of where are those of the wire or the SDK, and lead deeper by dots or two underscores."""
    mock = embedded.open("where")
    post(mock, userDetails={"name": {"firstName": "Ada"}}, tags=[{"key": "k", "value": "v"}])
    post(mock, "other")
    assert len(mock.assert_requested("createConsumerUser", times=1, status=201, **where)) == 1
    name = next(iter(where))
    mock.assert_not_requested(**{**where, name: "another"})


def test_a_failed_assertion_shows_what_came_nearest_first(mock: FlagrightMock) -> None:
    """The message has what was expected, how often it came, and each request's differences, the nearest first."""
    mock.session.get("/consumer/users/ada-2")
    post(mock, "bob")
    post(mock, "ada-1")
    with pytest.raises(AssertionError) as failed:
        mock.assert_requested("consumer_users.create", user_id="ada-2", usr="x")
    assert str(failed.value).splitlines() == [
        "expected at least once: createConsumerUser, user_id='ada-2', usr='x'",
        "it came 0 times; 3 requests came in all",
        "what came instead, nearest first:",
        "  POST /consumer/users -> 201 createConsumerUser (userId 'ada-1')",
        "      user_id: expected 'ada-2', was 'ada-1'",
        "      usr: expected 'x', is absent; there is userId",
        "  POST /consumer/users -> 201 createConsumerUser (userId 'bob')",
        "      user_id: expected 'ada-2', was 'bob'",
        "      usr: expected 'x', is absent; there is userId",
        "  GET /consumer/users/ada-2 -> 404 getConsumerUser (userId 'ada-2')",
        "      operation: expected createConsumerUser, was getConsumerUser",
        "      usr: expected 'x', is absent",
    ]
    with pytest.raises(AssertionError, match="expected no request: createConsumerUser\nit came 2 times:"):
        mock.assert_not_requested("consumer_users.create")
    with pytest.raises(
        AssertionError, match="expected 1 time: any request, status 201\nit came 2 times; 3 requests came in all"
    ):
        mock.assert_requested(times=1, status=201)
    for ask in (mock.requests, mock.assert_requested, mock.assert_not_requested, mock.wait_for_requests):
        with pytest.raises(FlagrightMockError, match="did you mean createConsumerUser"):
            ask("consumer_users.crate")


def test_waiting_ends_when_the_request_comes_or_the_time_is_over(mock: FlagrightMock) -> None:
    """wait_for_requests gives what came, passes over what is not meant, and fails after its time as an assertion."""
    timers = [Timer(0.02, post, (mock, "other")), Timer(0.06, post, (mock, "u"))]
    for timer in timers:
        timer.start()
    [request] = mock.wait_for_requests("createConsumerUser", user_id="u", timeout=10)
    assert request.json["userId"] == "u"
    assert len(mock.wait_for_requests(n=2)) == 2
    with pytest.raises(AssertionError, match=r"after 0.05 s: expected 3 times: createConsumerUser(?s:.*)'other'"):
        mock.wait_for_requests("createConsumerUser", 3, timeout=0.05)
    for timer in timers:
        timer.join()


def test_an_expected_refusal_is_no_mistake(mock: FlagrightMock) -> None:
    """A refusal at the named place passes and is forgiven, with the client's own error for it; others do not."""
    client = mock.client()
    with mock.expect_refusal("/createdTimestamp") as refusal:
        client.consumer_users.create(user_id="u", created_timestamp=-1)
    assert refusal.error.status_code == 400  # type: ignore[union-attr]
    with mock.expect_refusal("legalEntity", rule="type"):
        post(mock, path="/business/users", legalEntity={"companyGeneralDetails": 1})
    assert mock.mistakes() == []
    told = r"refusal at /legalEntity; what came instead:\n(?s:.*)/createdTimestamp"
    with pytest.raises(AssertionError, match=told), mock.expect_refusal("/legalEntity"):
        post(mock, createdTimestamp=-1)
    with pytest.raises(AssertionError, match="expected a refusal; no request came"), mock.expect_refusal():
        pass
    with pytest.raises(ZeroDivisionError), mock.expect_refusal():
        _ = post(mock, createdTimestamp=-1).status_code / 0
    with pytest.raises(AssertionError, match=told) as failed, mock.expect_refusal("/legalEntity"):
        client.consumer_users.create(user_id="u", created_timestamp=-1)  # the SDK's error for it is not the point
    assert failed.value.__suppress_context__
    with mock.add_fault(400), pytest.raises(ApiError), mock.expect_refusal("/legalEntity"):
        client.consumer_users.create(user_id="u", created_timestamp=-1)
    assert [(mistake.kind, mistake.count) for mistake in mock.mistakes()] == [("violations", 2)]


def test_mistakes_are_told_once_each_and_survive_a_reset(mock: FlagrightMock) -> None:
    """Refusals, warnings and unmatched requests are mistakes; forced statuses, 401, 404 and 409 are none."""
    for _ in range(2):
        mock.session.post("/consumer/users", json={"userId": "u"})
    post(mock, createdTimestmp=1)
    mock.session.post("/consumer/user", json={})
    forced = {"Prefer": "code=400"}
    mock.session.post("/consumer/users", json={"userId": "u"}, headers=forced)
    mock.session.get("/consumer/users/nobody")
    mock.session.get("/consumer/users/u", headers={"x-api-key": ""})
    with mock.add_fault(429):
        post(mock)
    for reason in ("a", "b"):
        mock.session.post(
            "/events/consumer/user", json={"userId": "u", "timestamp": NOW, "eventId": "e", "reason": reason}
        )
    told = [str(mistake) for mistake in mock.mistakes()]
    assert told == [
        UNMATCHED,
        "createConsumerUser was refused (400): /createdTimestamp: is required (2 times)",
        "createConsumerUser: /createdTimestmp: not a property of User; did you mean createdTimestamp?",
    ]
    mock.reset()
    assert [str(mistake) for mistake in mock.mistakes()] == told


def test_no_socket_is_needed(embedded: MockServer, remote: MockServer) -> None:
    """The application answers through httpx's WSGI transport and a requests adapter, faults and all."""
    mock = embedded.open("wsgi")
    transport = httpx.WSGITransport(app=mock.wsgi)
    with httpx.Client(transport=transport, base_url=mock.url, headers=mock.headers) as client:
        for user_id in ("ü", "日本", "a b"):
            assert client.post("/consumer/users", json={"userId": user_id, "createdTimestamp": NOW}).status_code == 201
            assert client.get(f"/consumer/users/{user_id}").json()["userId"] == user_id
        with mock.add_fault(wire="EMPTY_RESPONSE"), pytest.raises(ConnectionResetError):
            client.get("/consumer/users/ü")
    session = requests.Session()
    session.mount(mock.url, mock.adapter)
    url = f"{mock.url}/consumer/users/%E6%97%A5%E6%9C%AC?a=b"
    assert session.get(url, headers=mock.headers).json()["userId"] == "日本"
    with mock.add_fault(wire="CONNECTION_RESET_BY_PEER"), pytest.raises(requests.ConnectionError):
        session.get(url, headers=mock.headers)
    with mock.add_fault(delay_ms=5000), pytest.raises(requests.ReadTimeout):
        session.get(url, headers=mock.headers, timeout=0.01)
    elsewhere = remote.open("wsgi")
    assert (mock.in_process, elsewhere.in_process) == (True, False)
    with pytest.raises(FlagrightMockError, match="no application in this process"):
        _ = elsewhere.wsgi


def test_the_key_of_a_finished_world_says_whose_it_was(used: MockServer) -> None:
    """A finished world is gone, its key is 401 and names the test, the calls are counted, and nothing is made anew."""
    mock = used.open("finished")
    key = mock.api_key
    used.finish(mock, "the test tests/test_a.py::test_b")
    answer = requests.post(f"{used.url}/consumer/users", json={"userId": "u"}, headers={"x-api-key": key}, timeout=9)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized: the test tests/test_a.py::test_b is over, and its key with it"
    assert ("the test tests/test_a.py::test_b", 1) in used.late()
    assert mock.world not in [world["name"] for world in used.admin.call("GET", "/worlds")["worlds"]]
