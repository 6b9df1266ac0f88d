"""Waiting for requests: it ends when it can, and holds up nobody."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest

from mockserver.config import Settings
from mockserver.server import Server
from mockserver.web.factory import application
from tests.admin.client import EVENTS, USERS, Admin, event, user
from tests.harness import Api, contract, in_process, over_http

SOON = 5.0  # seconds: far below the waits' own 20, far above what a busy machine takes


def timed(admin: Admin, **body: Any) -> tuple[Any, float]:
    """What a wait answers, and the seconds that it took."""
    started = time.perf_counter()
    answer = admin.post("/requests/wait", body)
    return answer, time.perf_counter() - started


@pytest.mark.parametrize("pattern", [{}, {"status": 201}, {"urlPath": USERS}, {"userId": "u"}])
def test_enough_is_answered_at_once(admin: Admin, pattern: dict[str, Any]) -> None:
    """Where enough requests are there already, the answer has them and waits for nothing."""
    admin.api().post(USERS, user())
    answer, seconds = timed(admin, pattern=pattern)
    assert (answer["count"], answer["timedOut"], len(answer["requests"])) == (1, False, 1)
    assert seconds < SOON


@pytest.mark.parametrize("timeout", [0, 150])
def test_too_few_are_answered_after_the_timeout(admin: Admin, timeout: int) -> None:
    """When the time is over the answer says so and gives what there is."""
    admin.api().post(USERS, user())
    answer, seconds = timed(admin, count=2, timeoutMs=timeout)
    assert (answer["count"], answer["timedOut"], len(answer["requests"])) == (1, True, 1)
    assert timeout / 1000 <= seconds < timeout / 1000 + SOON


def test_a_later_request_ends_the_wait(admin: Admin, server: Server) -> None:
    """The wait ends with the request that makes the number full, no matter how it came in between."""
    api = Api(in_process(server.app) if "in_process" in admin.transport.__qualname__ else over_http(server.url))
    api = api.with_key(f"world-{admin.world}")

    def send() -> None:
        for path in (USERS, EVENTS, "/nowhere", EVENTS):
            time.sleep(0.05)
            api.post(path, event() if path == EVENTS else user())

    sender = threading.Thread(target=send)
    sender.start()
    answer, seconds = timed(admin, pattern={"urlPath": EVENTS}, count=2, timeoutMs=20_000)
    sender.join()
    assert (answer["count"], answer["timedOut"]) == (2, False)
    assert 0.2 <= seconds < 0.2 + 2 * SOON


def test_another_world_ends_no_wait(admin: Admin) -> None:
    """Requests of another world are not waited for."""
    admin.of("another").api().post(USERS, user())
    assert timed(admin, timeoutMs=50)[0]["timedOut"]


def test_a_wait_outlives_its_world(server: Server, key: str) -> None:
    """A world that is deleted and comes into being again during a wait ends it as any other."""
    admin = Admin(over_http(server.url), key.removeprefix("world-"))
    other = Admin(over_http(server.url), admin.world)

    def send() -> None:
        time.sleep(0.1)
        other.delete(f"/worlds/{other.world}")
        other.api().post(USERS, user())

    sender = threading.Thread(target=send)
    sender.start()
    answer, seconds = timed(admin, timeoutMs=3000)
    sender.join()
    assert (answer["count"], answer["timedOut"]) == (1, False)
    assert seconds < 2


@pytest.mark.parametrize("full", [False, True], ids=["an empty journal", "a full journal"])
def test_a_hundred_waits_hold_up_nobody(full: bool) -> None:
    """While 100 clients wait in a world where much happens, requests there and elsewhere are answered at once."""
    settings = Settings(port=0, log_format="off")
    app = application(settings, contract=contract())
    looked = threading.Semaphore(0)

    def telling(environ: dict[str, Any], start: Any) -> Any:
        """The application, which says when a wait has looked at the journal and found too few."""
        answer = app(environ, start)
        if environ["PATH_INFO"].endswith("/requests/wait"):
            looked.release()
        return answer

    with Server(telling, settings.host, 0, settings.max_body_bytes) as server, ThreadPoolExecutor(100) as pool:
        api = Admin(in_process(app), "w").api()
        for number in range(1000 if full else 1):
            api.post(USERS, user(f"u{number}"))
        body = {"pattern": {"urlPath": "/last", "method": "GET"}, "timeoutMs": 20_000}
        clients = [Admin(over_http(server.url), "w") for _ in range(100)]
        waits = [pool.submit(client.post, "/requests/wait", body) for client in clients]
        assert all(looked.acquire(timeout=15) for _ in waits)
        slowest = {}
        for world in ("w", "x"):
            fast, took = Admin(over_http(server.url), world).api(), []
            for _ in range(10):
                started = time.perf_counter()
                fast.get(f"{USERS}/userId")
                took.append(time.perf_counter() - started)
                time.sleep(0.02)
            slowest[world] = max(took)
        assert not any(wait.done() for wait in waits)
        Admin(over_http(server.url), "w").api().get("/last")
        assert {wait.result()["count"] for wait in waits} == {1}
    assert max(slowest.values()) < SOON, slowest


def test_a_wait_is_one_line_in_the_log() -> None:
    """However often a wait is looked at again, it is one request and one line."""
    stream = StringIO()
    settings = Settings(port=0)
    app = application(settings, stream, contract())
    with Server(app, settings.host, 0, settings.max_body_bytes) as server:
        admin = Admin(over_http(server.url), "w")

        def send() -> None:
            for _ in range(3):
                time.sleep(0.05)
                Admin(over_http(server.url), "w").api().post(USERS, user())

        sender = threading.Thread(target=send)
        sender.start()
        assert not timed(admin, count=3)[0]["timedOut"]
        sender.join()
    assert stream.getvalue().count("/__admin/requests/wait") == 1
