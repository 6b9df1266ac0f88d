"""What grows with what: users, connections, bodies and worlds, from few to many. A request should cost the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.bodies import HOLE, Operation, full_user, halves, operations
from benchmarks.contenders import Contender, Running, running
from benchmarks.load import Measured, measure
from benchmarks.machine import description, resident_mb
from benchmarks.report import table

HEAD = ["CPU us", "requests/s", "p50 ms", "p99 ms"]


def report(*, quick: bool) -> str:
    """The four tables, in Markdown."""
    turns = 1 if quick else 3
    parts = [
        ("Users in the world", _users([10, 1000, 100_000] if quick else [10, 1000, 100_000, 1_000_000], turns)),
        ("Connections", _connections([1, 8, 64, 512], turns)),
        ("Bodies", _bodies([100, 2000, 100_000, 1_000_000], turns)),
        ("Worlds", _worlds([1, 1000], turns)),
    ]
    text = "\n".join(f"### {title}\n\n{rows}" for title, rows in parts)
    return f"{text}\n{turns} turns of 2 s each, medians; 8 connections unless said; {description()}.\n"


@contextmanager
def _serving(users: int) -> Iterator[Running]:
    filled = Contender(
        f"{users} users", "", True, True,
        lambda _, port: [sys.executable, "-m", "benchmarks.filled", str(port), str(users)],
    )  # fmt: skip
    with running(filled, Path()) as server:
        yield server


def _medians(turns: int, once: Callable[[int], Measured]) -> list[str]:
    found = [once(turn) for turn in range(turns)]
    return [
        f"{median(turn.cpu_us for turn in found):.0f}",
        f"{median(turn.rate for turn in found):.0f}",
        f"{median(turn.p50_ms for turn in found):.2f}",
        f"{median(turn.p99_ms for turn in found):.2f}",
    ]


def _users(counts: Sequence[int], turns: int) -> str:
    rows = [["users", "operation", *HEAD, "bytes a user", "snapshot ms"]]
    empty = 0.0
    for count in counts:
        with _serving(count) as server:
            resident = resident_mb(server.pid)
            empty = empty or resident
            each = f"{(resident - empty) / count * 1e6:.0f}" if count > 10_000 else ""
            for operation in operations(count):
                # The GET comes first in no turn: what is new is measured as it is found.
                cells = _medians(turns, lambda turn, o=operation, s=server: _turn(s, o, turn))  # type: ignore[misc]
                shown = [each, ""] if operation.name != "post" else [each, f"{_snapshot(server):.1f}"]
                rows.append([f"{count}", operation.title, *cells, *shown])
    return table(rows)


def _turn(server: Running, operation: Operation, turn: int, **more: Any) -> Measured:
    first = 10_000_000 + turn * 1_000_000
    return measure(server.url, server.pid, operation, seconds=2, first=first, **more)


def _snapshot(server: Running) -> float:
    """Milliseconds that a snapshot takes, the request included; the best of three."""
    best = 1e9
    for number in range(3):
        began = time.perf_counter()
        with urlopen(Request(f"{server.url}/__admin/snapshots/bench-{number}", method="PUT")) as answer:
            answer.read()
        best = min(best, (time.perf_counter() - began) * 1000)
    return best


def _connections(counts: Sequence[int], turns: int) -> str:
    rows = [["connections", "operation", *HEAD]]
    with _serving(1000) as server:
        for count in counts:
            for operation in operations(1000):
                cells = _medians(turns, lambda t, o=operation, n=count: _turn(server, o, t, connections=n))  # type: ignore[misc]
                rows.append([f"{count}", operation.title, *cells])
    return table(rows)


def _bodies(sizes: Sequence[int], turns: int) -> str:
    """A minimal user, the full one, and the full one with as many tags as it takes."""
    rows = [["body", *HEAD]]
    with _serving(10) as server:
        for size in sizes:
            user = full_user(HOLE)
            if size < 1000:
                user = {"userId": HOLE, "createdTimestamp": 1641654664000, "occupation": "x" * (size - 70)}
            missing = (size - sum(map(len, halves(user)))) // 33
            user |= {"tags": [{"key": f"key{n:06}", "value": "value"} for n in range(missing)]} if missing > 10 else {}
            operation = Operation("post", "", "POST", "/consumer/users", halves(user), spread=50)
            cells = _medians(turns, lambda turn, o=operation: _turn(server, o, turn))  # type: ignore[misc]
            rows.append([f"{sum(map(len, operation.body)) + 3} B", *cells])
    return table(rows)


def _worlds(counts: Sequence[int], turns: int) -> str:
    rows = [["worlds", "operation", *HEAD]]
    with _serving(10) as server:
        post = operations()[0]
        for count in counts:
            cells = _medians(turns, lambda turn, n=count: _turn(server, post, turn, worlds=n))  # type: ignore[misc]
            rows.append([f"{count}", post.title, *cells])
    return table(rows)
