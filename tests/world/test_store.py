"""What every store must do, written against the Store protocol: a new store joins by one entry of STORES.

Its journal and its watchers: tests/admin/test_journal_store.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from mockserver.world.memory import MemoryStore
from mockserver.world.redis import RedisStore
from mockserver.world.sqlite import SqliteStore
from mockserver.world.store import CONTROL, Found, Store, Writes

Make = Callable[..., Store]


def _sqlite(request: Any) -> Make:
    folder, numbers = request.getfixturevalue("tmp_path"), itertools.count()
    return lambda *arguments: SqliteStore(str(folder / f"{next(numbers)}.db"), *arguments)


def _redis(request: Any) -> Make:
    url = request.getfixturevalue("redis_url")
    return lambda *arguments: RedisStore(f"{url}?prefix={uuid4()}", *arguments)


STORES: dict[str, Callable[[Any], Make]] = {"memory": lambda _: MemoryStore, "sqlite": _sqlite, "redis": _redis}
INITIAL: Mapping[str, bytes] = {"user/consumer/first": b"1", "event/business/e": b"2"}
USER = "user/consumer/u"


@pytest.fixture(params=STORES)
def make(request: Any) -> Make:
    """Makes a store with initial content and bounds: most_worlds, most_entries, most_bytes."""
    return STORES[request.param](request)


@pytest.fixture
def store(make: Make) -> Store:
    """A store whose worlds begin with INITIAL."""
    return make(INITIAL)


def put(store: Store, key: str, value: bytes | None, world: str = "w") -> None:
    """Write one key."""
    store.update(world, (key,), lambda _: ({key: value}, None))


def content(store: Store, world: str = "w") -> dict[str, bytes]:
    """All that a world holds, controls included."""
    return {**dict(store.scan(world, "")), **dict(store.scan(world, CONTROL))}


def test_a_world_begins_with_the_initial_content(store: Store) -> None:
    """A world comes into being at its first change and begins as all do; asking for one makes none."""
    assert content(store, "a") == INITIAL
    assert store.get("b", "user/consumer/first") == b"1"
    assert store.recorded("c") == 0
    assert list(store.worlds()) == []
    store.record("a", "op", None)
    store.update("b", (), lambda _: ({}, None))
    assert sorted(store.worlds()) == ["a", "b"]
    assert content(store, "a") == content(store, "b") == INITIAL


KEYS = ["user/consumer/u", "user/consumer/a/b", "user/consumer/", "user/consumer/\n\x00é\U0001f600", f"{CONTROL}x", "k"]
VALUES = [b"", b"\x00\xff\n", b"x" * 100_000]


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_what_is_written_is_held(store: Store, key: str) -> None:
    """Any text is a key and any bytes are a value, until they are replaced or taken out."""
    for value in VALUES:
        put(store, key, value)
        assert store.get("w", key) == value
    put(store, key, None)
    put(store, key, None)
    assert store.get("w", key) is None
    assert content(store) == INITIAL


def test_update_is_given_what_it_names(store: Store) -> None:
    """`change` is given each key it named, None where there is nothing, and what it answers is handed on."""
    put(store, f"{CONTROL}c", b"3")
    seen: list[Found] = []

    def change(found: Found) -> tuple[Writes, str]:
        seen.append(dict(found))
        return {"k/new": b"n", "user/consumer/first": None}, "result"

    assert store.update("w", ("user/consumer/first", "k/none", f"{CONTROL}c"), change) == "result"
    assert set(map(str, seen)) == {str({"user/consumer/first": b"1", "k/none": None, f"{CONTROL}c": b"3"})}
    assert content(store) == {"event/business/e": b"2", "k/new": b"n", f"{CONTROL}c": b"3"}


def test_what_raises_changes_nothing(store: Store) -> None:
    """An exception out of `change` reaches the caller, leaves the world as it was, and holds up no later update."""

    def change(found: Found) -> tuple[Writes, None]:
        raise LookupError(str(found))

    with pytest.raises(LookupError, match="None"):
        store.update("w", (USER,), change)
    assert content(store) == INITIAL
    put(store, USER, b"x")
    assert store.get("w", USER) == b"x"


def test_updates_are_atomic_under_threads(store: Store) -> None:
    """Of many concurrent changes none is lost, whole writes are seen or none, though `change` may run again."""

    def change(found: Found) -> tuple[Writes, int]:
        number = int(found["counter/a"] or b"0") + 1
        assert found["counter/a"] == found["counter/b"]
        text = str(number).encode()
        return {"counter/a": text, "counter/b": text, f"k/{number}": b""}, number

    def work(_: int) -> list[int]:
        return [store.update("w", ("counter/a", "counter/b"), change) for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        results = [number for part in pool.map(work, range(8)) for number in part]
    assert sorted(results) == list(range(1, 401))
    assert store.get("w", "counter/b") == b"400"
    assert len(dict(store.scan("w", "k/"))) == 400


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("user/consumer/", {"user/consumer/first", "user/consumer/u"}),
        ("user/consumer/u", {"user/consumer/u"}),
        ("user/business/", set()),
        ("user/", {"user/consumer/first", "user/consumer/u", "user/consumerx/u"}),
        (CONTROL, {f"{CONTROL}document"}),
        (f"{CONTROL}d", {f"{CONTROL}document"}),
        ("", {*INITIAL, USER, "user/consumerx/u", f"{CONTROL}document"}),
        ("_ser", set()),
        ("%", set()),
    ],
)
def test_scan_finds_by_prefix(store: Store, prefix: str, found: set[str]) -> None:
    """A scan gives every key that begins with the prefix, controls too, and nothing else."""
    for key in (USER, "user/consumerx/u", f"{CONTROL}document"):
        put(store, key, b"x")
    assert dict(store.scan("w", prefix)).keys() == found


def test_scan_is_as_of_its_call(store: Store) -> None:
    """What is written after the call is not in it, and writing while it runs is allowed."""
    running = store.scan("w", "user/")
    put(store, USER, b"x")
    assert [key for key, _ in running] == ["user/consumer/first"]


def test_worlds_are_apart(store: Store) -> None:
    """What happens to one world happens to no other; holders names those that hold a key."""
    put(store, USER, b"a", "a")
    put(store, USER, b"b", "b")
    put(store, f"{CONTROL}x", b"a", "a")
    store.record("a", "op 200", b"entry")
    store.snapshot("a", "s")
    assert content(store, "c") == INITIAL
    assert dict(store.holders(USER)) == {"a": b"a", "b": b"b"}
    assert dict(store.holders("user/consumer/none")) == {}
    assert (store.snapshots("b"), store.recorded("b"), store.get("b", f"{CONTROL}x")) == ({}, 0, None)
    store.reset("a")
    assert (store.get("a", USER), store.get("b", USER)) == (None, b"b")


def test_reset_leaves_the_snapshots_alone(store: Store) -> None:
    """After a reset a world holds what it began with, no controls and no journal; its snapshots stay."""
    put(store, USER, b"x")
    put(store, "event/business/e", None)
    put(store, f"{CONTROL}x", b"c")
    store.record("w", "op 200", b"entry")
    store.snapshot("w", "s")
    store.reset("w")
    assert content(store) == INITIAL
    journal = store.journal("w")
    assert (list(journal.entries), dict(journal.counts), journal.total) == ([], {}, 0)
    assert store.snapshots("w") == {"s": 2}


def test_a_dropped_world_is_gone_with_all_it_has(store: Store) -> None:
    """Drop says whether there was such a world; at its next use it is a new one."""
    put(store, USER, b"x")
    store.snapshot("w", "s")
    store.record("w", "op 200", b"entry")
    assert (store.drop("w"), store.drop("w")) == (True, False)
    assert list(store.worlds()) == []
    assert (content(store), store.snapshots("w"), store.recorded("w")) == (INITIAL, {}, 0)


def test_a_snapshot_stays_as_it_was(store: Store) -> None:
    """Later writes, a reset and a restored world that goes on change nothing in a snapshot."""
    put(store, USER, b"kept")
    put(store, f"{CONTROL}x", b"c1")
    assert store.snapshot("w", "s") == 3
    for _ in range(2):
        put(store, USER, b"changed")
        put(store, "k/new", b"n")
        put(store, "user/consumer/first", None)
        put(store, f"{CONTROL}x", b"c2")
        assert store.restore("w", "s", "w")
        assert content(store) == {**INITIAL, USER: b"kept", f"{CONTROL}x": b"c2"}
        store.reset("w")
    assert store.snapshots("w") == {"s": 3}


def test_a_snapshot_is_replaced_and_forgotten(store: Store) -> None:
    """A second snapshot of a name takes its place; a forgotten one is gone; unknown ones are told."""
    store.snapshot("w", "s")
    put(store, USER, b"x")
    assert store.snapshot("w", "s") == 3
    store.reset("w")
    assert store.restore("w", "s", "w")
    assert store.get("w", USER) == b"x"
    assert (store.forget("w", "s"), store.forget("w", "s"), store.restore("w", "s", "w")) == (True, False, False)
    assert store.get("w", USER) == b"x"


def test_a_snapshot_is_copied_into_another_world(store: Store) -> None:
    """Restore takes another world's snapshot; the two go on apart, and the journal of neither is touched."""
    put(store, USER, b"a", "a")
    store.snapshot("a", "s")
    store.record("b", "op 200", b"entry")
    assert store.restore("b", "s", "a")
    put(store, USER, b"b", "b")
    assert (store.get("a", USER), store.get("b", USER), store.recorded("b")) == (b"a", b"b", 1)
    assert (store.snapshots("b"), store.restore("a", "s", "b")) == ({}, False)
    assert store.restore("c", "s", "a")
    assert store.get("c", USER) == b"a"


USES: list[Callable[[Store], object]] = [
    lambda store: store.get("a", "k"),
    lambda store: put(store, "k", b"", "a"),
    lambda store: store.record("a", "op 200", b""),
    lambda store: list(store.scan("a", "")),
    lambda store: store.snapshot("a", "s"),
]


@pytest.mark.parametrize("use", USES)
def test_the_least_recently_used_world_goes(make: Make, use: Callable[[Store], object], caplog: Any) -> None:
    """Beyond most_worlds the one that was not used for longest goes, with a line in the log that names it."""
    store = make(INITIAL, 2)
    put(store, USER, b"a", "a")
    put(store, USER, b"b", "b")
    use(store)
    put(store, USER, b"c", "c")
    assert sorted(store.worlds()) == ["a", "c"]
    assert store.get("a", USER) == b"a"
    assert "'b'" in caplog.text
    assert store.get("b", USER) is None


def test_looking_for_what_is_not_there_crowds_out_nothing(make: Make) -> None:
    """A drop, a list and a restore from a world that does not exist make no world."""
    store = make(INITIAL, 1)
    put(store, USER, b"a", "a")
    assert not store.drop("none")
    assert not store.restore("a", "s", "none")
    list(store.holders("k"))
    assert list(store.worlds()) == ["a"]
    assert store.get("a", USER) == b"a"
