"""Which outcome a write gets, strongest first: Prefer, what the test armed, a persona, the world's setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.contract.operations import Entity
from mockserver.controls.document import Armed
from mockserver.world.outcomes import Outcomes
from mockserver.world.store import Found, Writes


@dataclass(frozen=True)
class Choice:
    """The choice for one write, made when the record as it will be stored is known."""

    outcomes: Outcomes
    operation: str
    preferred: str | None
    armed: Sequence[Armed]
    setting: str
    entity: Entity

    @property
    def keys(self) -> tuple[str, ...]:
        """The store's keys that the choice must see and may write: how often armed outcomes were used."""
        if self.preferred is not None:
            return ()
        return tuple(entry.hits_key for entry in self.armed if entry.times is not None)

    def decide(self, record: Mapping[str, Any], asked_id: str, found: Found) -> tuple[str, str, Writes]:
        """The outcome's name, which of the four ways chose it, and what to write with the change."""
        if self.preferred is not None:
            return self.preferred, "prefer", {}
        for entry in self.armed:
            if entry.operation not in (None, self.operation):
                continue
            if entry.user_id not in (None, asked_id, *map(record.get, self.entity.parties or ("userId",))):
                continue
            if entry.transaction_id not in (None, record.get("transactionId")):
                continue
            if entry.times is None:
                return entry.outcome, f"armed {entry.id}", {}
            used = int(found[entry.hits_key] or b"0")
            if used < entry.times:
                return entry.outcome, f"armed {entry.id}", {entry.hits_key: str(used + 1).encode()}
        persona = self.outcomes.persona(record, self.entity.kind)
        if persona is not None:
            return persona.then, f"persona {persona.name}", {}
        return self.setting, "setting", {}
