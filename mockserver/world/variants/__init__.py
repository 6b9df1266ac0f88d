"""Generated variants: bodies drawn from the schemas, plausible as a whole, the same for the same seed everywhere."""

from __future__ import annotations

from random import Random
from threading import Lock
from typing import Any

from mockserver.clock import draw
from mockserver.contract import Contract
from mockserver.contract.checks import body_schemas
from mockserver.contract.operations import Entity, Operation
from mockserver.world.variants.data import Library
from mockserver.world.variants.plan import Plan
from mockserver.world.variants.scene import COMPANY, PERSON, Body, Scene
from mockserver.world.variants.values import Rule
from mockserver.world.variants.voices import Voices

__all__ = ["Variants"]

_CREATE = "create-user"
_PERSONAL = "userDetails"  # a user that has this property is a person, any other a company
# Whose request a body must be good for: that of the event for an event, that of the creation for a user.
_SENT_BY = {"get-event": "apply-event"}


class Variants:
    """Bodies made of the contract and a seed. Nothing is read or compiled, and Faker not imported, before its use."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._voices = Voices()
        self._plan = Plan(contract.models)
        self._rules: dict[str, Rule] = {}  # by operation id, or the entity's name for its request
        self._library: Library | None = None
        self._lock = Lock()  # one Faker a locale serves all threads, one body at a time

    def body(self, operation: Operation, seed: int, id: str) -> dict[str, Any]:  # noqa: A002 - the contract's word
        """The answer of any operation for the id that was asked for: a user or an event, and its results.

        Depends on seed, operation and id alone (DESIGN 6). Valid against the operation's response schema; without
        its results a user is valid for the create operation, and an event for its own, under `pages` and `strict`.
        Times are epoch milliseconds, 2019 to 2026. Raises ContractError when fixtures/variants contradict the
        schemas.
        """
        entity = operation.entity
        chance = Random(draw(seed, f"variant {operation.id}", id))
        user_id = id if operation.id_property == "userId" else f"{entity.name}-{chance.getrandbits(48):012x}"
        with self._lock:
            if operation.id not in self._rules:
                sender = self._sender(entity, _SENT_BY.get(operation.do, _CREATE))
                constraints = body_schemas(sender, strict=True)[1:]
                self._rules[operation.id] = self._plan.compile(operation.response, constraints)
            body = self._drawn(self._rules[operation.id], entity, user_id, chance)
        body[operation.id_property] = id
        return body

    def user(self, entity_name: str, seed: int, number: int) -> dict[str, Any]:
        """A whole request body for the create operation of `consumer` or `business`.

        Its userId is `generated-{entity}-{number}` with six digits at least. Depends on seed, entity and number
        alone; valid under `pages` and `strict`. Raises KeyError for an unknown entity.
        """
        operations = self._contract.operations.built
        entity = next((each.entity for each in operations if each.entity.name == entity_name), None)
        if entity is None:
            raise KeyError(f"no kind of user {entity_name!r}")
        chance = Random(draw(seed, f"variant user {entity_name}", number))
        with self._lock:
            if entity_name not in self._rules:
                model, *constraints = body_schemas(self._sender(entity, _CREATE), strict=True)
                self._rules[entity_name] = self._plan.compile(model, constraints)
            return self._drawn(self._rules[entity_name], entity, f"generated-{entity_name}-{number:06d}", chance)

    @property
    def unruled(self) -> frozenset[tuple[str, str]]:
        """The (model, property) pairs that were drawn so far by their type alone, for want of a rule."""
        return frozenset(self._plan.unruled)

    def _sender(self, entity: Entity, do: str) -> Operation:
        operations = self._contract.operations.built
        return next(each for each in operations if each.do == do and each.entity == entity)

    def _drawn(self, rule: Rule, entity: Entity, user_id: str, chance: Random) -> dict[str, Any]:
        if self._library is None:
            self._library = Library(self._contract)
        countries = self._library.countries
        holder = PERSON if _PERSONAL in entity.properties else COMPANY
        body = Body(self._library, self._voices, chance, user_id)
        drawn: dict[str, Any] = rule(Scene(body, countries[int(chance.random() * len(countries))], holder, user_id))
        return drawn
