"""Verifying transactions, and applying their events: plain functions over what the store holds.

The SDKs say that the users a transaction names must be stored, unless the query says otherwise, and that its state is
CREATED by default. The rest is our choice, and as it is for users.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import draw
from mockserver.contract.operations import Entity
from mockserver.contract.parse import json_bytes
from mockserver.errors import UnknownReference, Violation
from mockserver.world.events import applied_before
from mockserver.world.merge import merged
from mockserver.world.records import (
    Decision,
    Facts,
    Record,
    counter_key,
    encode_record,
    event_key,
    party_key,
    record_key,
    user_key,
)
from mockserver.world.store import Found, Store, Writes
from mockserver.world.users import (
    Effect,
    Wish,
    hint_elsewhere,
    hint_other_world,
    onto,
    shown,
    stored_body,
    without_results,
)


def verify_transaction(store: Store, wish: Wish) -> Effect:
    """Store a transaction. Raises UnknownReference for a user that it names and that is not stored, of either type,
    unless the query lets it through; a stored transaction is treated as the setting on-duplicate says (ours).
    """
    entity = wish.entity
    transaction = without_results(wish.body, entity.results)
    transaction_id = transaction[entity.id]
    key = record_key(entity.kind, entity.name, transaction_id)
    parties = parties_of(entity, transaction)
    wanted = {
        name: [user_key(kind, user_id) for kind in entity.users]
        for name, user_id in parties.items()
        if wish.flags.get(entity.parties[name], True)
    }

    def change(found: Found) -> tuple[Writes, Effect]:
        unknown = [name for name, keys in wanted.items() if not any(found[key] for key in keys)]
        if unknown:
            raise _unknown_users(wish, {name: parties[name] for name in unknown})
        body, facts, warnings = onto(found[key], wish, transaction)
        body = {**body, **{name: value for name, value in entity.defaults.items() if name not in body}}
        outcome, chosen_by, used = wish.choice.decide(body, "", found)
        facts = Facts(Decision(outcome), events=facts.events)
        effect = Effect(
            transaction_id,
            json_bytes({entity.id: transaction_id}),
            facts.decision,
            tuple(warnings),
            chosen_by=chosen_by,
            before=stored_body(found[key]),
            after=json_bytes(body),
            key=key,
        )
        return {**used, **party_notes(entity, body), key: Record(facts, effect.after).encode()}, effect

    users = [user for keys in wanted.values() for user in keys]
    try:
        return store.update(wish.world, (key, *users, *wish.choice.keys), change)
    except UnknownReference as error:
        elsewhere = (hint_other_world(store, wish, user, "A user") for user in users)
        error.hint = next(filter(None, elsewhere), error.hint)
        raise


def apply_transaction_event(store: Store, wish: Wish, answer: Any) -> Effect:
    """Apply an event to its transaction and keep both: the state is set, the updated attributes are merged.

    `answer(effect)` makes the answer's bytes, which the same event gets again. An event without an eventId gets one
    of ours, since the answer must have it. Raises UnknownReference where there is no such transaction, and Conflict
    for another event with this eventId.
    """
    entity = wish.entity
    event = without_results(wish.body, entity.results)
    transaction_id, event_id = event[entity.id], event.get("eventId")
    if not isinstance(event_id, str) or not event_id:
        event_id = event["eventId"] = own_id(store, wish.world, "event", entity.name)
    key = record_key(entity.kind, entity.name, transaction_id)
    kept_key = event_key(entity.name, event_id)

    def change(found: Found) -> tuple[Writes, Effect]:
        seen = applied_before(found[kept_key], event)
        if seen:
            return {}, Effect(event_id, seen.body, seen.facts.decision, replay=seen.answer, key=kept_key)
        stored = found[key]
        if stored is None:
            problem = Violation("body", f"/{entity.id}", "unknown", "is the id of no stored transaction")
            raise UnknownReference(f"There is no transaction {shown(transaction_id)}", violations=[problem])
        record = Record.decode(stored)
        transaction = merged(record.value(), _changes(entity, event))
        outcome, chosen_by, used = wish.choice.decide(transaction, "", found)
        body = json_bytes(transaction)
        effect = Effect(
            event_id,
            b'{"eventId":%b,"transaction":%b}' % (json_bytes(event_id), body),
            Decision(outcome),
            chosen_by=chosen_by,
            before=record.body,
            after=body,
            key=kept_key,
        )
        changed = Record(Facts(effect.decision, events=record.facts.events + 1), body)
        kept = encode_record(Facts(effect.decision), event, answer(effect))
        return {**used, key: changed.encode(), kept_key: kept}, effect

    try:
        return store.update(wish.world, (key, kept_key, *wish.choice.keys), change)
    except UnknownReference as error:
        error.hint = hint_elsewhere(store, wish, transaction_id)
        raise


def parties_of(entity: Entity, body: Mapping[str, Any]) -> dict[str, str]:
    """The users that a record names: property to id."""
    return {name: body[name] for name in entity.parties if isinstance(body.get(name), str)}


def party_notes(entity: Entity, body: Mapping[str, Any]) -> dict[str, bytes]:
    """What is to be written beside a record, so that the users it names are known to have transactions."""
    return {party_key(user_id): b"1" for user_id in parties_of(entity, body).values()}


def own_id(store: Store, world: str, kind: str, entity: str) -> str:
    """A new id for what a client sent without one: made of a counter of the world, so that it can be foretold."""
    counter = counter_key(f"own-{kind}-id")

    def count(found: Found) -> tuple[Writes, int]:
        number = int(found[counter] or b"0") + 1
        return {counter: str(number).encode()}, number

    while True:
        own = f"mock-{kind}-{draw(0, counter, store.update(world, (counter,), count)):016x}"
        if store.get(world, record_key(kind, entity, own)) is None:  # else it was imported
            return own


def _changes(entity: Entity, event: Mapping[str, Any]) -> dict[str, Any]:
    """What an event changes: the state, and the attributes but for those that identify the transaction."""
    attributes = event.get(entity.attributes)
    changes = without_results(attributes, entity.results) if isinstance(attributes, dict) else {}
    for name in (entity.id, "timestamp", *entity.parties):
        changes.pop(name, None)
    return {**changes, **{name: event[name] for name in entity.defaults if name in event}}


def _unknown_users(wish: Wish, users: Mapping[str, str]) -> UnknownReference:
    """The refusal of a transaction that names users who are not stored."""
    flags = " and ".join(f"{wish.entity.parties[name]}=false" for name in users)
    found = [
        Violation("body", f"/{name}", "unknown", "is the id of no stored user", user_id, True)
        for name, user_id in users.items()
    ]
    error = UnknownReference.of(found)
    error.hint = f"{flags} in the query lets it through."
    return error
