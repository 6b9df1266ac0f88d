"""Outcomes: which executed rules, hit rules and risk scores an answer carries. Data, see `fixtures/outcomes`.

An entry has `results` (a named outcome) or `when` and `then` (a persona: a stored user that satisfies the JSON
Schema `when` gets the outcome `then`). A user's own file holds such entries by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jsonschema_rs

from mockserver.contract import Contract
from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form, Schema
from mockserver.contract.names import nearest
from mockserver.contract.operations import RESULT_NAMES, Operation
from mockserver.contract.parse import json_bytes
from mockserver.errors import ContractError
from mockserver.world.records import Decision

EXAMPLE = "example"  # an outcome whose results are those of each operation's own example

_RESULTS: Schema = {
    "type": "object",
    "properties": {
        "executedRules": {"type": "array", "items": {"$ref": "ExecutedRulesResult.json"}},
        "hitRules": {"type": "array", "items": {"$ref": "HitRulesDetails.json"}},
        "riskScoreDetails": {"$ref": "UserRiskScoreDetails.json"},
        "message": {"type": "string"},
    },
    "additionalProperties": False,
}
_KEYS = {"description", "evidence", "results", "magic", "when", "then"}


@dataclass(frozen=True)
class Outcome:
    """A named outcome; `results` is None for those of each operation's own example."""

    name: str
    description: str
    evidence: str
    results: Mapping[str, Any] | None


@dataclass(frozen=True)
class Persona:
    """Who gets an outcome by what it is: `when` is a JSON Schema over the stored user."""

    name: str
    description: str
    magic: Mapping[str, str]
    when: Any
    then: str


class Outcomes:
    """The bundled outcomes and personas, and those of a user's own file, which go first."""

    def __init__(self, contract: Contract, own: Mapping[str, Any] | None = None, where: str = "outcomes") -> None:
        self._scores = contract.risk_scores
        self.outcomes: dict[str, Outcome] = {}
        self.personas: dict[str, Persona] = {}
        results = jsonschema_rs.Draft202012Validator(compiled_schema(contract.models, [_RESULTS], Form(literal=True)))
        for name, entry in (own or {}).items():
            self._add(name, entry, f"{where}: /{name}", results)
        for name, entry in contract.outcomes.items():
            if name not in self.outcomes and name not in self.personas:
                self._add(name, entry, f"fixtures/outcomes/{name}.json: ", results)
        for persona in self.personas.values():
            if persona.then not in self.outcomes:
                place = where if persona.name in (own or {}) else "fixtures/outcomes"
                raise ContractError(f"{place}: /{persona.name}/then: {persona.then!r}: {self.suggest(persona.then)}")
        self._examples = {operation.id: example_results(operation) for operation in contract.operations.built}
        self._rendered = lru_cache(maxsize=4096)(self._render)
        # One look tells that nobody is meant, which is so for nearly every user.
        anyone = {"anyOf": [entry.when for entry in self.personas.values()]}
        # A `when` with references of its own cannot stand inside another schema.
        self._anyone = None if "$ref" in json.dumps(anyone) else jsonschema_rs.Draft202012Validator(anyone)
        self._looks_at = _properties_of(anyone)
        self._when = {name: jsonschema_rs.Draft202012Validator(entry.when) for name, entry in self.personas.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Every outcome's name."""
        return tuple(self.outcomes)

    def suggest(self, name: str) -> str:
        """What to say to an unknown name: the nearest one, or all."""
        near = nearest(name, self.outcomes)
        return f"did you mean {near[0]}?" if near else f"known are {', '.join(self.outcomes)}"

    def persona(self, user: Mapping[str, Any]) -> Persona | None:
        """The first persona that the user satisfies."""
        seen = user if self._looks_at is None else {name: user[name] for name in self._looks_at if name in user}
        if self._anyone is not None and not self._anyone.is_valid(seen):
            return None
        return next((entry for entry in self.personas.values() if self._when[entry.name].is_valid(user)), None)

    def held(self, operation: Operation, decision: Decision, before: Decision, *, cra: bool, kyc: bool) -> Decision:
        """The decision with the levels that are locked kept as they showed before."""
        shown = dict(self._levels(operation, before))
        if cra:
            decision = replace(decision, cra=decision.cra or shown.get("cra"))
        if kyc:
            decision = replace(decision, kyc=decision.kyc or shown.get("kyc"))
        return decision

    def _levels(self, operation: Operation, decision: Decision) -> Iterator[tuple[str, str]]:
        outcome = self.outcomes.get(decision.outcome or "")
        results = self._examples[operation.id] if outcome is None or outcome.results is None else outcome.results
        details = results.get("riskScoreDetails", {})
        for kind, own in (("cra", decision.cra), ("kyc", decision.kyc)):
            level = own or details.get(f"{kind}RiskLevel")
            if level:
                yield kind, level

    def results(self, operation: Operation, decision: Decision, outcome: str) -> bytes:
        """The results as the inside of a JSON object (`"executedRules":...`), empty where there are none.

        `outcome` is used where the decision names none. With every outcome but `example` the user's own risk
        levels show as craRiskLevel and kycRiskLevel, with the score of that level.
        """
        chosen = decision.outcome if decision.outcome in self.outcomes else outcome
        return self._rendered(operation.id, operation.says_message, chosen or outcome, decision.cra, decision.kyc)

    def _render(self, operation_id: str, says_message: bool, outcome: str, cra: str | None, kyc: str | None) -> bytes:
        own = self.outcomes[outcome].results
        results = dict(self._examples[operation_id] if own is None else own)
        if own is not None and (cra or kyc):
            details = dict(results.get("riskScoreDetails", {}))
            for kind, level in (("cra", cra), ("kyc", kyc)):
                if level:
                    details[f"{kind}RiskLevel"] = level
                    details[f"{kind}RiskScore"] = self._scores.get(level, details.get(f"{kind}RiskScore", 0))
            results["riskScoreDetails"] = details
        if not says_message:
            results.pop("message", None)
        return json_bytes(results)[1:-1]

    def _add(self, name: str, entry: Any, where: str, results: Any) -> None:
        if not isinstance(entry, dict):
            raise ContractError(f"{where}: must be an object with results, or with when and then")
        for key in entry:
            if key not in _KEYS:
                near = nearest(key, _KEYS)
                raise ContractError(f"{where}/{key}: unknown key" + (f"; did you mean {near[0]}?" if near else ""))
        magic = entry.get("magic", {})
        if not isinstance(magic, dict) or not all(isinstance(value, str) for value in magic.values()):
            raise ContractError(f"{where}/magic: must be an object of texts")
        if "results" in entry and ("when" in entry or "then" in entry):
            raise ContractError(f"{where}: must have results, or when and then, not both")
        text = str(entry.get("description", ""))
        if "results" in entry:
            own = entry["results"]
            if own != EXAMPLE:
                for problem in results.iter_errors(own):
                    pointer = "".join(f"/{part}" for part in problem.instance_path)
                    raise ContractError(f"{where}/results{pointer}: {problem.message}")
            self.outcomes[name] = Outcome(
                name, text, str(entry.get("evidence", "own")), None if own == EXAMPLE else own
            )
        elif "when" in entry and "then" in entry:
            try:
                jsonschema_rs.Draft202012Validator(entry["when"])
            except (ValueError, jsonschema_rs.ValidationError) as error:
                raise ContractError(f"{where}/when: not a JSON Schema: {error}") from error
            self.personas[name] = Persona(name, text, magic, entry["when"], str(entry["then"]))
        else:
            raise ContractError(f"{where}: must have results, or when and then")


def _properties_of(schema: Any) -> tuple[str, ...] | None:
    """The properties of the user that a schema looks at, None where it may look at any.

    What is handed to the validator is converted whole, so that less of a user is less to convert.
    """
    found: dict[str, None] = {}
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        if keyword == "properties" or keyword == "required":
            found |= dict.fromkeys(value)
        elif keyword in ("anyOf", "allOf", "oneOf"):
            for part in value:
                inner = _properties_of(part)
                if inner is None:
                    return None
                found |= dict.fromkeys(inner)
        elif keyword not in ("type", "title", "description", "$schema"):
            return None
    return tuple(found)


def example_results(operation: Operation) -> dict[str, Any]:
    """The result fields of an operation's example, as they stand."""
    return {name: operation.example[name] for name in RESULT_NAMES if name in operation.example}


def levels(user: Mapping[str, Any], outcome: str | None) -> Decision:
    """The decision for a user: the outcome, and the risk levels that the user brings."""
    cra, kyc = user.get("riskLevel"), user.get("kycRiskLevel")
    return Decision(outcome, cra if isinstance(cra, str) else None, kyc if isinstance(kyc, str) else None)
