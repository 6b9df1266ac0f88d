"""Bytes to JSON, strictly: what a client sent is read exactly or refused.

The standard library's parser is used because it keeps what others lose (integers of any size, the double that
was written) and can be told to refuse duplicate keys, NaN and numbers that are no doubles. Rules: DESIGN, our
choice; the vendor documents nothing about malformed bodies.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from math import isinf
from typing import Any, NoReturn

from mockserver.errors import BadRequest, TooLarge, Violation

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


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
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:  # at a thousand levels or so
        _refuse(f"the body is nested deeper than {deepest} levels, and too deeply to be read")
    except ValueError as error:  # ours, or an integer with more digits than Python converts
        _refuse(str(error) if isinstance(error, _Unreadable) else "the body holds an integer of more than 4300 digits")
    if _is_deeper(value, raw, deepest):
        _refuse(f"the body is nested deeper than {deepest} levels")
    if "\\u" in text and _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            _refuse("the body holds half of a surrogate pair (a \\ud800 to \\udfff escape without its partner)")
    return value


def read_body(raw: bytes, *, size: int, largest: int, deepest: int) -> tuple[Any, bytes]:
    """The JSON value of a request body, and the value as `json_bytes` gives it; else as `parse_body`.

    What nearly every body is, is found out without a look at each part: it is decoded and encoded by C alone. What
    was lost on the way shows in the result: a number that is no double and half a surrogate pair cannot be encoded,
    and of a duplicate key the quotes are missing. Whatever is not plainly right is read by the thorough way.
    """
    # An escaped quote is two characters either way; written as a number it would be one more in the result.
    if size <= largest and b"\\u0022" not in raw:
        try:
            value = _PLAIN.decode(raw.decode("utf-8"))
            text = _encode_strictly(value).encode("utf-8")
        except (ValueError, RecursionError):
            pass
        else:
            if text.count(b'"') == raw.count(b'"') and not _is_deeper(value, raw, deepest):
                return value, text
    value = parse_body(raw, size=size, largest=largest, deepest=deepest)
    return value, json_bytes(value)


def json_bytes(value: Any) -> bytes:
    """A JSON value as compact UTF-8 bytes, keys in their order."""
    return _encode(value).encode("utf-8")


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
_PLAIN = json.JSONDecoder()


def _encoder(*, allow_nan: bool) -> Callable[[Any], str]:
    """The standard library's encoder, its part in C made once: `JSONEncoder.encode` makes it for each value."""
    whole = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=allow_nan)
    try:
        make: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]  # not documented, hence the two ways
        quote = json.encoder.encode_basestring
        parts = make(None, whole.default, quote, None, ":", ",", False, False, allow_nan)
        parts({"a": [1.5]}, 0)
    except (AttributeError, TypeError):  # another Python has it otherwise
        return whole.encode
    return lambda value: "".join(parts(value, 0))


_encode = _encoder(allow_nan=True)
_encode_strictly = _encoder(allow_nan=False)


def _is_deeper(value: Any, raw: bytes, levels: int) -> bool:
    """Whether arrays and objects nest deeper than so many levels in the value of these bytes."""
    # Counting is cheap and nearly always enough: what opens no more than the limit cannot nest deeper.
    if raw.count(b"[") + raw.count(b"{") <= levels:
        return False
    containers = (dict, list)
    level: list[Any] = [[value]]
    for _ in range(levels + 1):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, containers)
        ]
        if not level:
            return False
    return True


def _refuse(problem: str) -> NoReturn:
    violation = Violation("body", "", "json", problem)
    raise BadRequest(problem[0].upper() + problem[1:], violations=[violation])
