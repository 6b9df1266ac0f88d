"""The `Prefer` header (RFC 7240): what one request asks of the sandbox, as users of Prism know it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockserver.contract.report import enum_violation
from mockserver.errors import BadRequest

# A preference is NAME[=VALUE] and may have parameters, which nothing here uses.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = re.compile(rf'\s*({_NAME})\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*((?:;[^,]*)?)(?:,|$)')
_SPELLINGS = {"example": "outcome"}  # Prism's name for the same thing


@dataclass(frozen=True)
class Preferences:
    """What one request prefers; None where it says nothing. `applied` is the header Preference-Applied."""

    answers: str | None = None
    outcome: str | None = None
    validation: str | None = None
    applied: str = ""


NONE = Preferences()


def read_preferences(header: str, choices: Mapping[str, Sequence[str]]) -> Preferences:
    """The preferences of a header. Unknown ones are ignored; of a repeated one the first counts (RFC 7240).

    `choices` are the allowed values of each known one. Raises BadRequest for a known one with another value.
    """
    found: dict[str, str] = {}
    applied: dict[str, str] = {}
    violations = []
    for name, value in _split(header):
        meaning = _SPELLINGS.get(name, name)
        if meaning not in choices or meaning in found:
            continue
        found[meaning] = value
        applied[name] = value
        if value not in choices[meaning]:
            violations.append(enum_violation("header", f"/Prefer/{name}", value, choices[meaning]))
    if violations:
        raise BadRequest.of(violations)
    return Preferences(**found, applied=", ".join(f"{name}={value}" for name, value in applied.items()))


def _split(header: str) -> list[tuple[str, str]]:
    """Each preference's name, in lower case, and value, unquoted."""
    found = []
    position = 0
    while 0 <= position < len(header):
        match = _PREFERENCE.match(header, position)
        if match is None:  # not a preference: go on behind the next comma
            position = header.find(",", position) + 1 or len(header)
            continue
        position = match.end()
        name, value = match[1].lower(), match[2] or ""
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append((name, value))
    return found
