"""How users, transactions, events and batches are kept: three lines of bytes, so that an answer needs no parsing.

facts as JSON, and behind a tab how many events were applied, if any: apart, since it is another number each time,
and the rest is the same for most records and so encoded and decoded once
the body as it was sent or has become, as JSON
for an event: the first answer's bytes, which a repeated event gets again; for a batch a digest of what was sent too
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mockserver.contract.parse import json_bytes

OWN_EVENTS = "own-event/"  # what the store's keys of events without an eventId begin with


@dataclass(frozen=True)
class Decision:
    """What was decided at a write about the results that answers carry.

    `outcome` is None while nothing was decided (bundled users); levels are the user's own risk levels, where it
    has them, and stay as they are while locked.
    """

    outcome: str | None = None
    cra: str | None = None
    kyc: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the sandbox knows of a record beside its body."""

    decision: Decision = Decision()
    cra_locked: bool = False
    kyc_locked: bool = False
    events: int = 0  # applied since the user was created
    bundled: bool = False  # from the documentation, and not touched yet


@dataclass(frozen=True)
class Record:
    """A stored user, transaction, event or batch."""

    facts: Facts
    body: bytes
    answer: bytes = b""

    def encode(self) -> bytes:
        """The record as the store keeps it."""
        facts, decision = self.facts, self.facts.decision
        head = _encode_facts(
            decision.outcome, decision.cra, decision.kyc, facts.cra_locked, facts.kyc_locked, facts.bundled
        )
        if facts.events:
            head = b"%b\t%d" % (head, facts.events)
        return b"\n".join((head, self.body, self.answer))

    @staticmethod
    def decode(stored: bytes) -> Record:
        """The record of what `encode` made."""
        head, body, answer = stored.split(b"\n", 2)
        head, _, events = head.partition(b"\t")  # which JSON escapes in its texts
        facts = _decode_facts(head)
        if events:
            facts = Facts(facts.decision, facts.cra_locked, facts.kyc_locked, int(events), facts.bundled)
        return Record(facts, body, answer)

    def value(self) -> dict[str, Any]:
        """The body as a fresh dict of its own."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    def untouched(self) -> bool:
        """Whether this came with the sandbox and no client has written it."""
        return self.facts.bundled


def encode_record(facts: Facts, body: Mapping[str, Any], answer: bytes = b"") -> bytes:
    """A record as the store keeps it."""
    return Record(facts, json_bytes(body), answer).encode()


def record_key(kind: str, entity: str, record_id: str) -> str:
    """The store's key of any record: `transaction/transaction/T-1`, `batch/consumerUsers/B-1`, a user, an event."""
    return f"{kind}/{entity}/{record_id}"


def party_key(user_id: str) -> str:
    """The store's key of the note that a user has, or had, transactions: such a user cannot be renamed."""
    return f"party/{user_id}"


def user_key(entity: str, user_id: str) -> str:
    """The store's key of a user; identity is (type, id)."""
    return f"user/{entity}/{user_id}"


def event_key(entity: str, event_id: str) -> str:
    """The store's key of an event that the client named."""
    return f"event/{entity}/{event_id}"


def own_event_key(entity: str, number: int) -> str:
    """The store's key of an event without an eventId: a namespace that no client can reach."""
    return f"{OWN_EVENTS}{entity}/{number:09d}"


def counter_key(name: str) -> str:
    """The store's key of a counter of the world."""
    return f"counter/{name}"


@lru_cache(maxsize=4096)  # few facts differ: most records have the same ones
def _encode_facts(*facts: str | bool | None) -> bytes:
    return json_bytes(facts)


@lru_cache(maxsize=4096)
def _decode_facts(stored: bytes) -> Facts:
    outcome, cra, kyc, cra_locked, kyc_locked, bundled = json.loads(stored)
    return Facts(Decision(outcome, cra, kyc), cra_locked, kyc_locked, 0, bundled)


def touched(facts: Facts, **changes: Any) -> Facts:
    """The facts of a record that a client has written."""
    return replace(facts, bundled=False, **changes)
