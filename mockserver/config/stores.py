"""The forms of the setting `store`."""

from __future__ import annotations

from urllib.parse import urlsplit

MEMORY = "memory"
_SQLITE = "sqlite:///"
_REDIS = ("redis", "rediss")


def store(text: str) -> str:
    """Take `memory`, `sqlite:///FILE` or `redis://HOST:PORT/N`; an error shows no part of a URL but its scheme."""
    if text == MEMORY or (text.startswith(_SQLITE) and text != _SQLITE):
        return text
    try:
        parts = urlsplit(text)
        port = parts.port  # raises for what is no port
    except ValueError:
        raise ValueError("is a URL that cannot be read, perhaps for its port") from None
    if parts.scheme not in _REDIS or not parts.hostname or port == 0:
        raise ValueError("is not memory, sqlite:///FILE, redis://HOST:PORT/N or rediss://HOST:PORT/N")
    return text


def sqlite_path(text: str) -> str | None:
    """The path of `sqlite:///relative` or `sqlite:////absolute`; None for another store."""
    return text.removeprefix(_SQLITE) if text.startswith(_SQLITE) else None
