"""What the client under test got wrong, out of the server's verdict on its world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.client.journal import findings

FAIL_ON: Mapping[str, tuple[str, ...]] = {
    "unmatched": ("unmatched",),
    "violations": ("violations", "unmatched"),
    "none": (),
}


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: its `kind` (violations, warnings or unmatched), its text, and how often it came."""

    kind: str
    text: str
    count: int

    def __str__(self) -> str:
        return self.text if self.count == 1 else f"{self.text} ({self.count} times)"


def mistakes(verdict: Mapping[str, Any], expected: Collection[str] = ()) -> list[Mistake]:
    """The mistakes of a verdict, one for each distinct text; requests whose ids are `expected` are left out."""
    counted = Counter((kind, text) for kind, text in _texts(verdict, expected))
    found = [Mistake(kind, text, count) for (kind, text), count in counted.items()]
    listed = {entry["id"] for kind in ("violations", "warnings", "unmatched") for entry in verdict[kind]}
    dropped = verdict["dropped"] - len(set(expected) - listed)
    if dropped > 0:
        # What they were is not known; the worst that was counted is what they are taken for.
        kind = next((k for k in ("unmatched", "violations") if _lost(verdict, k, expected)), "warnings")
        found.append(Mistake(kind, f"{dropped} more, which the journal no longer holds (see --journal-size)", 1))
    return found


def _texts(verdict: Mapping[str, Any], expected: Collection[str]) -> Iterator[tuple[str, str]]:
    for entry in verdict["unmatched"]:
        if entry["id"] not in expected:
            yield "unmatched", f"{entry['method']} {entry['url']} ({entry['status']}): {entry['message']}"
    for entry in verdict["violations"]:
        if entry["id"] not in expected:
            refused = findings(entry["violations"]) or ("the request",)
            for finding in refused:
                yield "violations", f"{entry['operation']} was refused ({entry['status']}): {finding}"
    for entry in verdict["warnings"]:
        if entry["id"] not in expected:
            for finding in findings(entry["warnings"]):
                yield "warnings", f"{entry['operation']}: {finding}"


def _lost(verdict: Mapping[str, Any], kind: str, expected: Collection[str]) -> bool:
    """Whether requests of the kind were counted that are no longer listed."""
    unlisted: int = verdict["counts"][kind] - len(verdict[kind])
    listed = {entry["id"] for entry in verdict[kind]}
    return unlisted > (len(set(expected) - listed) if kind == "violations" else 0)
