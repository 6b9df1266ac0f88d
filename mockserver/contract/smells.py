"""What is accepted and looks wrong all the same: said aloud, in a header, the request line and the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.contract.models import SECONDS, Models, Schema
from mockserver.contract.names import nearest
from mockserver.contract.walk import walk
from mockserver.errors import LARGEST_REPORT


@dataclass(frozen=True)
class Notice:
    """One thing that was accepted and looks wrong. `message` holds no value of the request; `told` may."""

    pointer: str
    rule: str  # unknown-property | seconds | other-type | replaced | twice | not-valid
    message: str
    told: str = ""  # what the client is told in place of the message
    near: bool = False  # whether an unknown property looks like a misspelt one

    @property
    def line(self) -> str:
        """The warning in one line, with values: for the client, not for logs."""
        text = self.told or self.message
        return f"{self.pointer}: {text}" if self.pointer else text


def smells(models: Models, schemas: Sequence[Schema], body: Any, results: Sequence[str]) -> list[Notice]:
    """Unknown properties and timestamps in seconds of a body, in its own order, at most 100.

    `results` are the properties that the sandbox says itself.
    """
    found = []
    for warning in _smells(models, schemas, body, results):
        found.append(warning)
        if len(found) >= LARGEST_REPORT:
            break
    return found


def _smells(models: Models, schemas: Sequence[Schema], body: Any, results: Sequence[str]) -> Iterator[Notice]:
    for place in walk(models, schemas, body):
        if not place.declared:
            if place.name not in place.siblings:
                message = f"not a property of {place.title}" if place.title else "not a known property"
                if place.name in results:
                    yield Notice(place.pointer, "unknown-property", f"{message}; the sandbox says its results itself")
                    continue
                near = did_you_mean(place.name, place.siblings)
                told = f"{message}; {near}" if near else ""
                yield Notice(place.pointer, "unknown-property", message, told, near=bool(near))
        elif any(schema.get("x-unit") == "epoch-ms" for schema in place.declared) and in_seconds(place.value):
            yield Notice(place.pointer, "seconds", "looks like seconds", seconds_hint(place.value))


def in_seconds(value: Any) -> bool:
    """Whether a timestamp, to be in milliseconds, is surely in seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and SECONDS[0] <= value < SECONDS[1]


def seconds_hint(value: float) -> str:
    """What to say of such a timestamp."""
    return f"{value} looks like seconds; Flagright takes milliseconds: {value * 1000:.0f}"


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`did you mean userId?`, or nothing where no name is near."""
    near = nearest(name, known)
    return f"did you mean {near[0]}?" if near else ""
