"""A body or header made to be slow is answered soon: nobody else may wait for it."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest

from tests.harness import NOW, Api, made

SOON = 60.0  # seconds, for the busiest machine; each of these took minutes before it was bounded
USER: dict[str, Any] = {"userId": "u", "createdTimestamp": NOW}
BODIES: dict[str, tuple[Any, str, int]] = {
    "100 000 unknown names, strict": ({**USER, **{f"x{n}": 1 for n in range(100_000)}}, "validation=strict", 400),
    "100 000 unknown names": ({**USER, **{f"x{n}": 1 for n in range(100_000)}}, "", 201),
    "100 000 names like a missing one": (
        {"userId": "u", **{f"createdTimestam{n}": 1 for n in range(100_000)}},
        "",
        400,
    ),
    "100 000 bad entries": ({**USER, "tags": [{"key": "a"}] * 100_000}, "", 400),
    "a bad entry behind 100 000 good ones": ({**USER, "tags": [{"key": "a", "value": "b"}] * 100_000 + [{}]}, "", 400),
    "30 000 bad payment details": (
        {**USER, "savedPaymentDetails": [{"method": "CARD", "cardExpiry": 5}] * 30_000},
        "",
        400,
    ),
    "a name of a megabyte": ({**USER, "x" * 1_000_000: 1}, "", 201),
    "an enum value of a megabyte": ({**USER, "riskLevel": "x" * 1_000_000}, "", 400),
}
TWICE = ("{" + ",".join(f'"k{n}":0' for n in range(200_000)) + ',"k199999":1}').encode()
HEADERS = [
    "a" + " " * 60_000 + "b",
    "a" * 60_000 + "\x01",
    " " * 60_000 + "(",
    "a=" * 30_000,
    ";" * 60_000,
    'a="' + "\\" * 60_000,
]


@pytest.fixture(scope="module")
def sandbox() -> Api:
    """One sandbox for all of them."""
    return made()


@pytest.mark.parametrize("name", BODIES)
def test_large_bodies_are_answered_soon(name: str, sandbox: Api) -> None:
    """A body of megabytes that is wrong in 100 000 places is refused like any other, and soon."""
    body, prefer, status = BODIES[name]
    raw = json.dumps(body).encode()
    started = perf_counter()
    answer = sandbox.post("/consumer/users", raw=raw, headers={"prefer": prefer})
    assert perf_counter() - started < SOON
    assert answer.status == status
    assert len(answer.raw) < 200_000


@pytest.mark.parametrize(
    "header", HEADERS, ids=["blanks inside", "token", "blanks", "equals", "semicolons", "backslashes"]
)
def test_long_preferences_are_answered_soon(header: str, sandbox: Api) -> None:
    """A Prefer header of 60 000 characters costs no more than reading it."""
    started = perf_counter()
    assert sandbox.get("/consumer/users/userId", headers={"prefer": header}).status == 200
    assert perf_counter() - started < SOON


def test_a_key_sent_twice_among_many_is_found_soon(sandbox: Api) -> None:
    """A repeated key among 200 000 is named like any other, and soon."""
    started = perf_counter()
    answer = sandbox.post("/consumer/users", raw=TWICE)
    assert perf_counter() - started < SOON
    assert answer.status == 400
    assert "k199999" in answer.body["message"]


def test_a_long_list_beside_a_large_object_is_reported_soon(sandbox: Api) -> None:
    """A bad entry in a long list is found soon, whatever large object stands beside the list."""
    body = {**USER, "x": {f"k{n}": 1 for n in range(100_000)}, "tags": [{"key": "a", "value": "b"}] * 100_000 + [1]}
    started = perf_counter()
    answer = sandbox.post("/consumer/users", body)
    assert perf_counter() - started < SOON
    assert [entry["pointer"] for entry in answer.body["violations"]] == ["/tags/100000"]


def test_a_bad_entry_far_back_is_named_by_its_real_place(sandbox: Api) -> None:
    """A violation behind thousands of good entries has the pointer of where it stands, and no one is invented."""
    good = [{"key": "a", "value": "b"}] * 5000
    answer = sandbox.post("/consumer/users", {**USER, "tags": [*good, {"key": "a"}, *good]})
    assert [entry["pointer"] for entry in answer.body["violations"]] == ["/tags/5000/value"]
