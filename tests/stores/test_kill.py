"""What is acknowledged is there after a kill: no create and no event is lost, none is there twice."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.admin.client import Admin
from tests.harness import NOW, over_http
from tests.redis_server import free_port, redis_server
from tests.stores.process import Served, served, sqlite_url

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))  # `make proofs` kills more often
CLIENTS = 6
KEY = "world-killed"


class Client(threading.Thread):
    """Creates a user and sends it events, one after another, until the server is gone."""

    def __init__(self, api: Any, name: str) -> None:
        super().__init__(daemon=True)
        self.api, self.user_id = api, name
        self.created = False
        self.events: list[dict[str, Any]] = []  # every one that was sent; the last may not be acknowledged

    def run(self) -> None:
        """Send until something fails."""
        try:
            body = {"userId": self.user_id, "createdTimestamp": NOW}
            self.created = self.api.post("/consumer/users", body).status == 201
            while True:
                number = len(self.events)
                tags = [{"key": "n", "value": str(number)}]
                event = {"timestamp": NOW, "userId": self.user_id, "eventId": f"{self.user_id}-{number}"}
                self.events.append({**event, "updatedConsumerUserAttributes": {"tags": tags}})
                if self.api.post("/events/consumer/user", self.events[-1]).status != 201:
                    return
        except requests.RequestException:
            return


def check(server: Served, client: Client) -> None:
    """Everything acknowledged is there; what was not is taken when it is sent again, and counts once."""
    api = server.api(KEY)
    found = api.get(f"/consumer/users/{client.user_id}").status
    if not client.created:
        assert found in (200, 404)
        return
    assert found == 200, f"{client.user_id} was acknowledged and is gone"
    if not client.events:
        return
    for event in client.events[:-1]:
        assert api.get(f"/events/consumer/user/{event['eventId']}").status == 200, event["eventId"]
    assert api.post("/events/consumer/user", client.events[-1]).status == 201
    record = Admin(over_http(server.url), KEY.removeprefix("world-")).get(f"/state/users/consumer/{client.user_id}")
    assert record["events"] == len(client.events), client.user_id
    assert record["body"]["tags"] == client.events[-1]["updatedConsumerUserAttributes"]["tags"]


def load(server: Served, number: int, kill: Callable[[], None]) -> list[Client]:
    """Clients at work, and a kill in the midst of it."""
    clients = [Client(server.api(KEY), f"u-{number}-{name}") for name in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(0.15 + 0.05 * (number % 5))
    kill()
    for client in clients:
        client.join(15)
        assert not client.is_alive()
    return clients


def survived(server: Served, clients: list[Client]) -> int:
    """Check every client's work; how many events were acknowledged."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda client: check(server, client), clients))
    return sum(len(client.events) - 1 for client in clients if client.events)


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """The server is killed in the midst of writes, again and again, and goes on where it was."""
    flags, acknowledged = ("--store", sqlite_url(tmp_path)), 0
    clients: list[Client] = []
    for number in range(ROUNDS):
        with served(*flags) as server:
            acknowledged += survived(server, clients)
            clients = load(server, number, server.kill)
    with served(*flags) as server:
        acknowledged += survived(server, clients)
    assert acknowledged > ROUNDS


@pytest.fixture
def aof(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts, again and again, a Redis that writes an append-only file, always on one port."""
    port, stack = free_port(), []

    def start() -> subprocess.Popen[bytes]:
        running = redis_server(tmp_path, port, "--appendonly", "yes", "--appendfsync", "always")
        stack.append(running)
        return running.__enter__()[1]

    start.port = port  # type: ignore[attr-defined]  # one value more, for one test
    yield start
    for running in stack:
        running.__exit__(None, None, None)


def test_redis_keeps_what_was_acknowledged(aof: Any) -> None:
    """Redis and the server are killed in turn; the server comes through a Redis that is away without a restart."""
    redis = aof()
    clients: list[Client] = []
    server, running = None, None
    try:
        for number in range(ROUNDS):
            if server is None:
                server = served("--store", f"redis://127.0.0.1:{aof.port}/0")
                running = server.__enter__()
            assert running is not None
            survived(running, clients)
            if number % 2:
                clients = load(running, number, running.kill)
                server.__exit__(None, None, None)
                server = None
            else:
                clients = load(running, number, redis.kill)
                redis.wait()
                away = running.api(KEY).get("/consumer/users/u")
                assert (away.status, away.headers["retry-after"]) == (503, "1")
                assert requests.get(f"{running.url}/readyz", timeout=10).status_code == 503
                assert requests.get(f"{running.url}/livez", timeout=10).status_code == 200
                redis = aof()
                assert requests.get(f"{running.url}/readyz", timeout=10).status_code == 200
        with served("--store", f"redis://127.0.0.1:{aof.port}/0") as last:
            survived(last, clients)
    finally:
        if server is not None:
            server.__exit__(None, None, None)
