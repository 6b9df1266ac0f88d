"""The request line in the terminal: method, path, status, milliseconds, and under it what was wrong. No bodies."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, TextIO

_COLOURS = {"2": "32", "4": "33", "5": "31"}
_MOST_NOTES = 20
_LONGEST_PATH = 500  # characters; a path of kilobytes would drown the rest

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
        self._colour = form == "text" and self._stream.isatty()

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
        notes = environ.get("mockserver.notes", ())
        method = environ["REQUEST_METHOD"]
        if self._form == "json":
            entry = {"method": method, "path": path, "status": int(status), "ms": round(milliseconds, 2)}
            text = json.dumps({**entry, "notes": list(notes[:_MOST_NOTES])} if notes else entry)
        else:
            shown = f"\x1b[{_COLOURS.get(status[0], '0')}m{status}\x1b[0m" if self._colour else status
            text = f"{method} {path} {shown} {milliseconds:.1f} ms"
            text += "".join(f"\n    {_plain(note)}" for note in notes[:_MOST_NOTES])
            if len(notes) > _MOST_NOTES:
                text += f"\n    and {len(notes) - _MOST_NOTES} more"
        try:
            self._stream.write(text.encode(self._encoding, "backslashreplace").decode(self._encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the terminal went away: serving matters more than the line
            self._form = "off"


def _plain(text: str) -> str:
    """The text without anything that a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def failure(error: BaseException) -> str:
    """A defect of ours for standard error: its kind and place, and no message, which may quote a body."""
    lines = "".join(traceback.format_tb(error.__traceback__))
    return f"mockserver: internal error: {type(error).__name__}\n{lines}"
