"""The request line: what stands in it, aligned and coloured where a person reads it, plain elsewhere."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from mockserver.config import Settings
from mockserver.web.factory import application
from tests.harness import NOW, Api, contract, in_process

USERS = "/consumer/users"


class Stream(io.StringIO):
    """A place for request lines that is a terminal or none."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        """Whether it passes for a terminal."""
        return self.terminal


def written(*, terminal: bool = False, form: str = "text") -> tuple[Api, Stream]:
    """A sandbox in process, and the stream that its request lines go to."""
    stream = Stream(terminal=terminal)
    app = application(Settings(log_format=form), stream, contract())
    return Api(in_process(app)), stream


@pytest.fixture(autouse=True)
def _no_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "WT_SESSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(("terminal", "variables", "coloured"), [
    (True, {}, True),
    (False, {}, False),
    (True, {"NO_COLOR": "1"}, False),
    (True, {"NO_COLOR": ""}, True),
    (False, {"FORCE_COLOR": "1"}, True),
    (True, {"FORCE_COLOR": "0"}, False),
    (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    (True, {"TERM": "dumb"}, False),
])  # fmt: skip
def test_colour_follows_the_conventions(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], coloured: bool
) -> None:
    """Colour stands in terminals alone, unless NO_COLOR or FORCE_COLOR says otherwise."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    api, stream = written(terminal=terminal)
    api.get(f"{USERS}/userId")
    assert ("\x1b[" in stream.getvalue()) == coloured


@pytest.mark.parametrize(("target", "prefer", "colour"), [
    ("userId", None, "\x1b[32m200"),
    ("nobody", None, "\x1b[33m404"),
    ("userId", "code=503", "\x1b[31m503"),
])  # fmt: skip
def test_the_status_is_coloured_by_its_class(target: str, prefer: str | None, colour: str) -> None:
    """Success is green, a refusal yellow, a failure red."""
    api, stream = written(terminal=True)
    api.get(f"{USERS}/{target}", headers={"prefer": prefer})
    assert colour in stream.getvalue()


def test_a_terminal_shows_columns() -> None:
    """In a terminal method, path, status and time stand in columns, whatever their length."""
    api, stream = written(terminal=True)
    for target in (f"{USERS}/userId", "/events/business/user/eventId"):
        api.get(target)
    api.post(USERS, {"userId": "u", "createdTimestamp": NOW})
    lines = [line.replace("\x1b[0m", "") for line in stream.getvalue().splitlines()]
    assert len({line.index(" ms") for line in lines}) == 1
    assert len({line.index("\x1b[32m") for line in lines}) == 1


def test_the_line_says_how_the_answer_came_about() -> None:
    """The outcome, or the fault and what it did, stands in the line, and violations and warnings under it."""
    api, stream = written()
    api.post(
        USERS, {"userId": "u", "createdTimestamp": NOW, "odd": 1}, headers={"prefer": "outcome=blocked, delay=250"}
    )
    arm(api, {"match": {}, "effect": {"status": 503}, "times": 1})
    api.get(f"{USERS}/u")
    api.post(USERS, {"userId": ""})
    shown = [line.partition(" ms")[2] if " ms" in line else line for line in stream.getvalue().splitlines()]
    assert shown == [
        " outcome=blocked delay=250ms",
        "    warning: /odd: not a property of User",
        "",
        " fault=fault-1",
        "    Fault fault-1 of the test author answers 503",
        "",
        "    /userId: must hold at least 1 character",
        "    /createdTimestamp: is required",
    ]


def test_a_line_of_json_says_the_same() -> None:
    """With log-format=json outcome, fault, wire and delay are members of their own."""
    api, stream = written(form="json")
    api.get(f"{USERS}/userId", headers={"prefer": "outcome=clean, delay=5"})
    arm(api, {"match": {}, "effect": {"wire": "EMPTY_RESPONSE"}, "times": 1})
    api.get(f"{USERS}/userId")
    first, _, last = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["outcome"], first["delayMs"]) == ("clean", 5)
    assert (last["fault"], last["wire"]) == ("fault-1", "EMPTY_RESPONSE")


def test_no_request_commands_the_terminal() -> None:
    """Escape sequences that a client sends arrive in the terminal as text."""
    api, stream = written()
    api.get(f"{USERS}/%1b%5b31mred?x=\x1b[2J")
    api.post(USERS, {"userId": "u", "createdTimestamp": NOW, "\x1b]0;owned\x07": 1})
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_a_stream_that_fails_ends_the_lines_and_not_the_answers() -> None:
    """When the terminal goes away, requests are answered as before."""
    api, stream = written()
    stream.close()
    assert [api.get(f"{USERS}/userId").status for _ in range(2)] == [200, 200]


def arm(api: Api, fault: dict[str, Any]) -> None:
    """Add a fault to the world `default`."""
    answer = api.transport("POST", "/__admin/faults", json.dumps(fault).encode(), {"content-type": "application/json"})
    assert answer.status == 201, answer
