"""The worlds that are over: whoever still uses a key of one is told whose it was, and is counted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

LONGEST_NOTE = 500  # characters


@dataclass(frozen=True)
class Late:
    """A finished world whose key was used afterwards: its note, how often, and what came last (`POST /x 401`)."""

    note: str
    calls: int
    last: str


class Finished:
    """Notes on finished worlds, at most `most` of them: the oldest goes first."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._notes: OrderedDict[str, Late] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, world: str) -> bool:
        return world in self._notes

    def note(self, world: str) -> str | None:
        """What was noted when the world ended; None where it did not."""
        # Asked at each request, hence without the lock: a look into a dict is atomic.
        found = self._notes.get(world)
        return None if found is None else found.note

    def add(self, world: str, note: str) -> None:
        """The world is over; `note` says whose it was."""
        with self._lock:
            self._notes[world] = Late(note[:LONGEST_NOTE], 0, "")
            if len(self._notes) > self._most:
                self._notes.popitem(last=False)

    def forget(self, world: str) -> None:
        """The world begins anew."""
        with self._lock:
            self._notes.pop(world, None)

    def count(self, world: str, what: str) -> None:
        """A request came for the world, all the same."""
        with self._lock:
            if world in self._notes:
                late = self._notes[world]
                self._notes[world] = Late(late.note, late.calls + 1, what)

    def late(self) -> dict[str, Late]:
        """The finished worlds that were used afterwards, by name."""
        with self._lock:
            return {world: late for world, late in self._notes.items() if late.calls}
