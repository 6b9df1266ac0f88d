"""The entries of a world's file, strictly read one by one, each with the place where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.contract.parse import parse_body
from mockserver.errors import ApiError

_LONGEST = 64 * 1024 * 1024  # bytes of one entry
_DEEPEST = 100  # levels of one entry
_BOM = b"\xef\xbb\xbf"  # some editors begin every UTF-8 file with one
_BLANK = re.compile(r"[ \t\r\n]*")
_BREAK = "\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Unreadable:
    """An entry that is no JSON, or none that can be kept; `problem` is the rest of a sentence after its place."""

    problem: str


def entries(content: bytes) -> Iterator[tuple[str, Any]]:
    """Each entry as `(place, value)`, of JSON lines, of a JSON array, or the one object that the content is.

    A place is `line 3` or `entry 2 (line 7)`. A value is JSON, or Unreadable where it could not be read. Blank lines
    are skipped, and so is a byte order mark in front of everything.
    """
    content = content.removeprefix(_BOM)
    first = content.lstrip()[:1]
    if first == b"[":
        yield from _of_an_array(content)
    elif first == b"{" and b"\n" in content.strip() and _is_one_value(content):
        yield "entry 1", _value(content)
    else:
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.strip():
                yield f"line {number}", _of_a_line(line)


def _of_an_array(content: bytes) -> Iterator[tuple[str, Any]]:
    """The entries of an array, cut out of its text so that each is read strictly and has its line."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        yield (
            f"line {content.count(_BREAK.encode(), 0, error.start) + 1}",
            Unreadable(f"the array is not UTF-8 ({error.reason})"),
        )
        return
    at = _after_blanks(text, text.index("[") + 1)
    line, counted, number = 1, 0, 0
    while number or text[at : at + 1] != "]":  # not an empty array
        line, counted, number = line + text.count(_BREAK, counted, at), at, number + 1
        place = f"entry {number} (line {line})"
        try:
            _, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            yield f"line {error.lineno}", Unreadable(f"the array is not JSON: {error.msg} at column {error.colno}")
            return
        except (ValueError, RecursionError):  # more digits or levels than Python reads
            yield place, Unreadable("the entry is nested too deeply or holds an integer of more than 4300 digits")
            return
        yield place, _value(text[at:end].encode("utf-8"))
        at = _after_blanks(text, end)
        if text[at : at + 1] != ",":
            break
        at = _after_blanks(text, at + 1)
    wrong = "a comma or the closing ] is missing"
    if text[at : at + 1] == "]":
        at, wrong = _after_blanks(text, at + 1), "something stands behind the array"
        if at == len(text):
            return
    yield f"line {text.count(_BREAK, 0, at) + 1}", Unreadable(wrong)


def _of_a_line(line: bytes) -> Any:
    """The value of one line, or what is wrong with it, said as of a line."""
    value = _value(line)
    if not isinstance(value, Unreadable) or "not JSON" not in value.problem:
        return value
    if line.rstrip().endswith(b",") and not isinstance(_value(line.rstrip()[:-1]), Unreadable):
        return Unreadable("the entry ends in a comma, and JSON lines have none between them")
    problem = value.problem.replace(" at line 1, column ", " at column ")
    return Unreadable(f"{problem}; a line holds one whole object, or the file is one array of them")


def _value(raw: bytes) -> Any:
    try:
        return parse_body(raw, size=len(raw), largest=_LONGEST, deepest=_DEEPEST)
    except ApiError as error:
        return Unreadable(error.message.replace("The body", "the entry", 1))


def _is_one_value(content: bytes) -> bool:
    """Whether the content is one JSON value over several lines; of JSON lines only the first is read to know."""
    try:
        text = content.decode("utf-8")
        _, end = _DECODER.raw_decode(text, _after_blanks(text, 0))
    except (ValueError, RecursionError):
        return False
    return _after_blanks(text, end) == len(text)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
