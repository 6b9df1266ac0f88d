"""Bytes to JSON, strictly: what a client sent is read exactly or refused.

The standard library's parser is used because it keeps what others lose (integers of any size, the double that
was written) and can be told to refuse duplicate keys, NaN and numbers that are no doubles. Rules: DESIGN, our
choice; the vendor documents nothing about malformed bodies.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from math import isinf
from typing import Any, NoReturn

from mockserver.errors import BadRequest, TooLarge, Violation

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_OPENING = (0x5B, 0x7B)
_CLOSING = (0x5D, 0x7D)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _OPENING + _CLOSING)


def parse_body(raw: bytes, *, size: int, largest: int, deepest: int) -> Any:
    """The JSON value of a request body.

    `raw` is what was kept of the body, `size` how many bytes were sent; `largest` (bytes) and `deepest`
    (levels of arrays and objects) are the limits. Raises TooLarge or BadRequest; never another error.
    """
    if size > largest:
        raise TooLarge(f"The body of {size} bytes is larger than the limit of {largest}", hint="See --max-body-bytes.")
    if not raw.strip():
        _refuse("the body is empty; it must be a JSON object")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(f"the body is not UTF-8 (byte {error.start}: {error.reason})")
    if text.startswith("\ufeff"):
        _refuse("the body starts with a byte order mark; send UTF-8 without one")
    # Counting is cheap and nearly always enough: what opens no more than the limit cannot nest deeper.
    if raw.count(b"[") + raw.count(b"{") > deepest and _depth(raw, deepest) > deepest:
        _refuse(f"the body is nested deeper than {deepest} levels")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse("the body is nested too deeply")
    except ValueError as error:  # ours, or an integer with more digits than Python converts
        _refuse(str(error) if isinstance(error, _Unreadable) else "the body holds an integer of more than 4300 digits")
    if "\\u" in text and _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            _refuse("the body holds half of a surrogate pair (a \\ud800 to \\udfff escape without its partner)")
    return value


def json_bytes(value: Any) -> bytes:
    """A JSON value as compact UTF-8 bytes, keys in their order."""
    return _ENCODER.encode(value).encode("utf-8")


def json_equal(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not, the order of keys is nothing."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)


class _Unreadable(ValueError):
    """A value that is JSON by its grammar or Python's, and cannot be kept."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise _Unreadable(f"the body holds the key {json.dumps(twice[:80])} twice in one object")
    return value


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _Unreadable("the body holds a number too large for a double")
    return value


def _constant(name: str) -> NoReturn:
    raise _Unreadable(f"the body is not JSON: {name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def _depth(raw: bytes, enough: int) -> int:
    """How deep arrays and objects nest, strings left out; stops counting past `enough`."""
    deepest = depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _NO_BRACKETS):
        if byte in _OPENING:
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > enough:
                    break
        else:
            depth -= 1
    return deepest


def _refuse(problem: str) -> NoReturn:
    violation = Violation("body", "", "json", problem)
    raise BadRequest(problem[0].upper() + problem[1:], violations=[violation])
