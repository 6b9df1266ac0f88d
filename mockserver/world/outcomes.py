"""Outcomes: which executed rules, hit rules and risk scores an answer carries. Data, see `fixtures/outcomes`.

An entry has `results` (a named outcome) or `when` and `then` (a persona: a stored record that satisfies the JSON
Schema `when` gets the outcome `then`). A persona is over users, unless `over` says `transaction`. `results` are those
of users; what they say of a transaction follows from them (ours), and `transaction` beside them says otherwise.
A user's own file holds such entries by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jsonschema_rs

from mockserver.contract import Contract
from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form, Schema
from mockserver.contract.names import nearest
from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes
from mockserver.errors import ContractError
from mockserver.world.records import Decision

EXAMPLE = "example"  # an outcome whose results are those of each operation's own example

_KEYS = {"description", "evidence", "results", "transaction", "magic", "over", "when", "then"}
_STRICTEST = ("BLOCK", "SUSPEND", "FLAG")  # what is done where several rules hit; ours, the vendor publishes no order
_TRANSACTION_RISK = {"craRiskScore": "trsScore", "craRiskLevel": "trsRiskLevel"}


def _shape(risk: str) -> Schema:
    """The schema of an entry's results."""
    return {
        "type": "object",
        "properties": {
            "executedRules": {"type": "array", "items": {"$ref": "ExecutedRulesResult.json"}},
            "hitRules": {"type": "array", "items": {"$ref": "HitRulesDetails.json"}},
            "riskScoreDetails": {"$ref": risk},
            "message": {"type": "string"},
        },
        "additionalProperties": False,
    }


_SHAPES = {
    "results": _shape("UserRiskScoreDetails.json"),
    "transaction": _shape("TransactionRiskScoringResult.json"),
}


@dataclass(frozen=True)
class Outcome:
    """A named outcome: its results for users and for transactions, None for those of each operation's own example."""

    name: str
    description: str
    evidence: str
    results: Mapping[str, Any] | None
    transaction: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Persona:
    """What gets an outcome by what it is: `when` is a JSON Schema over the stored record, `over` the kind of that."""

    name: str
    description: str
    magic: Mapping[str, str]
    when: Any
    then: str
    over: str = "user"


class _Lookout:
    """The personas over one kind of record."""

    def __init__(self, personas: Sequence[Persona]) -> None:
        self._personas = [(entry, jsonschema_rs.Draft202012Validator(entry.when)) for entry in personas]
        # One look tells that nobody is meant, which is so for nearly every record.
        anyone = {"anyOf": [entry.when for entry in personas] or [False]}
        # A `when` with references of its own cannot stand inside another schema.
        self._anyone = None if "$ref" in json.dumps(anyone) else jsonschema_rs.Draft202012Validator(anyone)
        self._looks_at = _properties_of(anyone) if personas else ()

    def first(self, record: Mapping[str, Any]) -> Persona | None:
        """The first persona that the record satisfies."""
        seen = record if self._looks_at is None else {name: record[name] for name in self._looks_at if name in record}
        if self._anyone is not None and not self._anyone.is_valid(seen):
            return None
        return next((entry for entry, when in self._personas if when.is_valid(record)), None)


class Outcomes:
    """The bundled outcomes and personas, and those of a user's own file, which go first."""

    def __init__(self, contract: Contract, own: Mapping[str, Any] | None = None, where: str = "outcomes") -> None:
        self._scores = contract.risk_scores
        self._operations = contract.operations
        self._kinds = {operation.entity.kind for operation in contract.operations.built}
        self.outcomes: dict[str, Outcome] = {}
        self.personas: dict[str, Persona] = {}
        shapes = {
            key: jsonschema_rs.Draft202012Validator(compiled_schema(contract.models, [shape], Form(literal=True)))
            for key, shape in _SHAPES.items()
        }
        for name, entry in (own or {}).items():
            self._add(name, entry, f"{where}: /{name}", shapes)
        for name, entry in contract.outcomes.items():
            if name not in self.outcomes and name not in self.personas:
                self._add(name, entry, f"fixtures/outcomes/{name}.json: ", shapes)
        for persona in self.personas.values():
            if persona.then not in self.outcomes:
                place = where if persona.name in (own or {}) else "fixtures/outcomes"
                raise ContractError(f"{place}: /{persona.name}/then: {persona.then!r}: {self.suggest(persona.then)}")
        self._rendered = lru_cache(maxsize=4096)(self._render)
        self._lookouts = {
            kind: _Lookout([entry for entry in self.personas.values() if entry.over == kind]) for kind in self._kinds
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Every outcome's name."""
        return tuple(self.outcomes)

    def suggest(self, name: str) -> str:
        """What to say to an unknown name: the nearest one, or all."""
        near = nearest(name, self.outcomes)
        return f"did you mean {near[0]}?" if near else f"known are {', '.join(self.outcomes)}"

    def persona(self, record: Mapping[str, Any], kind: str = "user") -> Persona | None:
        """The first persona that the record, a user or a transaction, satisfies."""
        return self._lookouts[kind].first(record)

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
        results = operation.example_results if outcome is None or outcome.results is None else outcome.results
        details = results.get("riskScoreDetails", {})
        for kind, own in (("cra", decision.cra), ("kyc", decision.kyc)):
            level = own or details.get(f"{kind}RiskLevel")
            if level:
                yield kind, level

    def results(self, operation: Operation, decision: Decision, outcome: str) -> bytes:
        """The results that the operation's answer declares, as the inside of a JSON object (`"executedRules":...`).

        `outcome` is used where the decision names none. With every outcome but `example` the user's own risk
        levels show as craRiskLevel and kycRiskLevel, with the score of that level.
        """
        chosen = decision.outcome if decision.outcome in self.outcomes else outcome
        return self._rendered(operation.id, chosen or outcome, decision.cra, decision.kyc)

    def _render(self, operation_id: str, outcome: str, cra: str | None, kyc: str | None) -> bytes:
        operation, entry = self._operations.find(operation_id), self.outcomes[outcome]
        own = entry.results if operation.entity.kind == "user" else entry.transaction
        results = dict(operation.example_results if own is None else own)
        if own is not None and (cra or kyc):
            details = dict(results.get("riskScoreDetails", {}))
            for kind, level in (("cra", cra), ("kyc", kyc)):
                if level:
                    details[f"{kind}RiskLevel"] = level
                    details[f"{kind}RiskScore"] = self._scores.get(level, details.get(f"{kind}RiskScore", 0))
            results["riskScoreDetails"] = details
        return json_bytes({name: value for name, value in results.items() if name in operation.results})[1:-1]

    def _add(self, name: str, entry: Any, where: str, shapes: Mapping[str, Any]) -> None:
        if not isinstance(entry, dict):
            raise ContractError(f"{where}: must be an object with results, or with when and then")
        for key in entry:
            if key not in _KEYS:
                near = nearest(key, _KEYS)
                raise ContractError(f"{where}/{key}: unknown key" + (f"; did you mean {near[0]}?" if near else ""))
        magic = entry.get("magic", {})
        if not isinstance(magic, dict) or not all(isinstance(value, str) for value in magic.values()):
            raise ContractError(f"{where}/magic: must be an object of texts")
        if "results" in entry and not {"when", "then", "over"}.isdisjoint(entry):
            raise ContractError(f"{where}: must have results, or when and then, not both")
        if "results" in entry:
            self.outcomes[name] = _outcome(name, entry, where, shapes)
        elif "when" in entry and "then" in entry and "transaction" not in entry:
            try:
                jsonschema_rs.Draft202012Validator(entry["when"])
            except (ValueError, jsonschema_rs.ValidationError) as error:
                raise ContractError(f"{where}/when: not a JSON Schema: {error}") from error
            over = entry.get("over", "user")
            if not isinstance(over, str) or over not in self._kinds:
                raise ContractError(f"{where}/over: must be one of {', '.join(sorted(self._kinds))}")
            self.personas[name] = Persona(
                name, str(entry.get("description", "")), magic, entry["when"], str(entry["then"]), over
            )
        else:
            raise ContractError(f"{where}: must have results, or when and then")


def _outcome(name: str, entry: Mapping[str, Any], where: str, shapes: Mapping[str, Any]) -> Outcome:
    """The outcome of a checked entry; ContractError names what is no result."""
    text, evidence = str(entry.get("description", "")), str(entry.get("evidence", "own"))
    if entry["results"] == EXAMPLE:
        if "transaction" in entry:
            raise ContractError(f"{where}/transaction: must not stand beside the results {EXAMPLE}")
        return Outcome(name, text, evidence, None)
    for key, shape in shapes.items():
        for problem in shape.iter_errors(entry.get(key, {})):
            pointer = "".join(f"/{part}" for part in problem.instance_path)
            raise ContractError(f"{where}/{key}{pointer}: {problem.message}")
    transaction = _of_transaction(entry["results"], entry.get("transaction", {}))
    return Outcome(name, text, evidence, entry["results"], transaction)


def _of_transaction(users: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What an outcome says of a transaction: the same rules, the risk of the user as its risk, and the status."""
    risk = users.get("riskScoreDetails", {})
    details = {name: risk[of_user] for of_user, name in _TRANSACTION_RISK.items() if of_user in risk}
    said = {"executedRules": [], "hitRules": [], **users, "riskScoreDetails": details, **own}
    if not said["riskScoreDetails"]:
        del said["riskScoreDetails"]
    return {"status": status_of(said["hitRules"]), **said}


def status_of(hits: Sequence[Mapping[str, Any]]) -> str:
    """The status of a transaction (a RuleAction): the strictest action of the rules that hit, shadow rules apart."""
    actions = {rule["ruleAction"] for rule in hits if not rule.get("isShadow")}
    return next((action for action in _STRICTEST if action in actions), "ALLOW")


def _properties_of(schema: Any) -> tuple[str, ...] | None:
    """The properties of the record that a schema looks at, None where it may look at any.

    What is handed to the validator is converted whole, so that less of it is less to convert.
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


def levels(user: Mapping[str, Any], outcome: str | None) -> Decision:
    """The decision for a user: the outcome, and the risk levels that the user brings."""
    cra, kyc = user.get("riskLevel"), user.get("kycRiskLevel")
    return Decision(outcome, cra if isinstance(cra, str) else None, kyc if isinstance(kyc, str) else None)
