"""Outcomes: which executed rules, hit rules and risk scores an answer carries. Data, see `fixtures/outcomes`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.names import nearest
from mockserver.contract.operations import RESULT_NAMES, Operation
from mockserver.contract.parse import json_bytes
from mockserver.errors import ContractError
from mockserver.world.records import Decision

EXAMPLE = "example"  # an outcome whose results are those of each operation's own example


class Outcomes:
    """The named outcomes of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._scores = contract.risk_scores
        self._results: dict[str, Mapping[str, Any] | None] = {}
        for name, outcome in contract.outcomes.items():
            results = outcome["results"]
            if results != EXAMPLE and not isinstance(results, dict):
                raise ContractError(f"fixtures/outcomes/{name}.json: results must be an object or {EXAMPLE!r}")
            self._results[name] = None if results == EXAMPLE else results
        self._examples = {operation.id: example_results(operation) for operation in contract.operations.built}
        self._rendered = lru_cache(maxsize=4096)(self._render)

    @property
    def names(self) -> tuple[str, ...]:
        """Every outcome's name."""
        return tuple(self._results)

    def suggest(self, name: str) -> str:
        """What to say to an unknown name: the nearest one, or all."""
        near = nearest(name, self._results)
        return f"did you mean {near[0]}?" if near else f"known are {', '.join(self._results)}"

    def results(self, operation: Operation, decision: Decision, outcome: str) -> bytes:
        """The results as the inside of a JSON object (`"executedRules":...`), empty where there are none.

        `outcome` is used where the decision names none. With every outcome but `example` the user's own risk
        levels show as craRiskLevel and kycRiskLevel, with the score of that level.
        """
        return self._rendered(
            operation.id, operation.says_message, decision.outcome or outcome, decision.cra, decision.kyc
        )

    def _render(self, operation_id: str, says_message: bool, outcome: str, cra: str | None, kyc: str | None) -> bytes:
        own = self._results[outcome]
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


def example_results(operation: Operation) -> dict[str, Any]:
    """The result fields of an operation's example, as they stand."""
    return {name: operation.example[name] for name in RESULT_NAMES if name in operation.example}


def levels(user: Mapping[str, Any], outcome: str | None) -> Decision:
    """The decision for a user: the outcome, and the risk levels that the user brings."""
    cra, kyc = user.get("riskLevel"), user.get("kycRiskLevel")
    return Decision(outcome, cra if isinstance(cra, str) else None, kyc if isinstance(kyc, str) else None)
