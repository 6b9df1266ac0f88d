"""What the API promises: schemas and fixtures, loaded, checked and compiled.

A `Contract` reads everything when it is made; after that nothing here touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract.checks import BodyCheck, body_schemas
from mockserver.contract.models import Models
from mockserver.contract.operations import Operation, Operations, load_operations
from mockserver.contract.source import data_root, read_folder, read_json, read_yaml

__all__ = ["Contract"]


class Contract:
    """The whole contract: operations, models, compiled checks, bundled outcomes and worlds."""

    def __init__(self) -> None:
        root = data_root()
        fixtures = root / "fixtures"
        document = read_yaml(root / "schemas" / "openapi.yaml")
        self.models = Models(root / "schemas" / "models")
        self.operations: Operations = load_operations(document, self.models, fixtures)
        self.outcomes: Mapping[str, Any] = read_folder(fixtures / "outcomes")
        self.risk_scores: Mapping[str, float] = read_json(fixtures / "risk_scores.json")["scores"]
        self.fixtures = fixtures
        made: dict[str, BodyCheck] = {}  # most batches ask of a record what the single request does: compiled once
        self._checks: dict[tuple[str, bool], BodyCheck] = {}
        self._each: dict[tuple[str, bool], BodyCheck] = {}
        for operation in self.operations.built:
            for into, checked in ((self._checks, operation), (self._each, operation.each)):
                if checked is None or checked.request is None:
                    continue
                for strict in (False, True):
                    parts = str((checked.entity.results, strict, body_schemas(checked, strict=strict)))
                    if parts not in made:
                        made[parts] = BodyCheck(self.models, checked, strict=strict)
                    into[operation.id, strict] = made[parts]

    def check(self, operation: Operation, *, strict: bool) -> BodyCheck:
        """The compiled check of an operation's body; of a batch without its records."""
        return self._checks[operation.id, strict]

    def check_each(self, batch: Operation, *, strict: bool) -> BodyCheck:
        """The compiled check of a record of a batch."""
        return self._each[batch.id, strict]
