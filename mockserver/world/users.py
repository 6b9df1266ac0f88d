"""Creating users, and reading them and transactions: plain functions over what the store holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mockserver.contract.operations import Entity, Operation
from mockserver.contract.parse import json_bytes
from mockserver.contract.smells import Notice
from mockserver.errors import BadRequest, NotFound, Violation
from mockserver.world.merge import merged
from mockserver.world.outcomes import Outcomes, levels
from mockserver.world.records import Decision, Facts, Record, record_key, user_key
from mockserver.world.store import Found, Store, Writes


class Chooser(Protocol):
    """Says which outcome a write gets, when the record as it will be stored is known."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The store's keys that it must see."""

    def decide(self, record: Mapping[str, Any], asked_id: str, found: Found) -> tuple[str, str, Writes]:
        """The outcome's name, what chose it, and what to write with the change."""


@dataclass(frozen=True)
class Wish:
    """What a request asks of a world, checked and ready."""

    operation: Operation
    world: str
    id: str  # the id of the path
    body: dict[str, Any]  # {} for a GET; nobody changes it
    text: bytes  # the body as json_bytes gives it
    flags: Mapping[str, Any]  # the query's booleans and numbers that were sent
    choice: Chooser
    outcomes: Outcomes
    on_duplicate: str  # replace | merge | reject
    one_type: bool  # strict: an id belongs to one type of user

    @property
    def entity(self) -> Entity:
        """What the operation is about."""
        return self.operation.entity

    @property
    def own_body(self) -> dict[str, Any]:
        """The body without the result fields, which few clients send: then it is the very body, and has its text."""
        results = self.entity.results
        return self.body if self.body.keys().isdisjoint(results) else without_results(self.body, results)


@dataclass(frozen=True)
class Effect:
    """What a behaviour answers: the stored object, and what was decided about the results beside it.

    `replay` are the bytes of an earlier answer, to be given again as they are.
    """

    id: str
    body: bytes  # a JSON object
    decision: Decision
    warnings: tuple[Notice, ...] = ()
    replay: bytes | None = None
    chosen_by: str = "stored"  # which of the four ways decided the outcome
    before: bytes = b""  # the stored object before a write, for the journal
    after: bytes = b""  # and after it
    key: str = ""  # under which a write stored it
    violations: tuple[Violation, ...] = ()  # of the records that a batch refuses


def create_user(store: Store, wish: Wish) -> Effect:
    """Store a user. A stored one is replaced, merged into or a 400, as the setting on-duplicate says (ours)."""
    entity, user_id = wish.entity, wish.body["userId"]
    key = user_key(entity.name, user_id)
    other_key = user_key(entity.other, user_id)
    user = wish.own_body

    def change(found: Found) -> tuple[Writes, Effect]:
        warnings = list(other_type(found[other_key], wish, "/userId"))
        body, facts, notices = onto(found[key], wish, user)
        warnings += notices
        outcome, chosen_by, used = wish.choice.decide(body, user_id, found)
        facts = Facts(
            levels(body, outcome),
            wish.flags.get("lockCraRiskLevel", facts.cra_locked),
            wish.flags.get("lockKycRiskLevel", facts.kyc_locked),
            facts.events,
        )
        record = Record(facts, wish.text if body is wish.body else json_bytes(body))
        effect = Effect(
            user_id,
            json_bytes({"userId": user_id}),
            facts.decision,
            tuple(warnings),
            chosen_by=chosen_by,
            before=stored_body(found[key]),
            after=record.body,
            key=key,
        )
        return {**used, key: record.encode()}, effect

    return store.update(wish.world, (key, other_key, *wish.choice.keys), change)


def onto(stored: bytes | None, wish: Wish, sent: dict[str, Any]) -> tuple[dict[str, Any], Facts, list[Notice]]:
    """What becomes of a body for an id that may be stored already: as the setting on-duplicate says (ours).

    Gives the body, the facts so far and what is to be said of it. Raises BadRequest where it is refused.
    """
    old = Record.decode(stored) if stored is not None else None
    if old is None or old.untouched():
        return sent, Facts(), []
    entity = wish.entity
    if wish.on_duplicate == "reject":
        told = f"is the id of a stored {entity.kind}"
        raise BadRequest(
            f"The {entity.noun} {sent[entity.id]!r} exists already",
            violations=[Violation("body", f"/{entity.id}", "duplicate", told, sent[entity.id], True)],
            hint="The setting on-duplicate=reject refuses it; replace is the default.",
        )
    if wish.on_duplicate == "merge":
        return merged(old.value(), sent), old.facts, []
    if not old.facts.events:
        return sent, Facts(), []
    count = f"{old.facts.events} event{'s' if old.facts.events > 1 else ''}"
    told = f"the stored {entity.kind} is replaced, and with it what {count} changed"
    return sent, Facts(), [Notice("", "replaced", told)]


def get_record(store: Store, wish: Wish) -> Effect:
    """The stored user or transaction; NotFound says where else the id is."""
    stored = store.get(wish.world, record_key(wish.entity.kind, wish.entity.name, wish.id))
    if stored is None:
        raise NotFound(f"There is no {wish.entity.noun} {shown(wish.id)}", hint=hint_elsewhere(store, wish, wish.id))
    record = Record.decode(stored)
    return Effect(wish.id, record.body, record.facts.decision)


def stored_body(stored: bytes | None) -> bytes:
    """The stored object, or nothing."""
    return b"" if stored is None else Record.decode(stored).body


def without_results(body: Mapping[str, Any], results: Collection[str]) -> dict[str, Any]:
    """A body without the result fields, which are the sandbox's own to say."""
    return {name: value for name, value in body.items() if name not in results}


def shown(text: str) -> str:
    """An id in a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= 80 else text[:80] + "…")


def hint_elsewhere(store: Store, wish: Wish, record_id: str) -> str | None:
    """Where else a record with this id is: as the other type of user, or in another world (its name, never a key)."""
    entity = wish.entity
    if entity.other and store.get(wish.world, user_key(entity.other, record_id)) is not None:
        return f"There is a {entity.other} user with this id."
    return hint_other_world(store, wish, record_key(entity.kind, entity.name, record_id), f"A {entity.kind}")


def hint_other_world(store: Store, wish: Wish, key: str, what: str) -> str | None:
    """The world that holds the key, if it is another one and a client wrote it."""
    for name, stored in store.holders(key):
        if name != wish.world and not Record.decode(stored).untouched():
            return f"{what} with this id is in the world {shown(name)}; this key lives in {shown(wish.world)}."
    return None


def other_type(stored: bytes | None, wish: Wish, pointer: str) -> tuple[Notice, ...]:
    """The id is one of the other type too: refused where an id has one type, else a warning."""
    if stored is None or Record.decode(stored).untouched():
        return ()
    other = wish.entity.other
    if wish.one_type:
        problem = Violation("body", pointer, "one-type", f"is the id of a {other} user")
        raise BadRequest.of([problem])
    return (Notice(pointer, "other-type", f"is the id of a {other} user too"),)
