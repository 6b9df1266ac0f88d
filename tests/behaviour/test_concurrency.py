"""Many clients at once: nothing that was acknowledged is lost, and every eventId is applied once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from mockserver.server import Server
from tests.harness import NOW, Api, in_process, over_http

THREADS, EACH = 32, 6
CONSUMER, EVENT = "/consumer/users", "/events/consumer/user"

Connect = Callable[[], Api]


@pytest.fixture(params=["in process", "over HTTP"])
def connect(request: Any, server: Server, key: str) -> Connect:
    """A maker of clients of one world, each with a connection of its own."""
    if request.param == "in process":
        return lambda: Api(in_process(server.app), key)
    return lambda: Api(over_http(server.url), key)


def at_once(connect: Connect, work: Callable[[Api, int], Any]) -> list[Any]:
    """What `work(api, n)` returns in each of the threads, which all start together."""
    ready = Barrier(THREADS)

    def run(number: int) -> Any:
        api = connect()
        ready.wait(30)
        return work(api, number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_events_of_one_user_are_all_applied(connect: Connect) -> None:
    """Each event adds a key of its own to one user: in the end all are there, and every event can be had."""
    api = connect()
    assert api.post(CONSUMER, {"userId": "u", "createdTimestamp": NOW}).status == 201
    names = [f"{thread}-{number}" for thread in range(THREADS) for number in range(EACH)]

    def update(own: Api, thread: int) -> list[int]:
        statuses = []
        for number in range(EACH):
            name = f"{thread}-{number}"
            attributes = {"customObject": {name: thread}}
            body = {"userId": "u", "timestamp": 1, "eventId": name, "updatedConsumerUserAttributes": attributes}
            answer = own.post(EVENT, body)
            assert name in answer.body["customObject"]
            statuses.append(answer.status)
        return statuses

    assert {status for found in at_once(connect, update) for status in found} == {201}
    assert sorted(api.get(f"{CONSUMER}/u").body["customObject"]) == sorted(names)
    assert {api.get(f"{EVENT}/{name}").body["eventId"] for name in names} == set(names)
    replaced = api.post(CONSUMER, {"userId": "u", "createdTimestamp": NOW})
    assert f"{len(names)} events" in replaced.warnings


def test_users_created_at_once_are_all_there(connect: Connect) -> None:
    """Users that many threads create at once are each stored as their own thread sent them."""

    def create(own: Api, thread: int) -> None:
        for number in range(EACH):
            body = {"userId": f"{thread}/{number}", "createdTimestamp": NOW, "occupation": f"{thread}.{number}"}
            assert own.post(CONSUMER, body).status == 201

    at_once(connect, create)
    api = connect()
    for thread in range(THREADS):
        for number in range(EACH):
            assert api.get(f"{CONSUMER}/{thread}/{number}").body["occupation"] == f"{thread}.{number}"


def test_one_event_sent_by_all_is_applied_once(connect: Connect) -> None:
    """The same eventId from every thread at once is one event with one answer; other bodies are 409."""
    connect().post(CONSUMER, {"userId": "u", "createdTimestamp": NOW})

    def update(own: Api, thread: int) -> tuple[int, bytes]:
        body = {"userId": "u", "timestamp": thread % 2, "eventId": "e"}
        answer = own.post(EVENT, body)
        return answer.status, answer.raw

    found = at_once(connect, update)
    assert len({raw for status, raw in found if status == 201}) == 1
    assert sorted(status for status, _ in found) == [201] * (THREADS // 2) + [409] * (THREADS // 2)
    assert "1 event " in connect().post(CONSUMER, {"userId": "u", "createdTimestamp": NOW}).warnings + " "


def test_only_one_rename_to_an_id_wins(connect: Connect) -> None:
    """Of users that all want the same new id one gets it, and each of the others keeps its own."""
    api = connect()
    for thread in range(THREADS):
        api.post(CONSUMER, {"userId": f"u{thread}", "createdTimestamp": NOW, "occupation": str(thread)})

    def rename(own: Api, thread: int) -> int:
        return own.post(f"{EVENT}?changeUserId=true", {"userId": f"u{thread}", "timestamp": 1, "newUserId": "n"}).status

    statuses = at_once(connect, rename)
    winner = statuses.index(201)
    assert sorted(statuses) == [201] + [409] * (THREADS - 1)
    assert api.get(f"{CONSUMER}/n").body["occupation"] == str(winner)
    for thread in range(THREADS):
        assert api.get(f"{CONSUMER}/u{thread}").status == (404 if thread == winner else 200)


def test_worlds_made_at_once_stay_apart(connect: Connect) -> None:
    """Threads that each make a world of their own see their own users alone."""

    def live(own: Api, thread: int) -> Any:
        own = own.with_key(f"{own.key}-{thread}")
        own.post(CONSUMER, {"userId": "u", "createdTimestamp": NOW, "occupation": str(thread)})
        return own.get(f"{CONSUMER}/u").body["occupation"]

    assert at_once(connect, live) == [str(thread) for thread in range(THREADS)]
