"""A store that is away: said clearly, and served again as soon as it is back."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver.errors import StoreError, Unavailable
from mockserver.world.redis import RedisStore
from tests.harness import NOW, made
from tests.redis_server import binary, free_port, redis_server
from tests.stores.process import COMMAND, served

SECRET = "hunter2"


def test_a_server_starts_before_its_redis_and_serves_when_it_comes(tmp_path: Path) -> None:
    """Without Redis the answers are 503 in the vendor's shape; with it, and again after a restart, all is well."""
    binary()
    port = free_port()
    with served("--store", f"redis://user:{SECRET}@127.0.0.1:{port}/0") as server:
        # The user is unknown to a Redis without passwords, and the default one has none.
        answer = server.api().post("/consumer/users", {"userId": "u", "createdTimestamp": NOW})
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert SECRET not in answer.raw.decode()
        admin = requests.get(f"{server.url}/__admin/state", timeout=5)
        assert (admin.status_code, admin.headers["content-type"]) == (503, "application/problem+json")
        assert requests.get(f"{server.url}/nowhere", timeout=5, headers={"x-api-key": "k"}).status_code == 503
        ready = requests.get(f"{server.url}/readyz", timeout=5)
        assert (ready.status_code, requests.get(f"{server.url}/livez", timeout=5).status_code) == (503, 200)
        with redis_server(tmp_path, port, "--user", "user", "on", f">{SECRET}", "~*", "+@all"):
            assert server.api().post("/consumer/users", {"userId": "u", "createdTimestamp": NOW}).status == 201
            assert requests.get(f"{server.url}/readyz", timeout=5).status_code == 200
        assert server.api().get("/consumer/users/u").status == 503
        with redis_server(tmp_path, port, "--user", "user", "on", f">{SECRET}", "~*", "+@all"):
            assert server.api().get("/consumer/users/u").status == 404  # this Redis kept nothing
            assert server.api().post("/consumer/users", {"userId": "u", "createdTimestamp": NOW}).status == 201


def test_a_start_without_redis_is_said_in_one_line() -> None:
    """The command says that the store is away, and goes on; the password stands nowhere."""
    flags = [*COMMAND, "--store", f"redis://user:{SECRET}@127.0.0.1:{free_port()}/0"]
    process = subprocess.Popen(flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    banner = process.stdout.readline()
    process.terminate()
    _, said = process.communicate(timeout=10)
    assert "listens on" in banner
    assert len(said.splitlines()) == 1
    assert "answers are 503 until it is there" in said
    assert SECRET not in said + banner


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://h:6379/0?ttl=soon", "ttl 'soon' is not a whole number of seconds"),
        (f"redis://u:{SECRET}@h:6379/0?socket_timeout=x", "the URL cannot be used"),
        ("redis://h:6379/0?nonsense=1", "the URL cannot be used"),
    ],
)
def test_a_wrong_url_is_said(url: str, why: str) -> None:
    """What can never be a store is refused at once, without its password."""
    with pytest.raises(StoreError, match=why) as refusal:
        RedisStore(url, {})
    assert SECRET not in str(refusal.value)


def test_a_request_takes_two_trips(redis_url: str) -> None:
    """A create, an event, a get, a refusal and a 404 each cost at most two round trips to Redis."""
    api = made(store=f"{redis_url}?prefix=trips")
    store = api.transport.__closure__ and next(
        cell.cell_contents for cell in api.transport.__closure__ if hasattr(cell.cell_contents, "extensions")
    )
    wire = store.extensions["mockserver"].store._wire
    trips: list[int] = []
    send = wire._send

    def counted(*arguments: Any, **named: Any) -> Any:
        trips.append(1)
        return send(*arguments, **named)

    wire._send = counted
    user = {"userId": "u", "createdTimestamp": NOW}
    event = {"userId": "u", "timestamp": NOW, "eventId": "e"}
    api.post("/consumer/users", user)  # the first request of a server to a world takes one more
    found = {}
    for name, call in {
        "create": lambda: api.post("/consumer/users", user),
        "get": lambda: api.get("/consumer/users/u"),
        "event": lambda: api.post("/events/consumer/user", event),
        "replay": lambda: api.post("/events/consumer/user", event),
        "get event": lambda: api.get("/events/consumer/user/e"),
        "refusal": lambda: api.post("/consumer/users", {}),
        "no key": lambda: api.with_key("").get("/consumer/users/u"),
        "business": lambda: api.get("/business/users/u"),
    }.items():
        trips.clear()
        call()  # type: ignore[no-untyped-call]  # a lambda
        found[name] = len(trips)
    assert max(found.values()) <= 3, found
    assert {name: count for name, count in found.items() if count > 2} == {"business": 3}, found


def test_a_store_that_never_answers_holds_nobody_for_long(redis_url: str) -> None:
    """A Redis that hangs is given up after two seconds."""
    del redis_url

    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", {})
        started = time.monotonic()
        with pytest.raises(Unavailable):
            store.ping()
        assert time.monotonic() - started < 5
