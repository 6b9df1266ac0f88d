"""The rows of one world in the SQLite store's file: found, made, filled and thrown away, inside a transaction."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.world.sqlite_file import SqliteFile

_log = logging.getLogger("mockserver.store")
_OF_A_WORLD = ("content", "initial", "counts")


class Rows:
    """What the store's methods are made of; a world is its number, None where there is none."""

    def __init__(
        self, file: SqliteFile, initial: Mapping[str, bytes], most_worlds: int, most_entries: int, most_bytes: int
    ) -> None:
        self._file = file
        self._initial = initial
        self._most_worlds = most_worlds
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        # When worlds were read: told to the file when it matters, so that reading writes nothing.
        self._read: dict[str, int] = {}

    def run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement on this thread's connection."""
        return self._file.connection().execute(statement, values)

    def number(self, world: str) -> int | None:
        """The number of a world that is there."""
        row = self.run("SELECT id FROM worlds WHERE name = ?", (blob(world),)).fetchone()
        if row is None:
            return None
        self._read[world] = time.time_ns()
        found: int = row[0]
        return found

    def make(self, world: str) -> int | None:
        """The number of a world, made where it is not there; None where it is finished."""
        number = self.number(world)
        if number is not None:
            return number
        if self.run("SELECT 1 FROM finished WHERE world = ?", (blob(world),)).fetchone():
            return None
        self._make_room()
        made = self.run("INSERT INTO worlds (name, used) VALUES (?, ?)", (blob(world), time.time_ns())).lastrowid
        assert made is not None  # noqa: S101 - an insert has one
        self.put("content", made, self._initial)
        return made

    def value(self, number: int, key: str) -> bytes | None:
        """What a world holds under a key."""
        row = self.run("SELECT value FROM content WHERE world = ? AND key = ?", (number, blob(key))).fetchone()
        return row[0] if row else None

    def put(self, table: str, number: int, content: Mapping[str, bytes]) -> None:
        """Write a world's rows of `content` or `initial`."""
        rows = [(number, blob(key), value) for key, value in content.items()]
        self._file.connection().executemany(f"REPLACE INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608 - ours

    def fill(self, number: int) -> None:
        """Give an empty world what it begins with: its own content, or that of all."""
        [own] = self.run("SELECT own FROM worlds WHERE id = ?", (number,)).fetchone()
        if own:
            self.run("INSERT INTO content SELECT world, key, value FROM initial WHERE world = ?", (number,))
        else:
            self.put("content", number, self._initial)

    def forget(self, number: int, name: str) -> bool:
        """Take a snapshot away; False where there is none."""
        row = self.run("SELECT id FROM snapshots WHERE world = ? AND name = ?", (number, blob(name))).fetchone()
        if row is None:
            return False
        self.run("DELETE FROM kept WHERE snapshot = ?", row)
        self.run("DELETE FROM snapshots WHERE id = ?", row)
        return True

    def clear(self, number: int) -> None:
        """Empty a world's journal and its counts."""
        freed = "UPDATE size SET bytes = bytes - (SELECT ifnull(sum(length(entry)), 0) FROM journal WHERE world = ?)"
        self.run(freed, (number,))
        self.run("DELETE FROM journal WHERE world = ?", (number,))
        self.run("DELETE FROM counts WHERE world = ?", (number,))
        self.run("UPDATE worlds SET total = 0, kept = 0 WHERE id = ?", (number,))

    def drop(self, number: int) -> None:
        """Take a world away with all it has."""
        self.clear(number)
        self.run("DELETE FROM kept WHERE snapshot IN (SELECT id FROM snapshots WHERE world = ?)", (number,))
        self.run("DELETE FROM snapshots WHERE world = ?", (number,))
        for table in _OF_A_WORLD:
            self.run(f"DELETE FROM {table} WHERE world = ?", (number,))  # noqa: S608 - a name of ours
        self.run("DELETE FROM worlds WHERE id = ?", (number,))

    def append(self, number: int, entry: bytes) -> None:
        """Append an entry to a world's journal and let the oldest go, so that the bounds hold."""
        if not 0 < len(entry) <= self._most_bytes or not self._most_entries:
            return
        self.run("INSERT INTO journal (world, entry) VALUES (?, ?)", (number, entry))
        [kept] = self.run("UPDATE worlds SET kept = kept + 1 WHERE id = ? RETURNING kept", (number,)).fetchone()
        [size] = self.run("UPDATE size SET bytes = bytes + ? RETURNING bytes", (len(entry),)).fetchone()
        if kept > self._most_entries:
            size = self._let_go("world = ?", number, kept - self._most_entries)
            kept = self._most_entries
        while size > self._most_bytes:  # of the world that writes, then of those that were not used for longest
            if kept > 1:
                kept -= 1
                size = self._let_go("world = ?", number, 1)
            else:
                others = "world = (SELECT id FROM worlds WHERE kept AND id != ? ORDER BY used LIMIT 1)"
                size = self._let_go(others, number, 1)

    def _let_go(self, where: str, number: int, count: int) -> int:
        """Take the oldest entries out of a journal; the bytes that are left in all."""
        oldest = f"SELECT id FROM journal WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608 - a text of ours
        gone = self.run(
            f"DELETE FROM journal WHERE id IN ({oldest}) RETURNING world, length(entry)",  # noqa: S608 - as above
            (number, count),
        ).fetchall()
        for world, _ in gone:
            self.run("UPDATE worlds SET kept = kept - 1 WHERE id = ?", (world,))
        [left] = self.run("UPDATE size SET bytes = bytes - ? RETURNING bytes", (sum(n for _, n in gone),)).fetchone()
        return int(left)

    def _make_room(self) -> None:
        """Let the least recently used worlds go, so that one more fits."""
        read, self._read = self._read, {}
        for world, used in read.items():
            self.run("UPDATE worlds SET used = ? WHERE name = ? AND used < ?", (used, blob(world), used))
        [count] = self.run("SELECT count(*) FROM worlds").fetchone()
        spare = max(0, count + 1 - self._most_worlds)
        for number, name in self.run("SELECT id, name FROM worlds ORDER BY used LIMIT ?", (spare,)).fetchall():
            self.drop(number)
            _log.warning("world %r is gone: more than %d worlds (see --max-worlds)", text(name), self._most_worlds)


def blob(value: str) -> bytes:
    """A text as the file keeps it."""
    return value.encode("utf-8", "surrogatepass")


def text(value: bytes) -> str:
    """The text that `blob` kept."""
    return value.decode("utf-8", "surrogatepass")
