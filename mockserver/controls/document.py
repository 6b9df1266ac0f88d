"""What the test author has set in a world: one document, behind the store, versioned by its own bytes.

    {"settings": {...}, "outcomes": [armed ...], "faults": [...], "clock": {...}, "next": 3}

It is read at each request and parsed once per version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from mockserver.clock import Clock
from mockserver.contract.parse import json_bytes
from mockserver.controls.faults import Fault, read_fault
from mockserver.world.store import CONTROL, Found, Store, Writes

KEY = CONTROL + "document"
T = TypeVar("T")


@dataclass(frozen=True)
class Armed:
    """An outcome that is wanted: for a user, a transaction, an operation, the next `times` writes, or until reset."""

    id: str
    outcome: str
    user_id: str | None = None
    operation: str | None = None
    times: int | None = None
    transaction_id: str | None = None

    @property
    def hits_key(self) -> str:
        """The store's key of how often it was used."""
        return f"{CONTROL}hits/{self.id}"

    def body(self) -> dict[str, Any]:
        """The armed outcome as the admin API shows it."""
        shown = {"id": self.id, "outcome": self.outcome, "userId": self.user_id, "operation": self.operation}
        shown |= {"transactionId": self.transaction_id, "times": self.times}  # type: ignore[dict-item]  # a number
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True)
class Control:
    """The document, parsed."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    armed: tuple[Armed, ...] = ()
    faults: tuple[Fault, ...] = ()
    clock: Clock | None = None  # None: as the server's setting says
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


NOTHING = Control()


def read_control(store: Store, world: str) -> Control:
    """What is set in the world."""
    stored = store.get(world, KEY)
    return NOTHING if stored is None else _parsed(stored)


def change_control(store: Store, world: str, change: Callable[[dict[str, Any]], T]) -> T:
    """Change the world's document atomically: `change` is given a copy of its own to alter."""

    def run(found: Found) -> tuple[Writes, T]:
        stored = found[KEY]
        document = json.loads(stored) if stored is not None else {}
        result = change(document)
        return {KEY: json_bytes(document)}, result

    return store.update(world, (KEY,), run)


def next_id(document: dict[str, Any], kind: str) -> str:
    """A new id for an entry of the document: `fault-1`, counted per world."""
    number = int(document.get("next", 1))
    document["next"] = number + 1
    return f"{kind}-{number}"


@lru_cache(maxsize=1024)
def _parsed(stored: bytes) -> Control:
    raw = json.loads(stored)
    clock = raw.get("clock")
    return Control(
        settings=raw.get("settings", {}),
        armed=tuple(
            Armed(e["id"], e["outcome"], e.get("userId"), e.get("operation"), e.get("times"), e.get("transactionId"))
            for e in raw.get("outcomes", ())
        ),
        faults=tuple(read_fault(entry) for entry in raw.get("faults", ())),
        clock=None if clock is None else Clock(clock.get("at"), clock.get("offset", 0)),
        raw=raw,
    )
