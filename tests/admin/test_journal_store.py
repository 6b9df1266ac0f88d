"""What every store must do with the journals of its worlds, written against the Store protocol."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.world.store import Store
from tests.world.test_store import INITIAL, STORES, Make, content


@pytest.fixture(params=STORES)
def make(request: Any) -> Make:
    """Makes a store with initial content and bounds: most_worlds, most_entries, most_bytes."""
    return STORES[request.param](request)


@pytest.fixture
def store(make: Make) -> Store:
    """A store whose worlds begin with INITIAL."""
    return make(INITIAL)


def test_the_ring_keeps_the_newest(make: Make) -> None:
    """Beyond most_entries the oldest go; counts and total are of all."""
    store = make(INITIAL, 1000, 3)
    for number in range(10):
        store.record("w", f"op {number % 2}", b"%d" % number)
    store.record("w", "uncounted 200", None)
    journal = store.journal("w")
    assert list(journal.entries) == [b"7", b"8", b"9"]
    assert dict(journal.counts) == {"op 0": 5, "op 1": 5, "uncounted 200": 1}
    assert journal.total == store.recorded("w") == 11
    store.record("w", "op 0", b"later")
    assert len(journal.entries) == 3
    store.clear_journal("w")
    assert (list(store.journal("w").entries), store.journal("w").total, content(store)) == ([], 0, INITIAL)
    assert store.recorded("w") == 12  # what a frozen clock ticks by: clearing the journal turns it back no more
    store.reset("w")
    assert store.recorded("w") == 0


def kept_bytes(store: Store) -> int:
    """The bytes of all journals together."""
    return sum(len(entry) for world in store.worlds() for entry in store.journal(world).entries)


def test_all_journals_together_keep_to_the_bytes(make: Make, request: Any) -> None:
    """However many worlds write, and however large an entry is, most_bytes is never passed (Redis: by a world)."""
    worlds = 1 if "redis" in request.node.name else 12
    store = make(INITIAL, 1000, 1000, 1000)
    over = []
    for number, size in enumerate([100] * 30 + [900, 1000, 1, 1001, 5000, 10]):
        store.record(f"w{number % worlds}", "op 200", b"x" * size)
        if kept_bytes(store) > 1000:
            over.append((number, size, kept_bytes(store)))
    assert over == []
    assert list(store.journal(f"w{35 % worlds}").entries)[-1:] == [b"x" * 10]


@pytest.mark.parametrize("way", ["reset", "clear_journal", "drop", "evict"])
def test_what_a_journal_gives_up_others_may_use(make: Make, way: str) -> None:
    """Bytes of a world that was reset, cleared, dropped or crowded out are free again."""
    store = make(INITIAL, 2, 1000, 1000)
    for _ in range(20):
        for _ in range(9):
            store.record("a", "op 200", b"x" * 100)
        if way == "evict":
            store.get("b", "k")
            store.get("c", "k")
        else:
            getattr(store, way)("a")
    for _ in range(10):
        store.record("a", "op 200", b"x" * 100)
    assert len(store.journal("a").entries) == 10


def test_records_of_many_threads_are_all_counted(make: Make) -> None:
    """Concurrent requests are counted each, and the bounds hold at the end."""
    store = make(INITIAL, 1000, 50, 100_000)

    def work(number: int) -> None:
        for _ in range(100):
            store.record(f"w{number % 2}", "op 200", b"x" * 10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for world in ("w0", "w1"):
        journal = store.journal(world)
        assert (journal.total, dict(journal.counts), len(journal.entries)) == (400, {"op 200": 400}, 50)


def test_watch_tells_of_each_entry_until_it_ends(store: Store) -> None:
    """A watcher is told after each request of its world, kept or only counted, from any thread, till it ends."""
    told: list[int] = []
    end = store.watch("w", lambda: told.append(store.recorded("w")))
    second = store.watch("w", lambda: told.append(-1))
    store.record("w", "op 200", b"1")
    store.record("other", "op 200", b"1")
    second()
    thread = threading.Thread(target=store.record, args=("w", "op 200", None))
    thread.start()
    thread.join()
    end()
    end()
    store.record("w", "op 200", b"3")
    assert told == [1, -1, 2]


@pytest.mark.parametrize("way", ["reset", "clear_journal", "drop"])
def test_watch_outlives_what_happens_to_the_world(store: Store, way: str) -> None:
    """A watcher names a world, not one life of it: it is told after a reset and a drop as before."""
    told: list[int] = []
    end = store.watch("w", lambda: told.append(1))
    getattr(store, way)("w")
    store.record("w", "op 200", b"1")
    assert told == [1]
    end()
    store.record("w", "op 200", b"2")
    assert told == [1]
