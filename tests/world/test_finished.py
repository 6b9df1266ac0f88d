"""Worlds that are made with a content of their own, and worlds that are over."""

from __future__ import annotations

import json
from threading import Thread

import pytest

from mockserver.world.finished import Finished
from mockserver.world.memory import MemoryStore
from tests.harness import NOW, made

KEY = "user/consumer/u"


@pytest.fixture
def store() -> MemoryStore:
    """A store whose worlds begin with one key."""
    return MemoryStore({KEY: b"initial"}, most_worlds=2)


def test_a_made_world_begins_and_is_reset_to_its_own_content(store: MemoryStore) -> None:
    """What a world was made with, controls included, is what a reset brings back; making it anew leaves nothing."""
    store.update("w", (), lambda _: ({"other": b"1"}, None))
    store.snapshot("w", "s")
    store.record("w", "tag", b"entry")
    store.make("w", {"control/document": b"{}", "event/x": b"e"})
    expected = {"control/document": b"{}", "event/x": b"e"}
    for _ in range(2):
        assert dict(store.scan("w", "")) == expected
        assert (store.journal("w").total, store.snapshots("w"), store.recorded("w")) == (0, {}, 0)
        store.update("w", (), lambda _: ({"control/document": None, "more": b"1"}, None))
        store.reset("w")
    assert store.get("elsewhere", KEY) == b"initial"


def test_nothing_is_kept_in_a_finished_world(store: MemoryStore) -> None:
    """A finished world is gone; what comes late is counted and kept nowhere, until it is made anew."""
    store.record("w", "tag", b"entry")
    assert store.finish("w", "the test t")
    assert not store.finish("never", "the test n")
    for number in range(3):
        store.update("w", (), lambda _: ({KEY: b"late"}, None))
        store.record("w", f"tag {number}", b"entry")
    assert (store.finished("w"), store.finished("other"), list(store.worlds())) == ("the test t", None, [])
    late = store.late()
    assert {name: (entry.note, entry.calls) for name, entry in late.items()} == {"w": ("the test t", 3)}
    assert store.journal("w").total == 0
    store.make("w", {})
    assert (store.finished("w"), list(store.worlds()), store.late()) == (None, ["w"], {})


def test_notes_are_bounded() -> None:
    """The oldest note goes first, and a long one is cut."""
    finished = Finished(most=2)
    for name in ("a", "b", "c"):
        finished.add(name, "x" * 1000)
    assert (finished.note("a"), len(finished.note("c") or "")) == (None, 500)


def test_late_calls_of_many_threads_are_all_counted(store: MemoryStore) -> None:
    """Counts of late calls are exact under concurrency."""
    store.finish("w", "t")

    def come_late() -> None:
        for _ in range(100):
            store.record("w", "x", None)

    threads = [Thread(target=come_late) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.late()["w"].calls == 800


@pytest.mark.parametrize(
    ("beginning", "told"),
    [
        ({"world": "/etc/passwd"}, "/world: must be default, documented, empty, or the content itself"),
        ({"world": '{"kind": "user"}'}, "/world: "),
        ({"settings": {"outcome": "cleen"}}, "/settings/outcome: there is no outcome 'cleen'; did you mean clean?"),
        ({"settings": {"answer": "stored"}}, "/settings"),
        ({"clock": "tomorrow"}, "/clock: 'tomorrow' is no instant"),
    ],
)
def test_a_beginning_that_is_not_understood_makes_nothing(beginning: dict, told: str) -> None:
    """POST worlds with a wrong beginning is 422 with the place, and no world comes of it; a file is never read."""
    from tests.admin.client import Admin

    admin = Admin(made().transport)
    answer = admin.call("POST", "/worlds", {"name": "w", **beginning})
    assert answer.status == 422
    assert told in answer.body["detail"]
    assert admin.get("/worlds") == {"worlds": []}


def test_a_world_may_begin_with_lines_a_clock_and_settings() -> None:
    """What POST worlds says of content, clock and settings holds, and still holds after a reset."""
    from tests.admin.client import Admin

    admin = Admin(made(outcome="clean").transport, "w")
    line = json.dumps({"kind": "user", "type": "consumer", "body": {"userId": "u", "createdTimestamp": NOW}})
    beginning = {"world": line, "clock": "2026-01-01T00:00:00Z", "settings": {"outcome": "blocked"}}
    assert admin.post("/worlds", {"name": "w", **beginning}) == {"name": "w", "key": "world-w"}
    for _ in range(2):
        assert admin.get("/state/users/consumer")["ids"] == ["u"]
        assert admin.get("/clock") == {"now": 1767225600000, "frozen": True}
        assert admin.get("/settings")["own"] == {"outcome": "blocked"}
        admin.post("/reset")
    admin.of(None).post("/worlds", {"name": "w"})  # says nothing of a beginning
    assert admin.get("/state/users/consumer")["ids"] == ["u"]
