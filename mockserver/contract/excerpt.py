"""A long body cut down to a part that shows what is wrong with it.

A report names 100 violations at most, and looking for them in lists of hundreds of thousands of entries would take
minutes. So a refused body with long lists is cut to the first window of those lists that is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

WINDOW = 200  # entries of a list
MOST_NAMES = 1000  # of an object; of more, those that the contract knows and a window of the others


@dataclass
class Excerpt:
    """The part of a body, and by how much the entries of its lists are shifted."""

    body: Any
    shifts: dict[int, int] = field(default_factory=dict)  # by the list's identity
    whole: bool = True

    def pointer(self, pointer: str) -> str:
        """A pointer into the excerpt as a pointer into the body."""
        if not self.shifts:
            return pointer
        value, steps = self.body, []
        for part in pointer.split("/")[1:]:
            if isinstance(value, list):
                index = int(part)
                steps.append(str(index + self.shifts.get(id(value), 0)))
                value = value[index]
            else:
                steps.append(part)
                value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
        return "".join(f"/{step}" for step in steps)


def excerpt(body: Any, is_valid: Callable[[Any], bool], known: Collection[str]) -> Excerpt:
    """The first part of a refused body that is refused as well: the body itself where it has no long list.

    `known` are the names of every property of the contract: what is not among them cannot be wrong in itself.
    """
    longest = _longest(body)
    if longest > WINDOW:
        body = _slim(body, known)
    for start in range(0, longest, WINDOW) if longest > WINDOW else ():
        part = Excerpt(None, whole=False)
        part.body = _window(body, start, part.shifts)
        if not is_valid(part.body):
            return part
    return Excerpt(body)


def _slim(value: Any, known: Collection[str]) -> Any:
    """The value with the names of huge objects left out that nothing can be wrong with."""
    if isinstance(value, dict):
        if len(value) > MOST_NAMES:
            others = [name for name in value if name not in known][:WINDOW]
            value = {name: part for name, part in value.items() if name in known} | {
                name: value[name] for name in others
            }
        return {name: _slim(part, known) for name, part in value.items()}
    if isinstance(value, list):
        return [_slim(part, known) for part in value]
    return value


def _longest(value: Any) -> int:
    """The length of the longest list in the value."""
    if isinstance(value, dict):
        return max(map(_longest, value.values()), default=0)
    if isinstance(value, list):
        return max(len(value), max(map(_longest, value), default=0))
    return 0


def _window(value: Any, start: int, shifts: dict[int, int]) -> Any:
    """The value with `WINDOW` entries of each long list, from `start` where it has that many."""
    if isinstance(value, dict):
        return {name: _window(part, start, shifts) for name, part in value.items()}
    if isinstance(value, list):
        first = start if len(value) > start else 0
        part = [_window(entry, start, shifts) for entry in value[first : first + WINDOW]]
        if first:
            shifts[id(part)] = first
        return part
    return value
