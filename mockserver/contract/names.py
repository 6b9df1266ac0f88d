"""The nearest real name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_LONGEST = 80  # characters
_MOST = 1000  # names


def nearest(name: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Up to `count` of the known names that are near `name`, best first; case is no difference."""
    # A name of kilobytes is no misspelling, nor is one of thousands; comparing them would cost seconds.
    folded: dict[str, str] = {}
    for candidate in islice(known, _MOST):
        if len(candidate) <= _LONGEST:
            folded.setdefault(candidate.lower(), candidate)
    return [folded[match] for match in get_close_matches(name[:_LONGEST].lower(), folded, n=count, cutoff=0.6)]
