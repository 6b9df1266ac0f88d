"""The file of the SQLite store: what it survives, and what is refused in one clear line."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.errors import StoreError, Unavailable
from mockserver.world.sqlite import SqliteStore
from mockserver.world.sqlite_file import VERSION
from tests.stores.process import refused


def put(store: SqliteStore, key: str, value: bytes) -> None:
    """Write one key of the world w."""
    store.update("w", (key,), lambda _: ({key: value}, None))


def test_a_file_outlives_its_store(tmp_path: Path) -> None:
    """What one store wrote another finds: records, controls, snapshots, journal, counts, finished worlds."""
    path = str(tmp_path / "a b?#%.db")
    first = SqliteStore(path, {"user/consumer/first": b"1"})
    put(first, "user/consumer/u", b"x")
    put(first, "control/document", b"{}")
    first.snapshot("w", "s")
    first.record("w", "op 200", b"entry")
    first.finish("gone", "a test")
    second = SqliteStore(path, {})
    assert dict(second.scan("w", "")) == {
        "user/consumer/first": b"1",
        "user/consumer/u": b"x",
        "control/document": b"{}",
    }
    assert (second.snapshots("w"), second.finished("gone")) == ({"s": 2}, "a test")
    journal = second.journal("w")
    assert (journal.entries, journal.counts, journal.total) == ([b"entry"], {"op 200": 1}, 1)
    assert second.worlds() == ["w"]


def test_two_stores_on_one_file_are_one(tmp_path: Path) -> None:
    """What one process writes the other sees at once, and whoever waits there is told."""
    path = str(tmp_path / "w.db")
    one, other = SqliteStore(path, {}), SqliteStore(path, {})
    import threading

    told = threading.Event()
    end = other.watch("w", told.set)
    put(one, "user/consumer/u", b"x")
    one.record("w", "op 200", b"entry")
    assert other.get("w", "user/consumer/u") == b"x"
    assert told.wait(5)
    end()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """The file is made for its owner alone: it holds what clients sent."""
    SqliteStore(str(tmp_path / "w.db"), {})
    assert stat.S_IMODE((tmp_path / "w.db").stat().st_mode) == 0o600


def foreign(path: Path) -> None:
    """A database of another program."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()


def newer(path: Path) -> None:
    """A file that a later release has brought to its own schema."""
    SqliteStore(str(path), {})
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA user_version = {VERSION + 1}")
    file.close()


def damaged(path: Path) -> None:
    """A file in which a disk has lost some pages."""
    store = SqliteStore(str(path), {})
    for number in range(200):
        put(store, f"k/{number}", b"x" * 1000)
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    raw = bytearray(path.read_bytes())
    raw[8192:60_000] = os.urandom(60_000 - 8192)
    path.write_bytes(raw)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no database": (lambda path: path.write_bytes(b"hello, this is no database at all" * 40), "not a database"),
    "another program's": (foreign, "is the database of another program"),
    "a newer release's": (newer, f"was written by a newer release (schema {VERSION + 1}; this one knows {VERSION})"),
    "damaged": (damaged, ""),
    "a folder": (lambda path: path.mkdir(), ""),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_used_is_refused(kind: str, tmp_path: Path) -> None:
    """A file that is none of ours, newer, damaged or no file is refused with its name and why, and left as it was."""
    path = tmp_path / "w.db"
    spoil, why = WRONG[kind]
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError) as refusal:
        SqliteStore(str(path), {})
    text = str(refusal.value)
    assert text.startswith(f"store sqlite: {path}: "), text
    assert why in text
    assert "\n" not in text
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (
            ("--store", "sqlite:////nowhere/at/all/w.db"),
            "store sqlite: /nowhere/at/all/w.db: No such file or directory",
        ),
        (("--store", "sqlite://relative.db"), "the value is not memory, sqlite:///FILE"),
        (("--store", "postgres://u:secret@host/db"), "the value is not memory, sqlite:///FILE"),
        (("--workers", "2"), "2 processes cannot share the store memory; give one that they can: --store sqlite:///"),
    ],
)
def test_a_store_that_cannot_be_is_said_at_start(flags: tuple[str, ...], why: str) -> None:
    """The command ends with 2 and one clear line, which never shows a password."""
    status, said = refused(*flags)
    assert status == 2
    assert why in said
    assert len(said.splitlines()) == 1
    assert "secret" not in said


def test_a_file_that_goes_away_loses_nothing_in_silence(tmp_path: Path) -> None:
    """A file that is removed under an open store is not made anew nor written to: the store is away, and says so."""
    path = tmp_path / "w.db"
    store = SqliteStore(str(path), {})
    put(store, "k", b"1")
    for name in ("w.db", "w.db-wal", "w.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(Unavailable, match="The store cannot be used"):
        put(store, "k", b"2")
    with pytest.raises(Unavailable, match="The store cannot be used"):
        store.ping()
    store.release()
    assert not path.exists()


def test_a_unit_inside_another_is_a_part_of_it(tmp_path: Path) -> None:
    """What the outer unit takes back, the inner one has not committed."""
    store = SqliteStore(str(tmp_path / "w.db"), {})

    def work() -> None:
        put(store, "k", b"1")
        store.perform(lambda: None)
        raise LookupError

    with pytest.raises(LookupError):
        store.perform(work)
    assert store.get("w", "k") is None
