"""Generated variants: bodies drawn from the schemas, plausible as a whole, the same for the same seed everywhere."""

from __future__ import annotations

from random import Random
from threading import Lock
from typing import Any

from mockserver.clock import draw
from mockserver.contract import Contract
from mockserver.contract.checks import body_schemas
from mockserver.contract.models import Schema
from mockserver.contract.operations import Entity, Operation
from mockserver.world.variants.data import Library
from mockserver.world.variants.plan import Plan
from mockserver.world.variants.scene import COMPANY, PERSON, Body, Scene
from mockserver.world.variants.values import Rule
from mockserver.world.variants.voices import Voices

__all__ = ["Variants"]

_PERSONAL = "userDetails"  # a user that has this property is a person, any other a company
_MOST_ENTRIES = 3  # of a batch's page


class Variants:
    """Bodies made of the contract and a seed. Nothing is read or compiled, and Faker not imported, before its use."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._voices = Voices()
        results = {name for operation in contract.operations.built for name in operation.results}
        self._plan = Plan(contract.models, results)
        self._rules: dict[str, Rule] = {}  # by operation id, or the entity's name for its request
        self._library: Library | None = None
        self._lock = Lock()  # one Faker a locale serves all threads, one body at a time

    def body(self, operation: Operation, seed: int, id: str) -> dict[str, Any]:  # noqa: A002 - the contract's word
        """The answer of any operation for the id that was asked for: a user, a transaction, an event and its results,
        a page of those, or what became of a batch.

        Depends on seed, operation and id alone (DESIGN 6). Valid against the operation's response schema; without
        its results a record is valid for the operation that makes it, under `pages` and `strict`. Times are epoch
        milliseconds, 2019 to 2026. Raises ContractError when fixtures/variants contradict the schemas.
        """
        chance = Random(draw(seed, f"variant {operation.id}", id))
        schema = operation.response
        if not operation.listed or operation.each:
            return {**self._answer(operation, schema, id, chance), operation.id_property: id}
        entry = self._contract.models.follow(schema)["properties"][operation.listed]["items"]
        entries = [self._answer(operation, entry, id, chance) for _ in range(1 + int(chance.random() * _MOST_ENTRIES))]
        return {operation.listed: entries, "totalCount": len(entries)}

    def _answer(self, operation: Operation, schema: Schema, asked: str, chance: Random) -> dict[str, Any]:
        entity = operation.entity
        kind = entity.name if entity.kind == "user" else "user"
        user_id = asked if operation.id_property == "userId" else f"{kind}-{chance.getrandbits(48):012x}"
        with self._lock:
            if operation.id not in self._rules:
                constraints = body_schemas(self._sender(operation), strict=True)[1:]
                self._rules[operation.id] = self._plan.compile(schema, constraints)
            return self._drawn(self._rules[operation.id], entity, user_id, chance)

    def record(self, entity_name: str, seed: int, number: int) -> dict[str, Any]:
        """A whole request body for the operation that makes a `consumer`, a `business` or a `transaction`.

        Its id is `generated-{entity}-{number}` with six digits at least; a transaction goes from the consumer of its
        number to the business of its number. Depends on seed, entity and number alone; valid under `pages` and
        `strict`. Raises KeyError for an unknown entity.
        """
        operations = self._contract.operations.built
        maker = next((op for op in operations if op.entity.name == entity_name and op.writes == op.entity.kind), None)
        if maker is None:
            raise KeyError(f"no kind of record {entity_name!r}")
        entity = maker.entity
        chance = Random(draw(seed, f"variant user {entity_name}", number))
        ids = [f"generated-{name}-{number:06d}" for name in (entity_name, *entity.users)]
        sender, receiver = ids[1:] if entity.users else (ids[0], "")
        with self._lock:
            if entity_name not in self._rules:
                model, *constraints = body_schemas(maker, strict=True)
                self._rules[entity_name] = self._plan.compile(model, constraints)
            drawn = self._drawn(self._rules[entity_name], entity, sender, chance, receiver)
        return {**drawn, entity.id: ids[0]}

    @property
    def unruled(self) -> frozenset[tuple[str, str]]:
        """The (model, property) pairs that were drawn so far by their type alone, for want of a rule."""
        return frozenset(self._plan.unruled)

    def _sender(self, operation: Operation) -> Operation:
        """The operation whose request the answer, or an entry of its list, must be good for."""
        operations = [each for each in self._contract.operations.built if each.entity == operation.entity]
        if operation.listed:
            return next(op.each for op in operations if op.each and op.listed == operation.listed)
        wanted = "event" if operation.do == "get-event" else operation.entity.kind
        return next(op for op in operations if op.writes == wanted)

    def _drawn(self, rule: Rule, entity: Entity, user_id: str, chance: Random, receiver: str = "") -> dict[str, Any]:
        if self._library is None:
            self._library = Library(self._contract)
        countries = self._library.countries
        holder = COMPANY if entity.kind == "user" and _PERSONAL not in entity.properties else PERSON
        body = Body(self._library, self._voices, chance, user_id)
        if entity.kind != "user":
            body.concern_payment(receiver)
        drawn: dict[str, Any] = rule(Scene(body, countries[int(chance.random() * len(countries))], holder, user_id))
        return drawn
