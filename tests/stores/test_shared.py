"""Two servers on one store behave as one: nothing is lost, nothing happens twice, whichever of them is asked."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.admin.client import Admin
from tests.harness import NOW, Api, over_http
from tests.stores.process import Served, served, sqlite_url

STORES = ["sqlite", "redis"]
USERS, EVENTS = "/consumer/users", "/events/consumer/user"


def store_url(kind: str, request: Any, folder: Path) -> str:
    """A store of its own."""
    return sqlite_url(folder) if kind == "sqlite" else f"{request.getfixturevalue('redis_url')}?prefix={uuid4()}"


@pytest.fixture(scope="module", params=STORES)
def pair(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two servers on one store."""
    url = store_url(request.param, request, tmp_path_factory.mktemp("shared"))
    with ExitStack() as stack:
        yield (stack.enter_context(served("--store", url)), stack.enter_context(served("--store", url)))


def user(user_id: str) -> dict[str, Any]:
    """A user."""
    return {"userId": user_id, "createdTimestamp": NOW}


def event(user_id: str, event_id: str, **attributes: Any) -> dict[str, Any]:
    """An event that sets attributes."""
    body = {"timestamp": NOW, "userId": user_id, "eventId": event_id}
    return {**body, "updatedConsumerUserAttributes": attributes} if attributes else body


def together(pair: tuple[Served, Served], key: str, work: Callable[[Api, int], Any], clients: int = 64) -> list[Any]:
    """What the clients' work gives; they go to the two servers in turn, all at once."""

    def one(number: int) -> Any:
        return work(pair[number % 2].api(key), number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(one, range(clients)))


def test_no_event_of_one_user_is_lost_or_counted_twice(pair: tuple[Served, Served]) -> None:
    """64 clients change one user through two servers, each event sent to both: every one is applied once."""
    pair[0].api("world-one").post(USERS, user("u"))

    def work(api: Api, number: int) -> list[int]:
        sent = event("u", f"e-{number // 2}", contactDetails={"emailIds": [str(number // 2)]}, occupation="x")
        return [api.post(EVENTS, sent).status, api.get(f"{EVENTS}/e-{number // 2}").status]

    assert together(pair, "world-one", work) == [[201, 200]] * 64
    records = [Admin(over_http(each.url), "one").get("/state/users/consumer/u") for each in pair]
    assert records[0] == records[1]
    assert records[0]["events"] == 32


def test_mixed_work_on_many_users_ends_as_it_must(pair: tuple[Served, Served]) -> None:
    """Creates, events, conversions and renames of 64 clients at two servers leave each user as its client left it."""

    def work(api: Api, number: int) -> list[int]:
        name = f"m-{number}"
        renamed = {**event(name, f"r-{number}"), "newUserId": f"{name}-new"}
        converted = {"timestamp": NOW, "userId": f"{name}-new", "eventId": f"c-{number}"}
        answers = [
            api.post(USERS, user(name)),
            api.post(EVENTS, event(name, f"o-{number}", occupation=str(number))),
            api.post(f"{EVENTS}?changeUserId=true", renamed),
            api.post("/events/business/user?allowUserTypeConversion=true", converted),
            api.get(f"{USERS}/{name}"),
            api.get(f"{USERS}/{name}-new"),
            api.get(f"/business/users/{name}-new"),
        ]
        return [answer.status for answer in answers]

    assert together(pair, "world-mixed", work) == [[201, 201, 201, 201, 404, 404, 200]] * 64
    counts = [Admin(over_http(each.url), "mixed").get("/state") for each in pair]
    assert counts[0] == counts[1]


def test_only_one_of_many_takes_a_name(pair: tuple[Served, Served]) -> None:
    """Of 16 users that are renamed to one id at once, exactly one gets it; the others are told 409."""
    for number in range(16):
        pair[0].api("world-name").post(USERS, user(f"n-{number}"))

    def work(api: Api, number: int) -> int:
        return api.post(f"{EVENTS}?changeUserId=true", {**event(f"n-{number}", f"e-{number}"), "newUserId": "x"}).status

    assert sorted(together(pair, "world-name", work, 16)) == [201] + [409] * 15


def test_a_fault_fires_exactly_as_often_as_it_shall(pair: tuple[Served, Served]) -> None:
    """A fault set at one server with `times: 10` fires ten times in all, at both servers together."""
    admin = Admin(over_http(pair[0].url), "fault")
    admin.post("/faults", {"effect": {"status": 503}, "times": 10})
    codes = together(pair, "world-fault", lambda api, number: api.post(USERS, user(f"f-{number}")).status)
    assert sorted(codes) == [201] * 54 + [503] * 10


def test_what_is_set_at_one_is_so_at_the_other(pair: tuple[Served, Served]) -> None:
    """Settings, clock, armed outcomes, snapshots, journal, reset and a deleted world are seen at once by both."""
    here, there = (Admin(over_http(each.url), "set") for each in pair)
    api, other = pair[0].api("world-set"), pair[1].api("world-set")
    for number in range(3):  # again and again, since each server remembers what it saw last
        here.post("/settings", {"validation": "strict"})
        assert other.post(USERS, {**user("s"), "unheardOf": 1}).status == 400
        there.delete("/settings")
        assert api.post(USERS, {**user("s"), "unheardOf": 1}).status == 201
        there.post("/outcomes", {"outcome": "blocked", "times": 1})
        assert api.post(USERS, user("s")).body["riskScoreDetails"] != other.post(USERS, user("s")).body
        here.put(f"/snapshots/{number}", None)
        there.post("/reset", None)
        assert api.get(f"{USERS}/s").status == 404
        assert there.post(f"/snapshots/{number}/restore", None)
        assert api.get(f"{USERS}/s").status == 200
        assert here.post("/requests/count", {})["count"] == there.post("/requests/count", {})["count"] == 2


def test_who_waits_at_one_hears_of_the_other(pair: tuple[Served, Served]) -> None:
    """requests/wait at one server ends when the request comes to the other."""
    waiting = Admin(over_http(pair[0].url), "wait")
    with ThreadPoolExecutor(1) as pool:
        body = {"pattern": {"method": "POST"}, "timeoutMs": 10_000}
        answer = pool.submit(waiting.post, "/requests/wait", body)
        time.sleep(0.2)
        pair[1].api("world-wait").post(USERS, user("w"))
        assert answer.result(5)["timedOut"] is False


@pytest.mark.parametrize("kind", STORES)
def test_workers_serve_one_port_and_outlive_each_other(kind: str, request: Any, tmp_path: Path) -> None:
    """Two workers answer as one; a killed one is replaced; SIGTERM ends all of them within a second, exit 0."""
    with served("--store", store_url(kind, request, tmp_path), "--workers", "2") as server:
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        if not os.path.exists(children):  # noqa: PTH110 - a place of the kernel
            pytest.skip("the kernel does not list children")

        def born() -> list[int]:
            with open(children) as file:  # noqa: PTH123 - as above
                return [int(number) for number in file.read().split()]

        before = born()
        assert len(before) == 2
        assert {server.api().post(USERS, user(f"u-{n}")).status for n in range(20)} == {201}
        os.kill(before[0], signal.SIGKILL)
        end = time.monotonic() + 5
        while (len(born()) < 2 or before[0] in born()) and time.monotonic() < end:
            time.sleep(0.02)
        assert len(born()) == 2
        assert before[0] not in born()
        assert {server.api().get(f"{USERS}/u-{n}").status for n in range(20)} == {200}
        started = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - started < 2
