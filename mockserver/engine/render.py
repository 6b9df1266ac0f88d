"""The answer's body: the stored object, the operation's example or a generated variant, and the results beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes
from mockserver.world.merge import merged
from mockserver.world.outcomes import Outcomes
from mockserver.world.records import Decision
from mockserver.world.users import Effect, without_results

if TYPE_CHECKING:
    from mockserver.world.variants import Variants


class Renderer:
    """Makes answers' bodies as the dial `answers` says."""

    def __init__(self, contract: Contract, outcomes: Outcomes) -> None:
        self._contract = contract
        self._outcomes = outcomes
        self._examples = {
            operation.id: without_results(operation.example, operation.results)
            for operation in contract.operations.built
        }
        self._made: Variants | None = None

    @property
    def variants(self) -> Variants:
        """The generator, made when it is first needed: Faker is slow to import."""
        if self._made is None:
            from mockserver.world.variants import Variants

            self._made = Variants(self._contract)
        return self._made

    def render(self, operation: Operation, effect: Effect, *, answers: str, outcome: str, seed: int) -> bytes:
        """The body's bytes. `outcome` is used where nothing was decided at a write."""
        body, decision = effect.body, effect.decision
        if answers == "example":
            decision = Decision(decision.outcome)
            body = _named(
                self._listed({**self._examples[operation.id]}, operation, decision, outcome), operation, effect
            )
        elif answers == "generated" and not operation.each:  # what became of a batch's records is no matter of chance
            variant = without_results(self.variants.body(operation, seed, effect.id), operation.results)
            stored = json.loads(body) if body else {}
            variant = self._listed(variant, operation, decision, outcome)
            body = _named(merged(variant, stored), operation, effect)
        if operation.listed:  # each record of a batch has its own
            return body
        results = self._outcomes.results(operation, decision, outcome)
        return b"%b,%b}" % (body[:-1], results) if results else body

    def _listed(self, body: dict[str, Any], operation: Operation, decision: Decision, outcome: str) -> dict[str, Any]:
        """The body of a batch's page, each of its records with the outcome's results; any other body as it is."""
        if operation.listed in body:
            results = json.loads(b"{%b}" % self._outcomes.results(operation, decision, outcome))
            entries = [{**without_results(each, operation.results), **results} for each in body[operation.listed]]
            body[operation.listed] = entries
        return body

    def entry(self, operation: Operation, effect: Effect, outcome: str) -> bytes:
        """A stored record as an entry of a batch's page, with as much of it and its results as the page shows."""
        body = effect.body
        if operation.only_id:
            body = json_bytes({operation.entity.id: json.loads(body)[operation.entity.id]})
        results = self._outcomes.results(operation, effect.decision, outcome)
        return b"%b,%b}" % (body[:-1], results) if results else body


def _named(body: dict[str, Any], operation: Operation, effect: Effect) -> bytes:
    """The body with the id that was asked for, where the answer has one, and that of the record that it holds."""
    if operation.id_property:
        body[operation.id_property] = effect.id
    if operation.holds:
        about = json.loads(effect.body)[operation.holds][operation.entity.id]
        body[operation.holds] = {**body[operation.holds], operation.entity.id: about}
    return json_bytes(body)
