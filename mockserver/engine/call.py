"""What comes into the engine and what goes out: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes
from mockserver.contract.smells import Notice
from mockserver.errors import ApiError

_MOST_WARNINGS = 8  # header lines; the rest is counted in the last one
_LONGEST_WARNING = 300  # characters of a header line


@dataclass(frozen=True)
class Call:
    """One request, as HTTP brought it; `operation` is None where no route has it."""

    operation: Operation | None
    key: str | None  # the header x-api-key
    id: str = ""  # of the path
    query: str = ""  # raw
    body: bytes = b""
    body_bytes: int = 0  # how many were sent; more than `body` holds where the limit was passed
    method: str = "GET"
    path: str = ""  # as it stood in the request line
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    @property
    def url(self) -> str:
        """Path and query, as they stood in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Reply:
    """The answer to a request. `delay_ms` and `wire` are performed by the server: no code sleeps.

    For the request line alone: `notes` are violations and warnings, without values of the request; `outcome` is the
    one that the answer carries, and `fault` the ids of the faults that fired.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    notes: tuple[str, ...] = ()
    delay_ms: float = 0
    wire: str | None = None
    outcome: str = ""
    fault: str = ""


def error_reply(error: ApiError) -> Reply:
    """The answer of an error, in the vendor's shape."""
    notes = [f"{violation.where}: {violation.message}" for violation in error.violations] or [error.message]
    return Reply(error.status, error.headers, json_bytes(error.body()), tuple(notes))


def success_reply(status: int, content: bytes, warnings: Sequence[Notice], applied: str, outcome: str) -> Reply:
    """The answer of a success; `applied` are the preferences that were honoured."""
    headers: list[tuple[str, str]] = []
    if applied:
        headers.append(("Preference-Applied", header_text(applied)))
    shown = warnings[:_MOST_WARNINGS]
    headers += [("X-Mockserver-Warning", header_text(warning.line)) for warning in shown]
    if len(warnings) > len(shown):
        headers.append(("X-Mockserver-Warning", f"and {len(warnings) - len(shown)} more"))
    notes = tuple(f"warning: {entry.pointer or 'body'}: {entry.message}" for entry in warnings)
    return Reply(status, headers, content, notes, outcome=outcome)


def header_text(text: str) -> str:
    """A text as a header value: printable ASCII, anything else as an escape, cut where it is long."""
    plain = text.encode("ascii", "backslashreplace").decode()
    plain = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in plain)
    return plain if len(plain) <= _LONGEST_WARNING else plain[:_LONGEST_WARNING] + "..."
