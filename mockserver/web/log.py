"""The request line: method, path, status, milliseconds, outcome or fault, and under it what was wrong. No bodies.

`text` is compact where it goes into a file or a pipe, and aligned where a person reads it in a terminal; `json` is
one object a line. Colour follows the conventions NO_COLOR and FORCE_COLOR, and otherwise stands in terminals alone.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, TextIO

_STATUS = {"2": "\x1b[32m", "3": "\x1b[36m", "4": "\x1b[33m", "5": "\x1b[31m"}
_DIM, _BOLD, _FAULT, _END = "\x1b[2m", "\x1b[1m", "\x1b[35m", "\x1b[0m"
_PATH_WIDTH = 44  # columns: most paths with an id fit; a longer one moves its own line alone
_MOST_NOTES = 20
_LONGEST_PATH = 500  # characters; a path of kilobytes would drown the rest
# What the application leaves in the environ about the answer, and the name that it has in a line of JSON.
_MARKS = (("mockserver.outcome", "outcome"), ("mockserver.fault", "fault"), ("mockserver.wire", "wire"))

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class RequestLog:
    """Writes one line a request: `text`, `json` (one object a line), or nothing with `off`."""

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        self._form = form
        self._stream = stream or sys.stdout
        if self._stream is None:  # standard output was closed before the start
            self._form = "off"
            return
        self._encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._colour = form == "text" and coloured(self._stream, os.environ)
        self._line = _json_line if form == "json" else _compact_line
        if form == "text" and (self._colour or _terminal(self._stream)):
            self._line = _coloured_line if self._colour else _aligned_line

    def around(self, app: Wsgi) -> Wsgi:
        """The application, logging; the application itself when the log is off."""
        if self._form == "off":
            return app

        def logged(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            started = perf_counter()
            status = "500"

            def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                nonlocal status
                status = line[:3]
                return start_response(line, headers, *rest)

            answer = app(environ, start)
            if "mockserver.wait" not in environ:  # a request that waits is called again, and logged then
                self._write(environ, status, (perf_counter() - started) * 1000)
            return answer

        return logged

    def _write(self, environ: dict[str, Any], status: str, milliseconds: float) -> None:
        if self._form == "off":
            return
        path = environ.get("mockserver.raw_path") or environ["PATH_INFO"]
        path = _plain(path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + "...")
        if environ.get("QUERY_STRING"):
            path += "?" + _plain(environ["QUERY_STRING"][:_LONGEST_PATH])
        text = self._line(environ, path, status, milliseconds)
        if not text.isascii():
            text = text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the terminal went away: serving matters more than the line
            self._form = "off"


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether text for this stream has colours: NO_COLOR and FORCE_COLOR decide, else whether it is a terminal.

    Source of the rule: no-color.org and force-color.org; an empty variable says nothing, and NO_COLOR wins.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    obeys = environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in environ)
    return obeys and _terminal(stream)


def _terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # not quite a file, or a closed one
        return False


def _compact_line(environ: dict[str, Any], path: str, status: str, milliseconds: float) -> str:
    text = f"{environ['REQUEST_METHOD']} {path} {status} {milliseconds:.1f} ms{_marks(environ)}"
    notes = environ.get("mockserver.notes")
    return text + "".join(f"\n    {line}" for line in _shown(notes)) if notes else text


def _aligned_line(environ: dict[str, Any], path: str, status: str, milliseconds: float) -> str:
    marks = _marks(environ)
    text = f"{environ['REQUEST_METHOD']:<6} {path:<{_PATH_WIDTH}} {status} {milliseconds:7.1f} ms{marks and ' '}{marks}"
    notes = environ.get("mockserver.notes")
    return text + "".join(f"\n       {line}" for line in _shown(notes)) if notes else text


def _coloured_line(environ: dict[str, Any], path: str, status: str, milliseconds: float) -> str:
    colour = _STATUS.get(status[0], "")
    marks = _marks(environ)
    if marks:
        shade = _FAULT if environ.get("mockserver.fault") else _DIM
        marks = f"  {shade}{marks[1:]}{_END}"
    text = (
        f"{_BOLD}{environ['REQUEST_METHOD']:<6}{_END} {path:<{_PATH_WIDTH}} {colour}{status}{_END}"
        f" {_DIM}{milliseconds:7.1f} ms{_END}{marks}"
    )
    notes = environ.get("mockserver.notes")
    return text + "".join(f"\n       {_DIM}{line}{_END}" for line in _shown(notes)) if notes else text


def _json_line(environ: dict[str, Any], path: str, status: str, milliseconds: float) -> str:
    entry = {"method": environ["REQUEST_METHOD"], "path": path, "status": int(status), "ms": round(milliseconds, 2)}
    for key, name in _MARKS:
        if environ.get(key):
            entry[name] = environ[key]
    if "mockserver.delay_ms" in environ:
        entry["delayMs"] = environ["mockserver.delay_ms"]
    if environ.get("mockserver.notes"):
        entry["notes"] = list(environ["mockserver.notes"][:_MOST_NOTES])
    return json.dumps(entry)


def _marks(environ: dict[str, Any]) -> str:
    """What the answer was made to be: ` outcome=clean`, ` fault=f1 wire=EMPTY_RESPONSE`; empty for most others."""
    text = ""
    for key, name in _MARKS:
        if environ.get(key):
            text += f" {name}={_plain(environ[key])}"
    if "mockserver.delay_ms" in environ:  # performed by the server, after this line
        text += f" delay={environ['mockserver.delay_ms']:.0f}ms"
    return text


def _shown(notes: tuple[str, ...]) -> list[str]:
    lines = [_plain(note) for note in notes[:_MOST_NOTES]]
    return [*lines, f"and {len(notes) - _MOST_NOTES} more"] if len(notes) > _MOST_NOTES else lines


def _plain(text: str) -> str:
    """The text without anything that a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def failure(error: BaseException) -> str:
    """A defect of ours for standard error: its kind and place, and no message, which may quote a body."""
    lines = "".join(traceback.format_tb(error.__traceback__))
    return f"mockserver: internal error: {type(error).__name__}\n{lines}"
