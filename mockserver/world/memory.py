"""The store in this process's memory."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock

from mockserver.world.finished import Finished, Late
from mockserver.world.layers import Content, Kept
from mockserver.world.store import CONTROL, Change, Journal, T

_log = logging.getLogger("mockserver.store")


class _World:
    """The content of one world, and the lock under which it changes."""

    __slots__ = (
        "content",
        "controls",
        "counts",
        "entries",
        "initial",
        "lock",
        "size",
        "snapshots",
        "ticks",
        "total",
        "watchers",
    )

    def __init__(self, initial: Mapping[str, bytes]) -> None:
        self.lock = Lock()
        self.snapshots: dict[str, Kept] = {}
        self.watchers: dict[object, Callable[[], object]] = {}
        self.initial = initial
        self.begin()

    def begin(self) -> None:
        """The world as it is at first."""
        self.ticks = 0
        # Only a world that was made has controls from the beginning.
        self.controls = Content({key: value for key, value in self.initial.items() if key.startswith(CONTROL)})
        self.content = Content({key: value for key, value in self.initial.items() if not key.startswith(CONTROL)})
        self.clear_journal()

    def clear_journal(self) -> None:
        """Nothing recorded."""
        self.entries: deque[bytes] = deque()
        self.counts: Counter[str] = Counter()
        self.size = 0  # bytes of the entries
        self.total = 0

    def part(self, key: str) -> Content:
        """The part that a key is in; of the two only the content is kept by snapshots."""
        return self.controls if key.startswith(CONTROL) else self.content


class MemoryStore:
    """Worlds in this process: layers of bytes, into which the garbage collector has no reason to look.

    `most_worlds` is the number of worlds kept; then the least recently used one goes, with a log line. The
    journals, guarded by the store's own lock, keep `most_entries` a world and `most_bytes` in all.
    """

    blocks = False

    def __init__(
        self,
        initial: Mapping[str, bytes],
        most_worlds: int = 1000,
        most_entries: int = 1000,
        most_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self._initial = initial
        self._most_worlds = most_worlds
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._journal_bytes = 0
        self._finished = Finished()
        self._worlds: OrderedDict[str, _World] = OrderedDict()
        self._blank = _World(initial)
        self._lock = Lock()

    def perform(self, work: Callable[[], T]) -> T:
        """See Store. Each update is atomic by itself, and nothing here can fail between two."""
        return work()

    def ping(self) -> None:
        """See Store."""

    def release(self) -> None:
        """See Store."""

    def get(self, world: str, key: str) -> bytes | None:
        """See Store."""
        return self._look(world).part(key).get(key)

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """See Store."""
        place = self._world(world)
        with place.lock:
            content, controls = place.content, place.controls
            writes, result = change({key: (controls if key[:8] == CONTROL else content).get(key) for key in keys})
            for key, value in writes.items():
                (controls if key[:8] == CONTROL else content).put(key, value)
        return result

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        place = self._look(world)
        with place.lock:
            parts = (place.content, place.controls)
            found = [(key, value) for part in parts for key, value in part.items() if key.startswith(prefix)]
        return iter(sorted(found))

    def holders(self, key: str) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        with self._lock:
            worlds = list(self._worlds.items())
        for name, place in worlds:
            value = place.content.get(key)
            if value is not None:
                yield name, value

    def reset(self, world: str) -> None:
        """See Store."""
        place = self._world(world)
        with place.lock, self._lock:
            self._journal_bytes -= place.size
            place.begin()

    def worlds(self) -> Sequence[str]:
        """See Store."""
        with self._lock:
            return list(self._worlds)

    def drop(self, world: str) -> bool:
        """See Store."""
        with self._lock:
            place = self._worlds.pop(world, None)
            if place is None:
                return False
            watchers = self._gone(place)
        for told in watchers:
            told()
        return True

    def make(self, world: str, content: Mapping[str, bytes]) -> None:
        """See Store."""
        self._finished.forget(world)
        place = self._world(world)
        with place.lock, self._lock:
            self._journal_bytes -= place.size
            place.initial = content
            place.snapshots = {}
            place.begin()

    def finish(self, world: str, note: str) -> bool:
        """See Store."""
        self._finished.add(world, note)
        return self.drop(world)

    def finished(self, world: str) -> str | None:
        """See Store."""
        return self._finished.note(world)

    def late(self) -> Mapping[str, Late]:
        """See Store."""
        return self._finished.late()

    def snapshot(self, world: str, name: str) -> int:
        """See Store."""
        place = self._world(world)
        with place.lock:
            kept = place.snapshots[name] = place.content.keep()
            return kept.count

    def restore(self, world: str, name: str, source: str) -> bool:
        """See Store."""
        origin = self._look(source)
        with origin.lock:
            kept = origin.snapshots.get(name)
        if kept is None:
            return False
        place = self._world(world)
        with place.lock:
            place.content = Content({}, kept)
        return True

    def snapshots(self, world: str) -> Mapping[str, int]:
        """See Store."""
        place = self._look(world)
        with place.lock:
            return {name: kept.count for name, kept in place.snapshots.items()}

    def forget(self, world: str, name: str) -> bool:
        """See Store."""
        place = self._world(world)
        with place.lock:
            return place.snapshots.pop(name, None) is not None

    def record(self, world: str, tag: str, entry: bytes | None) -> None:
        """See Store."""
        if world in self._finished:
            self._finished.count(world, tag)
            return
        place = self._world(world)
        with self._lock:
            place.ticks += 1
            place.total += 1
            place.counts[tag] += 1
            if entry is not None and 0 < len(entry) <= self._most_bytes and self._most_entries:
                place.entries.append(entry)
                self._grow(place, len(entry))
                while len(place.entries) > self._most_entries:
                    self._grow(place, -len(place.entries.popleft()))
                self._keep_to_bytes(place)
            watchers = list(place.watchers.values())
        for told in watchers:
            told()

    def recorded(self, world: str) -> int:
        """See Store."""
        return self._look(world).ticks

    def journal(self, world: str) -> Journal:
        """See Store."""
        place = self._look(world)
        with self._lock:
            return Journal(list(place.entries), dict(place.counts), place.total)

    def clear_journal(self, world: str) -> None:
        """See Store."""
        place = self._world(world)
        with self._lock:
            self._journal_bytes -= place.size
            place.clear_journal()

    def _grow(self, place: _World, size: int) -> None:
        """Account for bytes of a journal; under the lock."""
        place.size += size
        self._journal_bytes += size

    def _keep_to_bytes(self, writing: _World) -> None:
        """Let the oldest entries go until all journals keep to their bytes: of the world that writes, then of the
        worlds that were not used for longest; under the lock.
        """
        for place in (writing, *self._worlds.values()):
            spare = 1 if place is writing else 0
            while self._journal_bytes > self._most_bytes and len(place.entries) > spare:
                self._grow(place, -len(place.entries.popleft()))

    def watch(self, world: str, told: Callable[[], object]) -> Callable[[], None]:
        """See Store."""
        place = self._world(world)
        ticket = object()
        with self._lock:
            place.watchers[ticket] = told

        def end() -> None:
            with self._lock:
                place.watchers.pop(ticket, None)

        return end

    def _look(self, name: str) -> _World:
        """The world, for reading: one that is not there is as all begin, and is not made by being asked for."""
        with self._lock:
            if name not in self._worlds:
                return self._blank
            self._worlds.move_to_end(name)
            return self._worlds[name]

    def _gone(self, place: _World) -> list[Callable[[], object]]:
        """Forget a world's journal; who is to be told, so that nobody waits for what will not come. Under the lock."""
        self._journal_bytes -= place.size
        place.clear_journal()
        return list(place.watchers.values())

    def _world(self, name: str) -> _World:
        forgotten: list[Callable[[], object]] = []
        with self._lock:
            place = self._worlds.get(name)
            if place is not None:
                self._worlds.move_to_end(name)
                return place
            if name in self._finished:
                return _World({})  # what is on its way when its world ends is written to nowhere
            place = self._worlds[name] = _World(self._initial)
            if len(self._worlds) > self._most_worlds:
                gone, old = self._worlds.popitem(last=False)
                forgotten = self._gone(old)
                _log.warning("world %r is gone: more than %d worlds (see --max-worlds)", gone, self._most_worlds)
        for told in forgotten:
            told()
        return place
