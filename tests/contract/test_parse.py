"""The short way to read a body says what the thorough way says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.contract.parse import json_bytes, parse_body, read_body
from mockserver.errors import ApiError

LIMITS = {"largest": 400, "deepest": 4}
# Texts in which quotes are written in each way that JSON has, beside what looks like structure.
STRINGS = st.lists(
    st.sampled_from(["a", "b", '\\"', "\\u0022", "\\\\", "\\\\u0022", "[", "{", ":", "\\ud800", "\\udc00", "ü"]),
    max_size=3,
).map(lambda parts: f'"{"".join(parts)}"')
SCALARS = st.sampled_from(["1", "1.0", "-0.0", "1e400", "NaN", "-Infinity", "9" * 30, "null", "true", "01", ""])
# Objects are lists of pairs here, so that a key may stand twice.
VALUES = st.recursive(
    STRINGS | SCALARS,
    lambda part: (
        st.lists(part, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.lists(st.tuples(STRINGS, part), max_size=3).map(
            lambda pairs: "{" + ",".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=8,
)


def outcome(read: Any, raw: bytes) -> tuple[str, Any]:
    """What reading gives: the value with its text, or the refusal's body."""
    try:
        return "read", repr(read(raw, size=len(raw), **LIMITS))
    except ApiError as error:
        return "refused", error.body()


def thoroughly(raw: bytes, **limits: Any) -> tuple[Any, bytes]:
    """The thorough way, in the form of the short one."""
    value = parse_body(raw, **limits)
    return value, json_bytes(value)


@given(VALUES.map(str.encode) | st.binary(max_size=20))
@example(b'{"a": 1, "a": 2}')
@example(b'{"a": {"\\"": 1, "\\u0022": 2}}')
@example(b'{"a": 1, "a": 2, "b": "\\u0022\\u0022"}')
@example(b"\xef\xbb\xbf{}")
@example(json.dumps({"a": "[" * 9}).encode())
@example(b'{"a":' + b"9" * 390 + b"}")
@example(b"[" * 5 + b"]" * 5)
@example(b'"' + b"x" * 400 + b'"')
def test_the_short_way_reads_as_the_thorough_one(raw: bytes) -> None:
    """A body is read to the same value, or refused in the same words, whichever way it takes."""
    assert outcome(read_body, raw) == outcome(thoroughly, raw)
