"""The `Prefer` header (RFC 7240): what one request asks of the sandbox, as users of Prism know it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockserver.contract.report import enum_violation
from mockserver.errors import BadRequest, Violation

# A preference is NAME[=VALUE] and may have parameters, which nothing here uses.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = re.compile(rf'\s*({_NAME})(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*(?:;[^,]*)?(?:,|$)')
# Prism's names for the same things: a name and value of ours, or another name for one.
_SPELLINGS = {"example": "outcome"}
_PRISM = {("dynamic", "true"): ("answers", "generated"), ("dynamic", "false"): ("answers", "stored")}
_NUMBERS = {"code": range(400, 600), "delay": range(600_001), "seed": range(-(2**63), 2**63)}


@dataclass(frozen=True)
class Preferences:
    """What one request prefers; None where it says nothing. `applied` is the header Preference-Applied.

    `code` is an HTTP status to answer with before anything is changed, `delay` milliseconds.
    """

    answers: str | None = None
    outcome: str | None = None
    validation: str | None = None
    code: int | None = None
    delay: int | None = None
    seed: int | None = None
    applied: str = ""


NONE = Preferences()


def read_preferences(header: str, choices: Mapping[str, Sequence[str]]) -> Preferences:
    """The preferences of a header. Unknown ones are ignored; of a repeated one the first counts (RFC 7240).

    `choices` are the allowed values of each known one that takes a word. Raises BadRequest for a known one with
    another value.
    """
    words: dict[str, str] = {}
    numbers: dict[str, int] = {}
    applied: list[str] = []
    violations: list[Violation] = []
    for name, value in _split(header):
        meaning, meant = _meaning(name, value)
        if meaning in words or meaning in numbers or (meaning not in choices and meaning not in _NUMBERS):
            continue
        if meaning in _NUMBERS:
            problem = _read_number(name, meant, _NUMBERS[meaning], meaning, numbers)
        else:
            words[meaning] = meant
            prism = name == "dynamic"
            right = value.lower() in ("true", "false") if prism else meant in choices[meaning]
            allowed = ("true", "false") if prism else choices[meaning]
            problem = None if right else enum_violation("header", f"/Prefer/{name}", value, allowed)
        violations += [problem] if problem else []
        applied.append(f"{name}={value}")
    if violations:
        raise BadRequest.of(violations)
    return Preferences(**words, **numbers, applied=", ".join(applied))  # type: ignore[arg-type]  # names are fields


def _meaning(name: str, value: str) -> tuple[str, str]:
    if name == "dynamic":
        return _PRISM.get((name, value.lower()), ("answers", value))
    return _SPELLINGS.get(name, name), value


def _read_number(name: str, text: str, allowed: range, meaning: str, into: dict[str, int]) -> Violation | None:
    """Read a whole number into `into`, or say what is wrong with it."""
    into[meaning] = 0
    if re.fullmatch(r"-?\d{1,19}", text, re.ASCII) and int(text) in allowed:
        into[meaning] = int(text)
        return None
    message = f"must be a whole number from {allowed.start} to {allowed.stop - 1}"
    return Violation("header", f"/Prefer/{name}", "type", message, text[:80], True)


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
