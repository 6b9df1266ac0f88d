"""How an event changes a user: objects are merged, lists and scalars replaced (our choice; nothing is documented)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` in it, at every depth; neither is altered, unchanged parts are shared."""
    result = dict(base)
    for name, value in changes.items():
        old = result.get(name)
        # JSON objects are dicts; to ask for Mapping costs ten times as much.
        result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
