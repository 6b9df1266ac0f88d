"""Whose world is it: from the API key to the name of a world."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from mockserver.errors import Unauthorized

DEFAULT = "default"
PREFIX = "world-"


class Tenancy:
    """Which keys are let in, and which world each one lives in.

    `keys` are the allowed ones, none for any; `mode` is `auto` (a key `world-NAME` has the world NAME, every other
    one the world `default`), `shared` (all have `default`) or `per-key` (each has its own).
    """

    def __init__(self, mode: str, keys: Collection[str] = ()) -> None:
        self._mode = mode
        self._keys = frozenset(keys)

    def key_of(self, world: str) -> str | None:
        """A key that lives in the world; None where every key lives in the default one, or none of those let in."""
        if self._mode == "shared" and world != DEFAULT:
            return None
        if self._keys and PREFIX + world not in self._keys:
            return None
        return PREFIX + world

    def world_of(self, key: str | None) -> str:
        """The name of the key's world; it never shows the key. Raises Unauthorized for a key that is not let in."""
        key = (key or "").strip()
        if not key:
            raise Unauthorized(
                "Unauthorized: the header x-api-key is missing or blank",
                hint="See the setting api-keys." if self._keys else "Any text will do.",
            )
        if self._keys and key not in self._keys:
            raise Unauthorized("Unauthorized: this x-api-key is not allowed here", hint="See the setting api-keys.")
        if self._mode == "shared":
            return DEFAULT
        if key.startswith(PREFIX) and len(key) > len(PREFIX):
            return key[len(PREFIX) :]
        if self._mode == "per-key":
            return "key-" + sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return DEFAULT
