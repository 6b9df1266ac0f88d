"""The setting `store`, opened: which of the stores keeps the worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.config.stores import sqlite_path
from mockserver.world.memory import MemoryStore
from mockserver.world.store import Store


def open_store(url: str, initial: Mapping[str, bytes], most_worlds: int, most_entries: int, most_bytes: int) -> Store:
    """The store of `memory`, `sqlite:///FILE` or `redis://HOST:PORT/N`; the bounds are those of MemoryStore.

    A Redis that does not answer is no error: it may come. Raises StoreError for what can never be used.
    """
    bounds: tuple[Any, ...] = (initial, most_worlds, most_entries, most_bytes)
    path = sqlite_path(url)
    if path is not None:
        from mockserver.world.sqlite import SqliteStore

        return SqliteStore(path, *bounds)
    if url != "memory":
        from mockserver.world.redis import RedisStore

        return RedisStore(url, *bounds)
    return MemoryStore(*bounds)
