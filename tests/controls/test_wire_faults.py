"""Faults on the wire, seen by a raw client, and delays that hold nobody up."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest

from mockserver.server import GARBAGE, Server
from tests.controls.desk import KINDS, Admin, create, event, user
from tests.harness import Api, over_http

WIRE = ("EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER", "MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE")
RESET = b"(reset)"
SEEN = {  # what the client reads before the connection ends
    "EMPTY_RESPONSE": b"",
    "CONNECTION_RESET_BY_PEER": RESET,
    "MALFORMED_RESPONSE_CHUNK": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + GARBAGE,
    "RANDOM_DATA_THEN_CLOSE": GARBAGE,
}
PATIENCE = 20.0  # seconds: a bound against hanging
MANY = 500


@pytest.fixture
def api(server: Server, key: str) -> Api:
    """A client over real HTTP in a fresh world."""
    return Api(over_http(server.url), key)


def request_bytes(method: str, target: str, key: str, body: Any = None) -> bytes:
    """A request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def raw(server: Server, sent: bytes) -> bytes:
    """All that comes back until the server ends the connection; `(reset)` at the end where it was reset."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
        sock.sendall(sent)
        try:
            while part := sock.recv(65536):
                received += part
        except ConnectionResetError:
            received += RESET
    return received


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("wire", WIRE)
def test_each_wire_fault_before_and_after_the_commit(
    server: Server, api: Api, wire: str, phase: str, kind: str
) -> None:
    """The connection ends as the fault is named; before the commit nothing is stored, after it all is."""
    create(api, kind)
    fault = Admin(api).fault({"wire": wire}, phase=phase, match={"method": "POST"})
    body = event(kind, eventId="e", attributes={"riskLevel": "HIGH"})
    assert raw(server, request_bytes("POST", f"/events/{kind}/user", api.key, body)) == SEEN[wire]
    told = Admin(api).last()
    assert (told["fault"], told["wire"]) == ([fault], wire)
    stored = api.get(f"/{kind}/users/u").body
    assert stored.get("riskLevel") == ("HIGH" if phase == "after" else None)
    assert api.get(f"/events/{kind}/user/e").status == (200 if phase == "after" else 404)


@pytest.mark.parametrize("wire", WIRE)
def test_a_get_can_be_cut_too(server: Server, api: Api, wire: str) -> None:
    """A read meets each wire fault as a write does, the given number of times."""
    Admin(api).fault({"wire": wire}, times=1, match={"operation": "getConsumerUser"})
    assert raw(server, request_bytes("GET", "/consumer/users/u", api.key)) == SEEN[wire]
    assert api.get("/consumer/users/u").status == 404


def test_an_answer_lost_after_the_commit_is_had_by_sending_again(server: Server, api: Api) -> None:
    """A client that is reset after the commit sends the event again: one user, one event, the first answer's bytes."""
    create(api, "consumer", user("consumer"))
    Admin(api).fault({"wire": "CONNECTION_RESET_BY_PEER"}, phase="after", times=1, match={"method": "POST"})
    body = event("consumer", eventId="e", attributes={"occupation": "smith"})
    sent = request_bytes("POST", "/events/consumer/user", api.key, body)
    assert raw(server, sent) == RESET
    again = api.post("/events/consumer/user", body)
    assert (again.status, again.body["occupation"]) == (201, "smith")
    assert Admin(api).last()["replayed"] is True
    state = Admin(api).ask("GET", "state")
    assert state["users"] == {"consumer": 1, "business": 0}
    assert state["events"] == {"consumer": 1, "business": 0, "transaction": 0}
    assert "1 event " in create(api, "consumer").warnings + " "


def test_a_delay_and_a_cut_go_together(server: Server, api: Api) -> None:
    """A fault that delays and cuts waits first."""
    Admin(api).fault({"wire": "EMPTY_RESPONSE", "delay": {"type": "fixed", "milliseconds": 200}})
    began = time.monotonic()
    assert raw(server, request_bytes("GET", "/consumer/users/u", api.key)) == b""
    assert time.monotonic() - began >= 0.19


def test_a_late_answer_is_whole(api: Api) -> None:
    """A delay before or after the commit changes when the answer comes, and nothing of it; both add up."""
    for phase in ("before", "after"):
        Admin(api).fault({"delay": {"type": "fixed", "milliseconds": 150}}, phase=phase, match={"method": "POST"})
    began = time.monotonic()
    answer = create(api, "consumer", prefer="delay=100")
    assert (answer.status, time.monotonic() - began >= 0.39) == (201, True)


def test_many_delayed_answers_hold_nobody_up(server: Server, api: Api) -> None:
    """While 500 requests wait for their delayed answers, one without a delay is answered long before them."""
    delay = {"type": "fixed", "milliseconds": 4000}
    Admin(api).fault({"delay": delay}, match={"userId": "slow"})
    sent = request_bytes("GET", "/consumer/users/slow", api.key)

    async def crowd() -> tuple[float, float, int]:
        streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(MANY)]
        began = time.monotonic()
        for _, writer in streams:
            writer.write(sent)
        counted = {"pattern": {"userId": "slow"}, "count": MANY, "timeoutMs": 3500}
        waited = await asyncio.to_thread(Admin(api).ask, "POST", "requests/wait", counted)
        assert waited["count"] == MANY
        asked = time.monotonic()
        answer = await asyncio.to_thread(api.get, "/consumer/users/fast")
        fast = time.monotonic() - asked
        assert answer.status == 404
        lines = await asyncio.gather(*(reader.readline() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
        assert set(lines) == {b"HTTP/1.1 404 Not Found\r\n"}
        return fast, time.monotonic() - began, len(lines)

    fast, slow, answered = asyncio.run(crowd())
    assert answered == MANY
    assert fast < 3.5
    assert slow >= 4
