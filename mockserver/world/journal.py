"""The journal's entries: what was asked, what was answered and why, as bytes.

An entry is a line of JSON (the facts), a line of lengths, and the parts: the request's body, the answer's body,
the stored object before and after a write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mockserver.contract.parse import json_bytes

BODIES = ("full", "shape", "none")
_SECRET = "***"  # noqa: S105 - what stands in the place of a secret
_SECRETS = frozenset({"x-api-key", "authorization", "proxy-authorization", "cookie", "x-mockserver-token"})


@dataclass(frozen=True)
class Entry:
    """One request of a world and its answer."""

    facts: Mapping[str, Any]
    body: bytes
    answer: bytes
    before: bytes
    after: bytes

    @staticmethod
    def decode(stored: bytes) -> Entry:
        """The entry of what `encode` made."""
        facts, lengths, rest = stored.split(b"\n", 2)
        parts = []
        for length in map(int, lengths.split()):
            parts.append(rest[:length])
            rest = rest[length:]
        return Entry(json.loads(facts), *parts)


def encode_entry(facts: bytes, body: bytes, answer: bytes, before: bytes, after: bytes) -> bytes:
    """An entry as the store keeps it; `facts` are a JSON object."""
    lengths = b"%d %d %d %d" % (len(body), len(answer), len(before), len(after))
    return b"".join((facts, b"\n", lengths, b"\n", body, answer, before, after))


@lru_cache(maxsize=1024)  # a client sends nearly the same headers each time
def headers_json(headers: tuple[tuple[str, str], ...]) -> bytes:
    """The headers, redacted, as a JSON object."""
    return json_bytes(redacted(dict(headers)))


@lru_cache(maxsize=1024)
def circumstances(*pairs: tuple[str, str | None]) -> bytes:
    """Facts that many entries share, as the inside of a JSON object."""
    return json_bytes(dict(pairs))[1:-1]


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers without anything that lets one in."""
    return {name: _SECRET if name in _SECRETS else value for name, value in headers.items()}


def kept(raw: bytes, how: str) -> bytes:
    """What the journal keeps of a body: all of it, its shape (names and types), or nothing."""
    if how == "full" or not raw:
        return raw
    if how == "none":
        return b""
    try:
        return json_bytes(_shape(json.loads(raw)))
    except (ValueError, RecursionError):
        return b""


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shape(part) for part in value]
    return {str: "string", bool: "boolean", int: "number", float: "number"}.get(type(value), "null")
