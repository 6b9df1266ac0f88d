"""The nearest real name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Up to `count` of the known names that are near `name`, best first; case is no difference."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.lower(), candidate)
    # A name of kilobytes is no misspelling, and comparing it would cost seconds.
    return [folded[match] for match in get_close_matches(name[:80].lower(), folded, n=count, cutoff=0.6)]
