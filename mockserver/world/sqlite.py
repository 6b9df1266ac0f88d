"""The store in a SQLite file: it outlives the process, and several processes on one machine may share it.

What one request changes, the journal's entry among it, is one transaction (`perform`), which holds the file's
write lock from its first change on; so a `change` is called once. Texts are kept as UTF-8 bytes, so that any of
them is a key.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mockserver.world.finished import LONGEST_NOTE, Late
from mockserver.world.sqlite_file import SqliteFile
from mockserver.world.sqlite_rows import Rows, blob, text
from mockserver.world.store import CONTROL, Change, Journal, T
from mockserver.world.watching import Watchers

_CONTROLS = (CONTROL.encode(), CONTROL[:-1].encode() + b"0")  # the range of keys; "0" follows "/"
_MOST_FINISHED = 10_000


class SqliteStore:
    """Worlds in the file at `path`; the other arguments as of MemoryStore, the bounds for all processes together."""

    blocks = True

    def __init__(
        self,
        path: str,
        initial: Mapping[str, bytes],
        most_worlds: int = 1000,
        most_entries: int = 1000,
        most_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self._file = SqliteFile(path)
        self._rows = Rows(self._file, initial, most_worlds, most_entries, most_bytes)
        self._initial = initial
        self._turn = threading.local()
        self._watchers = Watchers(self._stamp)

    def perform(self, work: Callable[[], T]) -> T:
        """See Store."""
        if getattr(self._turn, "open", False):  # one unit inside another is a part of it
            return work()
        with self._file.trouble():
            self._turn.open = True
            try:
                result = work()
                if self._file.connection().in_transaction:
                    self._file.connection().execute("COMMIT")
            except BaseException:
                self._file.rollback()
                self._turn.told = ()
                raise
            finally:
                self._turn.open = False
        self._tell()
        return result

    def ping(self) -> None:
        """See Store."""
        with self._file.trouble():
            self._file.check()
            self._rows.run("SELECT n FROM stamp").fetchone()

    def release(self) -> None:
        """See Store."""
        self._file.release()

    def get(self, world: str, key: str) -> bytes | None:
        """See Store."""
        with self._file.trouble():
            number = self._rows.number(world)
            return self._initial.get(key) if number is None else self._rows.value(number, key)

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """See Store."""
        with self._writing() as run:
            number = self._rows.make(world)
            if number is None:
                return change(dict.fromkeys(keys))[1]
            writes, result = change({key: self._rows.value(number, key) for key in keys})
            for key, value in writes.items():
                if value is None:
                    run("DELETE FROM content WHERE world = ? AND key = ?", (number, blob(key)))
                else:
                    run("REPLACE INTO content VALUES (?, ?, ?)", (number, blob(key), value))
            return result

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        with self._file.trouble():
            number = self._rows.number(world)
            if number is None:
                return iter(sorted((key, value) for key, value in self._initial.items() if key.startswith(prefix)))
            begin = blob(prefix)
            where, values = "world = ? AND key >= ?", [number, begin]
            if begin:  # UTF-8 has no byte 255, so that the next prefix of this length ends the range
                where, values = where + " AND key < ?", [*values, begin[:-1] + bytes([begin[-1] + 1])]
            rows = self._rows.run(f"SELECT key, value FROM content WHERE {where} ORDER BY key", values)  # noqa: S608
            return iter([(text(key), value) for key, value in rows.fetchall()])

    def holders(self, key: str) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        found = "SELECT name, value FROM content JOIN worlds ON worlds.id = world WHERE key = ? ORDER BY used"
        with self._file.trouble():
            return iter([(text(name), value) for name, value in self._rows.run(found, (blob(key),)).fetchall()])

    def reset(self, world: str) -> None:
        """See Store."""
        with self._writing() as run:
            number = self._rows.make(world)
            if number is not None:
                self._rows.clear(number)
                run("DELETE FROM content WHERE world = ?", (number,))
                run("UPDATE worlds SET ticks = 0 WHERE id = ?", (number,))
                self._rows.fill(number)

    def worlds(self) -> Sequence[str]:
        """See Store."""
        with self._file.trouble():
            return [text(name) for (name,) in self._rows.run("SELECT name FROM worlds ORDER BY used").fetchall()]

    def drop(self, world: str) -> bool:
        """See Store."""
        with self._writing():
            number = self._rows.number(world)
            if number is None:
                return False
            self._rows.drop(number)
        self._watchers.end(world)
        return True

    def make(self, world: str, content: Mapping[str, bytes]) -> None:
        """See Store."""
        with self._writing() as run:
            run("DELETE FROM finished WHERE world = ?", (blob(world),))
            number = self._rows.number(world)
            if number is not None:
                self._rows.drop(number)
            made = self._rows.make(world)
            assert made is not None  # noqa: S101 - it is finished no more
            run("UPDATE worlds SET own = 1 WHERE id = ?", (made,))
            run("DELETE FROM content WHERE world = ?", (made,))
            self._rows.put("initial", made, content)
            self._rows.fill(made)

    def finish(self, world: str, note: str) -> bool:
        """See Store."""
        with self._writing() as run:
            run("REPLACE INTO finished (world, note) VALUES (?, ?)", (blob(world), blob(note[:LONGEST_NOTE])))
            run("DELETE FROM finished WHERE id <= (SELECT max(id) FROM finished) - ?", (_MOST_FINISHED,))
        return self.drop(world)

    def finished(self, world: str) -> str | None:
        """See Store."""
        with self._file.trouble():
            row = self._rows.run("SELECT note FROM finished WHERE world = ?", (blob(world),)).fetchone()
        return None if row is None else text(row[0])

    def late(self) -> Mapping[str, Late]:
        """See Store."""
        with self._file.trouble():
            rows = self._rows.run("SELECT world, note, calls, last FROM finished WHERE calls").fetchall()
        return {text(world): Late(text(note), calls, text(last)) for world, note, calls, last in rows}

    def snapshot(self, world: str, name: str) -> int:
        """See Store."""
        with self._writing() as run:
            number = self._rows.make(world)
            if number is None:
                return 0
            self._rows.forget(number, name)
            made = run("INSERT INTO snapshots (world, name) VALUES (?, ?)", (number, blob(name))).lastrowid
            copy = "INSERT INTO kept SELECT ?, key, value FROM content WHERE world = ? AND NOT (key >= ? AND key < ?)"
            return run(copy, (made, number, *_CONTROLS)).rowcount

    def restore(self, world: str, name: str, source: str) -> bool:
        """See Store."""
        with self._writing() as run:
            find = "SELECT snapshots.id FROM snapshots JOIN worlds ON worlds.id = world WHERE worlds.name = ? AND "
            row = run(f"{find} snapshots.name = ?", (blob(source), blob(name))).fetchone()
            number = self._rows.make(world) if row else None
            if number is None:
                return False
            run("DELETE FROM content WHERE world = ? AND NOT (key >= ? AND key < ?)", (number, *_CONTROLS))
            run("INSERT INTO content SELECT ?, key, value FROM kept WHERE snapshot = ?", (number, row[0]))
            return True

    def snapshots(self, world: str) -> Mapping[str, int]:
        """See Store."""
        counted = "SELECT name, (SELECT count(*) FROM kept WHERE snapshot = id) FROM snapshots WHERE world = ?"
        with self._file.trouble():
            rows = self._rows.run(f"{counted} ORDER BY id", (self._rows.number(world),)).fetchall()
        return {text(name): keys for name, keys in rows}

    def forget(self, world: str, name: str) -> bool:
        """See Store."""
        with self._writing():
            number = self._rows.make(world)
            return number is not None and self._rows.forget(number, name)

    def record(self, world: str, tag: str, entry: bytes | None) -> None:
        """See Store."""
        with self._writing(durable=False) as run:
            number = self._rows.make(world)
            if number is None:
                run("UPDATE finished SET calls = calls + 1, last = ? WHERE world = ?", (blob(tag), blob(world)))
                return
            [stamp] = run("UPDATE stamp SET n = n + 1 RETURNING n").fetchone()
            counted = "UPDATE worlds SET used = ?, ticks = ticks + 1, total = total + 1, stamp = ? WHERE id = ?"
            run(counted, (time.time_ns(), stamp, number))
            run("INSERT INTO counts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1", (number, blob(tag)))
            if entry is not None:
                self._rows.append(number, entry)
            self._turn.told = [*getattr(self._turn, "told", ()), (world, stamp)]

    def recorded(self, world: str) -> int:
        """See Store."""
        with self._file.trouble():
            row = self._rows.run("SELECT ticks FROM worlds WHERE name = ?", (blob(world),)).fetchone()
        return row[0] if row else 0

    def journal(self, world: str) -> Journal:
        """See Store."""
        with self._file.trouble():
            number = self._rows.number(world)
            entries = self._rows.run("SELECT entry FROM journal WHERE world = ? ORDER BY id", (number,)).fetchall()
            counts = self._rows.run("SELECT tag, n FROM counts WHERE world = ?", (number,)).fetchall()
            row = self._rows.run("SELECT total FROM worlds WHERE id = ?", (number,)).fetchone()
        return Journal([entry for (entry,) in entries], {text(tag): n for tag, n in counts}, row[0] if row else 0)

    def clear_journal(self, world: str) -> None:
        """See Store."""
        with self._writing():
            number = self._rows.make(world)
            if number is not None:
                self._rows.clear(number)

    def watch(self, world: str, told: Callable[[], object]) -> Callable[[], None]:
        """See Store."""
        with self._writing():
            self._rows.make(world)
        return self._watchers.add(world, told)

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Run statements under the file's write lock: as one transaction, or as a part of that of `perform`."""
        inside = getattr(self._turn, "open", False)
        with self._file.trouble():
            connection = self._file.connection()
            if not connection.in_transaction:
                self._file.begin(durable=durable)
            try:
                yield connection.execute
                if not inside:
                    connection.execute("COMMIT")
            except BaseException:
                if not inside:
                    self._file.rollback()
                raise
        if not inside:
            self._tell()

    def _tell(self) -> None:
        """Tell those who wait of what this thread has committed."""
        told, self._turn.told = getattr(self._turn, "told", ()), ()
        for world, stamp in told:
            self._watchers.tell(world, stamp)

    def _stamp(self, world: str) -> int:
        """The stamp of the world's newest entry; it grows over all worlds and lives."""
        with self._file.trouble():
            row = self._rows.run("SELECT stamp FROM worlds WHERE name = ?", (blob(world),)).fetchone()
        return row[0] if row else 0
