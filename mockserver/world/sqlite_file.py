"""The file of the SQLite store: opened, checked, brought to the present schema; one connection a thread.

An acknowledged write of a client is on disk: write-ahead log, synchronous=FULL. What only the journal learnt of
(a GET) may be lost with the power, not with the process: synchronous=NORMAL, which spares a GET the disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.errors import StoreError, Unavailable

_APPLICATION = 0x464D5331  # "FMS1", in the file's header: a file of another program is refused
_BUSY = 5.0  # seconds that a write waits for another process's
_MIGRATIONS = (
    """
    CREATE TABLE stamp (n INTEGER NOT NULL);
    INSERT INTO stamp VALUES (0);
    CREATE TABLE worlds (
        id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, own INTEGER NOT NULL DEFAULT 0,
        ticks INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0,
        stamp INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE initial (world INTEGER, key BLOB, value BLOB, PRIMARY KEY (world, key));
    CREATE TABLE content (world INTEGER, key BLOB, value BLOB, PRIMARY KEY (world, key));
    CREATE INDEX holders ON content (key);
    CREATE TABLE snapshots (id INTEGER PRIMARY KEY, world INTEGER, name BLOB, UNIQUE (world, name));
    CREATE TABLE kept (snapshot INTEGER, key BLOB, value BLOB, PRIMARY KEY (snapshot, key));
    CREATE TABLE counts (world INTEGER, tag BLOB, n INTEGER NOT NULL, PRIMARY KEY (world, tag));
    CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, world INTEGER, entry BLOB NOT NULL);
    CREATE INDEX journal_of ON journal (world);
    CREATE TABLE size (bytes INTEGER NOT NULL);
    INSERT INTO size VALUES (0);
    CREATE TABLE finished (
        id INTEGER PRIMARY KEY AUTOINCREMENT, world BLOB NOT NULL UNIQUE, note BLOB NOT NULL,
        calls INTEGER NOT NULL DEFAULT 0, last BLOB NOT NULL DEFAULT x''
    );
    """,
)
VERSION = len(_MIGRATIONS)


class SqliteFile:
    """The file at `path`, made where it is not there. Raises StoreError in one line where it cannot be used."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.local()
        try:
            if not Path(path).exists():  # only its owner may read what is in it
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._bring_up_to_date()
            self._inode = Path(path).stat().st_ino
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"store sqlite: {path}: {_reason(error)}") from error

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; a forked process opens its own."""
        mine: tuple[int, sqlite3.Connection] | None = getattr(self._threads, "mine", None)
        if mine is None or mine[0] != os.getpid():
            mine = self._threads.mine = (os.getpid(), self._open())
        return mine[1]

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Turn what SQLite raises into Unavailable, with this thread's transaction taken back."""
        try:
            yield
        except sqlite3.Error as error:
            self.rollback()
            raise Unavailable(f"The store cannot be used: {_reason(error)}") from error

    def begin(self, *, durable: bool) -> None:
        """Take the file's write lock."""
        connection = self.check()
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")

    def check(self) -> sqlite3.Connection:
        """This thread's connection, to the file that still has its name."""
        connection = self.connection()
        try:
            same = Path(self._path).stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:  # what is written to a file that has no name is acknowledged, and gone
            self._threads.mine = None
            raise sqlite3.OperationalError("its file was removed or replaced; start the server anew")
        return connection

    def release(self) -> None:
        """Close this thread's connection: one that is open across a fork takes SQLite's locks away from the child."""
        mine = getattr(self._threads, "mine", None)
        if mine is not None:
            mine[1].close()
            self._threads.mine = None

    def rollback(self) -> None:
        """Take back what this thread wrote and did not commit; a broken connection is thrown away."""
        mine = getattr(self._threads, "mine", None)
        if mine is None:
            return
        try:
            if mine[1].in_transaction:
                mine[1].rollback()
        except sqlite3.Error:
            self._threads.mine = None

    def _open(self) -> sqlite3.Connection:
        # An absent file is not made anew: what was acknowledged would be gone without a word.
        uri = f"{Path(self._path).absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, timeout=_BUSY, isolation_level=None, uri=True)

    def _bring_up_to_date(self) -> None:
        connection = self._open()
        try:
            [version] = connection.execute("PRAGMA user_version").fetchone()
            [application] = connection.execute("PRAGMA application_id").fetchone()
            foreign = application != _APPLICATION and connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            if foreign:
                raise StoreError(f"store sqlite: {self._path}: is the database of another program")
            if version > VERSION:
                newer = f"was written by a newer release (schema {version}; this one knows {VERSION})"
                raise StoreError(f"store sqlite: {self._path}: {newer}")
            [health] = connection.execute("PRAGMA quick_check(1)").fetchone()
            if health != "ok":
                raise StoreError(f"store sqlite: {self._path}: is damaged: {' '.join(health.split())}")
            connection.execute("PRAGMA journal_mode = WAL")  # not before the file is known to be ours; it stays
            if version < VERSION:
                _migrate(connection)
        finally:
            connection.close()


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date in one transaction; another process may have been faster."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        for step in _MIGRATIONS[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _reason(error: Exception) -> str:
    """Why, in a few words of one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())
