"""Applying and reading user events: plain functions over what the store holds.

An event changes the user and is kept, in one atomic update. How is our choice where the vendor documents nothing:
objects are merged, lists and scalars replaced; events apply in the order in which they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract.parse import json_bytes, json_equal
from mockserver.contract.smells import Notice
from mockserver.errors import Conflict, NotFound, UnknownUser
from mockserver.world.merge import merged
from mockserver.world.outcomes import levels
from mockserver.world.records import (
    Facts,
    Record,
    counter_key,
    event_key,
    own_event_key,
    party_key,
    user_key,
)
from mockserver.world.store import Found, Store, Writes
from mockserver.world.users import (
    Effect,
    Wish,
    hint_elsewhere,
    hint_other_world,
    other_type,
    shown,
    without_results,
)

# What identifies a user: no event changes it, but for a rename.
_IDENTITY = ("userId", "createdTimestamp")
# What the documentation's prose lets stand on the event itself.
_ON_THE_EVENT = ("userStateDetails", "kycStatusDetails")


def apply_event(store: Store, wish: Wish, answer: Any) -> Effect:
    """Apply an event to its user and keep both.

    `answer(effect)` makes the answer's bytes, which are kept with an event that has an eventId: the same event
    again is answered by them, another one with that eventId is a Conflict. Raises UnknownUser where there is no
    such user, or one of the other type without allowUserTypeConversion.
    """
    event = wish.own_body
    event_text = wish.text if event is wish.body else json_bytes(event)
    entity = wish.entity
    user_id = event["userId"]
    new_id = _new_id(wish)
    event_id = event.get("eventId")
    if not isinstance(event_id, str) or not event_id:  # only lenient lets such a one through
        event_id = None
    key = user_key(entity.name, user_id)
    other_key = user_key(entity.other, user_id)
    new_key = user_key(entity.name, new_id)
    new_other_key = user_key(entity.other, new_id)
    counter = counter_key("own-event")
    kept_key = event_key(entity.name, event_id) if event_id is not None else None

    def change(found: Found) -> tuple[Writes, Effect]:
        seen = applied_before(found[kept_key], event) if kept_key else None
        if seen:
            return {}, Effect(user_id, seen.body, seen.facts.decision, replay=seen.answer, key=kept_key or "")
        user, record, converted = _find(wish, found[key], found[other_key])
        facts = record.facts
        warnings: tuple[Notice, ...] = ()
        if new_id != user_id:
            taken = found[new_key]
            if taken is not None and not Record.decode(taken).untouched():
                raise Conflict(f"The newUserId {shown(new_id)} is the id of a stored {entity.name} user")
            warnings = other_type(found[new_other_key], wish, "/newUserId")
            if found[party_key(user_id)] is not None:
                raise Conflict(
                    f"The user {shown(user_id)} has transactions",
                    hint="Flagright renames users without transactions only.",
                )
        user = {**_changed(user, facts, wish), "userId": new_id}
        outcome, chosen_by, used = wish.choice.decide(user, user_id, found)
        decision = levels(user, outcome)
        if facts.cra_locked or facts.kyc_locked:
            decision = wish.outcomes.held(
                wish.operation,
                decision,
                facts.decision,
                cra=_locked(facts.cra_locked, wish, "lockCraRiskLevel"),
                kyc=_locked(facts.kyc_locked, wish, "lockKycRiskLevel"),
            )
        facts = Facts(
            decision,
            wish.flags.get("lockCraRiskLevel", facts.cra_locked),
            wish.flags.get("lockKycRiskLevel", facts.kyc_locked),
            facts.events + 1,
        )
        body = json_bytes(user)
        number = 0 if kept_key else int(found[counter] or b"0") + 1
        stored_key = kept_key or own_event_key(entity.name, number)
        effect = Effect(
            new_id, body, decision, warnings, chosen_by=chosen_by, before=record.body, after=body, key=stored_key
        )
        writes: dict[str, bytes | None] = dict(used)
        if new_id != user_id:
            writes[key] = None
        if converted:
            writes[other_key] = None
        writes[new_key] = Record(facts, effect.body).encode()
        if kept_key:
            writes[kept_key] = Record(Facts(decision), event_text, answer(effect)).encode()
        else:
            writes[counter] = str(number).encode()
            writes[stored_key] = Record(Facts(decision), event_text).encode()
        return writes, effect

    keys = [
        key,
        other_key,
        counter,
        *([new_key, new_other_key, party_key(user_id)] if new_key != key else []),
        *([kept_key] if kept_key else []),
        *wish.choice.keys,
    ]
    try:
        return store.update(wish.world, keys, change)
    except UnknownUser as error:
        error.hint = error.hint or hint_elsewhere(store, wish, user_id)
        raise


def get_event(store: Store, wish: Wish) -> Effect:
    """The event as it was sent, and what was decided when it was applied."""
    key = event_key(wish.entity.name, wish.id)
    stored = store.get(wish.world, key)
    if stored is None:
        hint = hint_other_world(store, wish, key, "An event")
        raise NotFound(
            f"There is no {wish.entity.noun} event {shown(wish.id)}",
            hint=hint or "An event is had by the eventId that was sent with it, or that its answer gave.",
        )
    record = Record.decode(stored)
    return Effect(wish.id, record.body, record.facts.decision)


def _new_id(wish: Wish) -> str:
    """The id that the user has afterwards: newUserId, where changeUserId=true asks for it."""
    new_id = wish.body.get("newUserId")
    if wish.flags.get("changeUserId") and isinstance(new_id, str) and new_id:
        return new_id
    user_id: str = wish.body["userId"]
    return user_id


def applied_before(stored: bytes | None, event: Mapping[str, Any]) -> Record | None:
    """The same event, as a client sent it before; Conflict for another one that has its eventId.

    Bundled ones stand in nobody's way.
    """
    record = Record.decode(stored) if stored is not None else None
    # An imported one has no answer that could be given again: it is applied as a new one.
    if record is None or record.untouched() or not record.answer:
        return None
    if json_equal(record.value(), event):
        return record
    raise Conflict(
        f"The eventId {shown(event['eventId'])} was used with another body",
        hint="The same event again is answered as the first time.",
    )


def _find(wish: Wish, stored: bytes | None, other: bytes | None) -> tuple[dict[str, Any], Record, bool]:
    """The user that the event is about, how it was stored, and whether it had to be converted."""
    if stored is not None:
        record = Record.decode(stored)
        return record.value(), record, False
    entity, user_id = wish.entity, wish.body["userId"]
    if other is None:
        raise UnknownUser(f"There is no {entity.name} user {shown(user_id)}")
    if not wish.flags.get("allowUserTypeConversion"):
        raise UnknownUser(
            f"{shown(user_id)} is a {entity.other} user, not a {entity.name} user",
            hint="With allowUserTypeConversion=true this event converts it.",
        )
    record = Record.decode(other)
    shared = {name: value for name, value in record.value().items() if name in entity.properties}
    return {**entity.synthesised, **shared}, record, True


def _changed(user: Mapping[str, Any], facts: Facts, wish: Wish) -> dict[str, Any]:
    """The user with the event's changes in it, as far as locks allow."""
    changes = {name: wish.body[name] for name in _ON_THE_EVENT if name in wish.body}
    attributes = wish.body.get(wish.entity.attributes)
    if isinstance(attributes, dict):
        changes = merged(changes, without_results(attributes, wish.entity.results))
    for name in _IDENTITY:
        changes.pop(name, None)
    if _locked(facts.cra_locked, wish, "lockCraRiskLevel"):
        changes.pop("riskLevel", None)
    if _locked(facts.kyc_locked, wish, "lockKycRiskLevel"):
        changes.pop("kycRiskLevel", None)
    return merged(user, changes)


def _locked(locked: bool, wish: Wish, flag: str) -> bool:
    """Whether a level is locked for this event: it was before, and the call does not unlock it."""
    return locked and wish.flags.get(flag, True)
