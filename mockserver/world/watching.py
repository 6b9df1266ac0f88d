"""Telling whoever waits for a world's next request, where other processes may write to the store too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.errors import Unavailable

INTERVAL = 0.02  # seconds between two looks at what other processes wrote; nobody looks while nobody waits

_log = logging.getLogger("mockserver.store")


@dataclass
class _Watcher:
    world: str
    told: Callable[[], object]
    seen: int  # the stamp of the last entry that it knows of


class Watchers:
    """Who waits for which world. `stamp_of` gives the stamp of a world's newest entry, which only grows."""

    def __init__(self, stamp_of: Callable[[str], int]) -> None:
        self._stamp_of = stamp_of
        self._watchers: dict[object, _Watcher] = {}
        self._lock = threading.Lock()
        self._looking = False

    def add(self, world: str, told: Callable[[], object]) -> Callable[[], None]:
        """Have `told` called after each entry of the world from now on; gives what ends that."""
        watcher, ticket = _Watcher(world, told, self._stamp_of(world)), object()
        with self._lock:
            self._watchers[ticket] = watcher
            begin, self._looking = not self._looking, True
        if begin:
            threading.Thread(target=self._look, name="mockserver-watch", daemon=True).start()

        def end() -> None:
            with self._lock:
                self._watchers.pop(ticket, None)

        return end

    def tell(self, world: str, stamp: int) -> None:
        """An entry with this stamp is there."""
        if not self._watchers:
            return
        with self._lock:
            due = [entry for entry in self._watchers.values() if entry.world == world and entry.seen < stamp]
            for entry in due:
                entry.seen = stamp
        for entry in due:
            entry.told()

    def end(self, world: str) -> None:
        """The world is gone: tell those who wait there, so that nobody waits for what will not come."""
        with self._lock:
            due = {ticket: entry for ticket, entry in self._watchers.items() if entry.world == world}
            for ticket in due:
                del self._watchers[ticket]
        for entry in due.values():
            entry.told()

    def _look(self) -> None:
        """Look for entries of other processes until nobody waits."""
        pause = threading.Event()
        while True:
            pause.wait(INTERVAL)
            with self._lock:
                worlds = {entry.world for entry in self._watchers.values()}
                if not worlds:
                    self._looking = False
                    return
            for world in worlds:
                try:
                    self.tell(world, self._stamp_of(world))
                except Unavailable as error:  # it comes back, or the wait ends by its own time
                    _log.warning("%s", error.message)
