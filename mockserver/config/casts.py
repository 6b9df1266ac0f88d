"""From text to the value of a setting. Each raises ValueError with the end of a sentence whose subject is the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address


def whole_number(low: int, high: int = 2**31 - 1) -> Callable[[str], int]:
    """Give the cast of a whole number from `low` to `high`: decimal digits only, no sign, no `1_000`."""

    def cast(text: str) -> int:
        # The length is bounded first: int() has a digit limit of its own, with a message of its own.
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(text)

    return cast


def integer(text: str) -> int:
    """Take a whole number of 64 bits, with or without a minus."""
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError("is not a whole number of 64 bits")
    return int(text)


def instant(text: str) -> int:
    """Turn an instant, ISO 8601 with its zone or epoch milliseconds, into epoch milliseconds."""
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is no instant, as in 2026-01-01T00:00:00Z")
    return round(moment.timestamp() * 1000)


def clock(text: str) -> int | None:
    """Take `real` (None) or an instant, in epoch milliseconds."""
    return None if text == "real" else instant(text)


def host(text: str) -> str:
    """Take an IP address or a host name; a URL, or a host with its port, is refused."""
    try:
        ip_address(text)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
            raise ValueError("is not a host name or an IP address, without scheme and port") from None
    return text


def keys(text: str) -> tuple[str, ...]:
    """Split keys at commas; the word `any` is the empty tuple, which stands for every key."""
    if text == "any":
        return ()
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if not keys:
        raise ValueError("holds no key; give keys separated by commas, or any")
    return keys


def not_blank(text: str) -> str:
    """Take any text that is not blank."""
    if not text.strip():
        raise ValueError("is blank")
    return text
