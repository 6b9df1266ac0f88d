"""The store: everything that the worlds hold, as bytes under text keys, changed by atomic update.

A key is `kind/type/id`: `user/consumer/42`, `event/business/7`. A behaviour names its keys first and is then
given what they hold; it answers with what to write. So a store may run it again when another process was faster.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Protocol, TypeVar

T = TypeVar("T")

Found = Mapping[str, bytes | None]
Writes = Mapping[str, bytes | None]  # None takes the key out
Change = Callable[[Found], tuple[Writes, T]]

_log = logging.getLogger("mockserver.store")


class Store(Protocol):
    """What a store must do. A world comes into being at its first use, with its initial content."""

    def get(self, world: str, key: str) -> bytes | None:
        """What the world holds under the key."""

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """Read the keys, call `change` with what they hold, write what it answers: all or nothing.

        `change` is a pure function and may be called more than once; what it raises leaves the world as it was.
        """

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Every key that begins with the prefix, and what it holds, as of now."""

    def holders(self, key: str) -> Iterator[tuple[str, bytes]]:
        """Every world that holds the key, and what it holds."""

    def reset(self, world: str) -> None:
        """Bring a world back to its initial content."""


class _World:
    """The content of one world, and the lock under which it changes."""

    __slots__ = ("content", "lock")

    def __init__(self, initial: Mapping[str, bytes]) -> None:
        self.content: dict[str, bytes] = dict(initial)
        self.lock = Lock()


class MemoryStore:
    """Worlds in this process: dicts of bytes, which the garbage collector has no reason to look into.

    `most` is the number of worlds kept; then the least recently used one goes, with a log line.
    """

    def __init__(self, initial: Mapping[str, bytes], most: int) -> None:
        self._initial = initial
        self._most = most
        self._worlds: OrderedDict[str, _World] = OrderedDict()
        self._lock = Lock()

    def get(self, world: str, key: str) -> bytes | None:
        """See Store."""
        return self._world(world).content.get(key)

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """See Store."""
        place = self._world(world)
        with place.lock:
            content = place.content
            writes, result = change({key: content.get(key) for key in keys})
            for key, value in writes.items():
                if value is None:
                    content.pop(key, None)
                else:
                    content[key] = value
        return result

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        place = self._world(world)
        with place.lock:
            found = [(key, value) for key, value in place.content.items() if key.startswith(prefix)]
        return iter(found)

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
        with place.lock:
            place.content = dict(self._initial)

    def _world(self, name: str) -> _World:
        with self._lock:
            place = self._worlds.get(name)
            if place is None:
                place = self._worlds[name] = _World(self._initial)
                if len(self._worlds) > self._most:
                    gone, _ = self._worlds.popitem(last=False)
                    _log.warning("world %r is gone: more than %d worlds (see --max-worlds)", gone, self._most)
            else:
                self._worlds.move_to_end(name)
            return place
