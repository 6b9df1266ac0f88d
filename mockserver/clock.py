"""Time, and chance: nothing in the sandbox happens by accident.

A draw is a hash of (seed, purpose, n), so that it is the same in every process and on every machine. Time comes
from a clock that can be stood still: real time never shows in a vendor answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import blake2b


def draw(seed: int, purpose: str, number: int | str = 0) -> int:
    """A whole number of 64 bits that depends on seed, purpose and number alone."""
    text = f"{seed}\x00{purpose}\x00{number}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def chance(seed: int, purpose: str, number: int | str = 0) -> float:
    """A number from 0.0 (included) to 1.0 (excluded), drawn from seed, purpose and number."""
    return (draw(seed, purpose, number) >> 11) / (1 << 53)


@dataclass(frozen=True)
class Clock:
    """A world's time in epoch milliseconds: real, or `at` an instant where it stands still but for ticks."""

    at: int | None = None  # None: real time
    offset: int = 0  # milliseconds by which real time was advanced

    def now(self, ticks: int = 0) -> int:
        """Epoch milliseconds; a clock that stands still is one millisecond further with each tick."""
        if self.at is None:
            return time.time_ns() // 1_000_000 + self.offset
        return self.at + ticks
