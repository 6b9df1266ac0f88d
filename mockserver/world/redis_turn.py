"""What one request read and will write: held until it is committed in one go."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from threading import Lock
from typing import Any

from mockserver.world.redis_wire import RedisWire, blob, life
from mockserver.world.store import CONTROL, Writes

_MOST_KNOWN = 1000  # worlds
_DOCUMENT = CONTROL + "document"  # what every request asks for


class Again(BaseException):  # no Exception: nobody on the way may take it for an error of the request
    """What was read is no longer so: the work is to be done again."""


@dataclass
class Seen:
    """What this process saw last of a world: which life it is, whether it is finished, and its control document."""

    life: bytes | None
    note: bytes | None
    document: bytes | None
    ticks: int


class Known:
    """What is known of the worlds that this process served lately. It may be old: a commit looks."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Seen | None] = OrderedDict()  # None: served, and nothing certain of it
        self._lock = Lock()

    def get(self, world: str) -> Seen | None:
        """What was seen of the world."""
        return self._seen.get(world)

    def put(self, world: str, seen: Seen) -> None:
        """Remember it."""
        with self._lock:
            self._seen[world] = seen
            self._seen.move_to_end(world)
            if len(self._seen) > _MOST_KNOWN:
                self._seen.popitem(last=False)

    def forget(self, world: str) -> None:
        """It is no longer so."""
        with self._lock:
            if world in self._seen:
                self._seen[world] = None

    def worlds(self, most: int) -> list[str]:
        """The worlds, the last one first."""
        with self._lock:
            return list(reversed(self._seen))[:most]


@dataclass
class _Part:
    """The part of a unit that is of one world."""

    seen: Seen | None = None
    fresh: bool = False  # whether `seen` was read in this unit, or remembered
    read: dict[str, bytes | None] = field(default_factory=dict)
    writes: dict[str, bytes | None] = field(default_factory=dict)
    touched: bool = False  # whether it is to be there afterwards
    entry: tuple[str, bytes | None] | None = None


@dataclass(frozen=True)
class Commit:
    """What goes to the server for one world."""

    world: str
    arguments: Sequence[Any]  # of the script COMMIT
    mark: Sequence[Any]  # the command that says when the world was used
    after: Seen  # what is known of the world when it went well
    makes: bool
    records: bool


class Turn:
    """One unit of work; `initial` is what a world that is not there begins with."""

    def __init__(self, wire: RedisWire, initial: Mapping[str, bytes], known: Known) -> None:
        self._wire = wire
        self._initial = initial
        self._known = known
        self._parts: dict[str, _Part] = {}

    def note(self, world: str) -> bytes | None:
        """The note of a finished world."""
        return self._seen(world).note

    def ticks(self, world: str) -> int:
        """How many requests were recorded."""
        part = self._part(world)
        if not part.fresh:
            self.fetched(world, ())
        assert part.seen is not None  # noqa: S101 - it was fetched
        return part.seen.ticks

    def get(self, world: str, key: str) -> bytes | None:
        """What the world holds under the key, this unit's own writes included."""
        part = self._part(world)
        if key in part.writes:
            return part.writes[key]
        if key == _DOCUMENT and key not in part.read:
            return self._seen(world).document
        if key not in part.read:
            self.fetched(world, (key,))
        return part.read[key]

    def put(self, world: str, writes: Writes) -> None:
        """Write at the end of the unit."""
        part = self._part(world)
        part.writes.update(writes)
        part.touched = True

    def record(self, world: str, tag: str, entry: bytes | None) -> None:
        """Count and keep the entry at the end of the unit."""
        part = self._part(world)
        part.entry, part.touched = (tag, entry), True
        self._seen(world)

    def fetched(self, world: str, keys: Sequence[str]) -> Sequence[str]:
        """The keys, with what they hold read in one trip."""
        part = self._part(world)
        lacking = [key for key in keys if key not in part.read]
        if part.fresh and not lacking:
            return keys
        meta, controls, content, _, _, finished, *_ = self._wire.keys(world)
        set_by = [_DOCUMENT, *(key for key in lacking if key.startswith(CONTROL) and key != _DOCUMENT)]
        rest = [key for key in lacking if not key.startswith(CONTROL)]
        commands: list[Sequence[Any]] = [
            ("HMGET", meta, "made", "ticks"),
            ("HGET", finished, "note"),
            ("HMGET", controls, *map(blob, set_by)),
        ]
        if rest:
            commands.append(("HMGET", content, *map(blob, rest)))
        commands.append(("ZADD", self._wire.index, "XX", time.time(), blob(world)))
        answers = self._wire.read(*commands)
        (made, ticks), note, held = answers[:3]
        now = Seen(made, note, held[0], int(ticks or 0))
        before = part.seen
        part.seen, part.fresh = now, True
        self._known.put(world, now)
        if before is not None and (before.life, before.note, before.document) != (now.life, now.note, now.document):
            raise Again
        part.read |= dict(zip(set_by, held, strict=True))
        if made is None:
            part.read |= {key: self._initial.get(key) for key in rest}
        elif rest:
            part.read |= dict(zip(rest, answers[3], strict=True))
        return keys

    def commits(self, bounds: tuple[int, int]) -> Iterator[Commit]:
        """What is to be committed, world by world; `bounds` are the most entries and bytes of a journal."""
        for world, part in self._parts.items():
            if part.touched:
                yield self._commit(world, part, bounds)

    def _commit(self, world: str, part: _Part, bounds: tuple[int, int]) -> Commit:
        seen = self._seen(world)
        over, makes = seen.note is not None, seen.life is None and seen.note is None
        new = life().encode() if makes else b""
        arguments: list[Any] = [seen.life or b"", _digest(seen.note)]
        read = {} if seen.life is None else {**part.read, _DOCUMENT: seen.document}
        arguments.append(len(read))
        for key, value in read.items():
            arguments += [_hash(key), blob(key), _digest(value)]
        begin = self._initial if makes else {}
        arguments += [new, len(begin)]
        for key, value in begin.items():
            arguments += [blob(key), value]
        arguments.append(len(part.writes))
        for key, kept in part.writes.items():
            arguments += [_hash(key), blob(key), "0" if kept is None else "1", kept or b""]
        tag, entry = part.entry or ("", None)
        arguments += [self._wire.ttl, "0" if part.entry is None else "1", blob(tag), entry or b"", *bounds]
        # A world that was dropped meanwhile does not come back into the index by being used.
        mode = () if makes else ("XX",)
        mark = ("ZREM", self._wire.index, blob(world))
        return Commit(
            world,
            arguments,
            mark if over else ("ZADD", self._wire.index, *mode, time.time(), blob(world)),
            Seen(new or seen.life, seen.note, part.writes.get(_DOCUMENT, seen.document), seen.ticks),
            makes,
            part.entry is not None,
        )

    def _part(self, world: str) -> _Part:
        return self._parts.setdefault(world, _Part())

    def _seen(self, world: str) -> Seen:
        """What the unit goes by: what this process saw last, where it did."""
        part = self._part(world)
        if part.seen is None:
            part.seen = self._known.get(world)
        if part.seen is None:
            self.fetched(world, ())
        assert part.seen is not None  # noqa: S101 - it was fetched
        return part.seen


def _hash(key: str) -> int:
    """Which of the script's keys holds a key: controls or content."""
    return 2 if key.startswith(CONTROL) else 3


def _digest(value: bytes | None) -> str:
    return "" if value is None else sha1(value, usedforsecurity=False).hexdigest()
