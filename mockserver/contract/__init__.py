"""What the API promises: schemas and fixtures, loaded, checked and compiled.

A `Contract` reads everything when it is made; after that nothing here touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract.checks import BodyCheck
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
        self._checks = {
            (operation.id, strict): BodyCheck(self.models, operation, strict=strict)
            for operation in self.operations.built
            if operation.request is not None
            for strict in (False, True)
        }

    def check(self, operation: Operation, *, strict: bool) -> BodyCheck:
        """The compiled check of an operation's body."""
        return self._checks[operation.id, strict]
