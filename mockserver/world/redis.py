"""The store in Redis or Valkey: several servers on several machines share it, in any order of requests.

A request costs two trips (`perform`): one that reads what it needs, with what the test author set and whether the
world is finished, and one that commits what it writes and its journal entry by a script. The script first looks
whether all that was read is still so; if not, the request's work is done again. What is read before the first trip
(the control document) is taken from what this process saw last, and counts as read.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from mockserver.errors import Unavailable
from mockserver.world.finished import LONGEST_NOTE, Late
from mockserver.world.redis_turn import Again, Known, Turn
from mockserver.world.redis_wire import COMMIT, DROP, RedisWire, blob, fields, life, text
from mockserver.world.store import CONTROL, Change, Journal, T
from mockserver.world.watching import Watchers

_log = logging.getLogger("mockserver.store")
_MOST_ATTEMPTS = 1000
_WEEK = 7 * 24 * 3600  # seconds that the note of a finished world is kept
_HINTED = 100  # worlds that are asked for a hint


class RedisStore:
    """Worlds in the Redis at `url`; the other arguments as of MemoryStore, `most_bytes` for each world's journal."""

    blocks = True

    def __init__(
        self,
        url: str,
        initial: Mapping[str, bytes],
        most_worlds: int = 1000,
        most_entries: int = 1000,
        most_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self._wire = RedisWire(url)
        self._initial = initial
        self._most_worlds = most_worlds
        self._bounds = (most_entries, most_bytes)
        self._known = Known()
        self._local = threading.local()
        self._watchers = Watchers(self._stamp)

    def perform(self, work: Callable[[], T]) -> T:
        """See Store."""
        if self._open is not None:  # one unit inside another is a part of it
            return work()
        for attempt in range(_MOST_ATTEMPTS):
            turn = self._local.turn = Turn(self._wire, self._initial, self._known)
            try:
                result = work()
                stamps = self._commit(turn)
            except Again:
                if attempt > 2:  # others are at the same record: let them pass
                    time.sleep(random.random() * min(attempt, 20) / 1000)
                continue
            finally:
                self._local.turn = None
            for world, stamp in stamps:
                self._watchers.tell(world, stamp)
            return result
        raise Unavailable("The store is too busy: others changed the same record again and again")

    def ping(self) -> None:
        """See Store."""
        self._wire.read(("PING",))

    def release(self) -> None:
        """See Store."""
        self._wire.client.connection_pool.disconnect()

    def get(self, world: str, key: str) -> bytes | None:
        """See Store."""
        return self.perform(lambda: self._turn.get(world, key))

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """See Store."""

        def run() -> T:
            writes, result = change({key: self._turn.get(world, key) for key in self._turn.fetched(world, keys)})
            self._turn.put(world, writes)
            return result

        return self.perform(run)

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """See Store. What is written meanwhile may be in it or not."""
        if not self._life(world):
            return iter(sorted((key, value) for key, value in self._initial.items() if key.startswith(prefix)))
        pattern = "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in prefix) + "*"
        found = {}
        with self._wire.trouble():
            for part in ("content", "controls"):
                rows = self._wire.client.hscan_iter(self._wire.key(world, part), match=blob(pattern), count=1000)
                found.update({text(key): value for key, value in rows})
        return iter(sorted(found.items()))

    def holders(self, key: str) -> Iterator[tuple[str, bytes]]:
        """See Store. Only the worlds that this process served lately are asked."""
        worlds = self._known.worlds(_HINTED)
        if worlds:
            asked = [("HGET", self._wire.key(world, "content"), blob(key)) for world in worlds]
            for world, value in zip(worlds, self._wire.read(*asked), strict=True):
                if value is not None:
                    yield world, value

    def reset(self, world: str) -> None:
        """See Store."""
        self._made(world)
        meta, controls, content, journal, counts, _, _, initial = self._wire.keys(world)
        [own] = self._wire.read(("EXISTS", initial))
        begin = [("COPY", initial, content, "REPLACE")] if own else [("DEL", content), *fields(content, self._initial)]
        set_by = self._controls_of(world) if own else {}
        self._wire.write(
            ("DEL", controls, journal, counts),
            *begin,
            ("HDEL", content, "", *map(blob, set_by)),
            *fields(controls, set_by),
            ("HSET", meta, "ticks", 0, "total", 0, "size", 0, "made", life()),
        )
        self._known.forget(world)

    def worlds(self) -> Sequence[str]:
        """See Store."""
        return [text(name) for name in self._wire.read(("ZRANGE", self._wire.index, 0, -1))[0]]

    def drop(self, world: str) -> bool:
        """See Store."""
        there = self._wire.run(DROP, self._wire.keys(world), (), ("ZREM", self._wire.index, blob(world)))
        self._known.forget(world)
        if there:
            self._watchers.end(world)
        return bool(there)

    def make(self, world: str, content: Mapping[str, bytes]) -> None:
        """See Store."""
        self.drop(world)
        meta, controls, kept, *_, finished, _, initial = self._wire.keys(world)
        set_by = {key: value for key, value in content.items() if key.startswith(CONTROL)}
        rest = {key: value for key, value in content.items() if key not in set_by}
        self._wire.write(
            ("DEL", *self._wire.keys(world)[:5], finished, initial),
            *fields(initial, {"": b"", **content}),  # never empty, so that it is there
            *fields(kept, rest),
            *fields(controls, set_by),
            ("HSET", meta, "made", life()),
        )
        self._wire.write(("ZADD", self._wire.index, time.time(), blob(world)))
        self._known.forget(world)
        self._make_room()

    def finish(self, world: str, note: str) -> bool:
        """See Store."""
        finished = self._wire.key(world, "finished")
        entry = ("HSET", finished, "note", blob(note[:LONGEST_NOTE]), "calls", 0, "last", "")
        self._wire.write(("DEL", finished), entry, ("EXPIRE", finished, _WEEK))
        return self.drop(world)

    def finished(self, world: str) -> str | None:
        """See Store."""
        note = self.perform(lambda: self._turn.note(world))
        return None if note is None else text(note)

    def late(self) -> Mapping[str, Late]:
        """See Store."""
        names = sorted(self._wire.read(("SMEMBERS", f"{self._wire.prefix}:late"))[0])
        asked = [("HMGET", self._wire.key(text(name), "finished"), "note", "calls", "last") for name in names]
        found = zip(names, self._wire.read(*asked) if asked else (), strict=True)
        return {
            text(name): Late(text(note), int(calls), text(last))
            for name, (note, calls, last) in found
            if note is not None and int(calls)
        }

    def snapshot(self, world: str, name: str) -> int:
        """See Store."""
        self._made(world)
        content, snapshots = self._wire.key(world, "content"), self._wire.key(world, "snapshots")
        kept = _kept(snapshots, name)
        [count] = self._wire.read(("HLEN", content))
        # Redis knows no empty hash: a snapshot of an empty world is its entry alone.
        self._wire.write(("DEL", kept), ("COPY", content, kept), ("HSET", snapshots, blob(name), count))
        return int(count)

    def restore(self, world: str, name: str, source: str) -> bool:
        """See Store."""
        snapshots = self._wire.key(source, "snapshots")
        there, dumped = self._wire.read(("HEXISTS", snapshots, blob(name)), ("DUMP", _kept(snapshots, name)))
        if not there:
            return False
        self._made(world)
        content = self._wire.key(world, "content")
        filled = [("RESTORE", content, 0, dumped)] if dumped else []
        self._wire.write(("DEL", content), *filled)
        return True

    def snapshots(self, world: str) -> Mapping[str, int]:
        """See Store."""
        found = self._wire.read(("HGETALL", self._wire.key(world, "snapshots")))[0]
        return {text(name): int(count) for name, count in found.items()}

    def forget(self, world: str, name: str) -> bool:
        """See Store."""
        snapshots = self._wire.key(world, "snapshots")
        return bool(self._wire.write(("HDEL", snapshots, blob(name)), ("DEL", _kept(snapshots, name)))[0])

    def record(self, world: str, tag: str, entry: bytes | None) -> None:
        """See Store."""
        self.perform(lambda: self._turn.record(world, tag, entry))

    def recorded(self, world: str) -> int:
        """See Store."""
        return self.perform(lambda: self._turn.ticks(world))

    def journal(self, world: str) -> Journal:
        """See Store."""
        meta, _, _, journal, counts, *_ = self._wire.keys(world)
        entries, counted, total = self._wire.write(
            ("LRANGE", journal, 0, -1), ("HGETALL", counts), ("HGET", meta, "total")
        )
        return Journal(entries, {text(tag): int(n) for tag, n in counted.items()}, int(total or 0))

    def clear_journal(self, world: str) -> None:
        """See Store."""
        self._made(world)
        meta, _, _, journal, counts, *_ = self._wire.keys(world)
        self._wire.write(("DEL", journal, counts), ("HSET", meta, "total", 0, "size", 0))

    def watch(self, world: str, told: Callable[[], object]) -> Callable[[], None]:
        """See Store."""
        self._made(world)
        return self._watchers.add(world, told)

    @property
    def _open(self) -> Turn | None:
        return cast(Turn | None, getattr(self._local, "turn", None))

    @property
    def _turn(self) -> Turn:
        turn = self._open
        assert turn is not None  # noqa: S101 - only called inside `perform`
        return turn

    def _commit(self, turn: Turn) -> list[tuple[str, int]]:
        """Commit each world that the unit wrote to: the one of the request, and seldom another. Gives the stamps
        of those in whose journal something was written.
        """
        stamps = []
        for commit in turn.commits(self._bounds):
            world = commit.world
            stamp = int(self._wire.run(COMMIT, self._wire.keys(world)[:6], commit.arguments, commit.mark))
            if stamp < 0:
                self._known.forget(world)
                raise Again
            if stamp == 0:
                self._wire.write(("SADD", f"{self._wire.prefix}:late", blob(world)))
                continue
            self._known.put(world, commit.after)
            if commit.records:
                stamps.append((world, stamp))
            if commit.makes:
                self._make_room()
        return stamps

    def _made(self, world: str) -> None:
        """See that the world is there, so that its keys may be written to."""
        if not self._life(world):
            self.update(world, (), lambda _: ({}, None))

    def _life(self, world: str) -> bytes | None:
        mark = ("ZADD", self._wire.index, "XX", time.time(), blob(world))
        return cast(bytes | None, self._wire.read(("HGET", self._wire.key(world, "meta"), "made"), mark)[0])

    def _stamp(self, world: str) -> int:
        """The stamp of the world's newest entry: a time in microseconds, so that it grows over all lives."""
        return int(self._wire.read(("HGET", self._wire.key(world, "meta"), "stamp"))[0] or 0)

    def _controls_of(self, world: str) -> dict[str, bytes]:
        """The controls that a world which was made begins with."""
        found = self._wire.read(("HGETALL", self._wire.key(world, "initial")))[0]
        return {text(key): value for key, value in found.items() if key.startswith(CONTROL.encode())}

    def _make_room(self) -> None:
        """Let the least recently used worlds go until the rest fits."""
        while len(worlds := self.worlds()) > self._most_worlds:
            _log.warning("world %r is gone: more than %d worlds (see --max-worlds)", worlds[0], self._most_worlds)
            self.drop(worlds[0])


def _kept(snapshots: str, name: str) -> bytes:
    """The key of a snapshot, as the script that drops a world finds it."""
    return f"{snapshots}:".encode() + blob(name)
