"""What the API promises: schemas and fixtures, loaded, checked and compiled.

A `Contract` reads everything when it is made and checks it; after that nothing here touches a file. What the profile
`pages` needs is compiled then too. `strict` is compiled operation by operation, when it is first asked for: few do, and
all would be a fifth of a start.
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
        self._made: dict[str, BodyCheck] = {}  # most batches ask of a record what the single request does: made once
        self._checks: dict[tuple[str, bool], BodyCheck] = {}
        self._each: dict[tuple[str, bool], BodyCheck] = {}
        for operation in self.operations.built:
            if operation.request is not None:
                self.check(operation, strict=False)
            if operation.each is not None and operation.each.request is not None:
                self.check_each(operation, strict=False)

    def check(self, operation: Operation, *, strict: bool) -> BodyCheck:
        """The compiled check of an operation's body; of a batch without its records."""
        try:
            return self._checks[operation.id, strict]
        except KeyError:
            return self._checks.setdefault((operation.id, strict), self._check(operation, strict))

    def check_each(self, batch: Operation, *, strict: bool) -> BodyCheck:
        """The compiled check of a record of a batch."""
        try:
            return self._each[batch.id, strict]
        except KeyError:
            assert batch.each is not None  # noqa: S101 - a batch has one
            return self._each.setdefault((batch.id, strict), self._check(batch.each, strict))

    def _check(self, operation: Operation, strict: bool) -> BodyCheck:
        parts = str((operation.entity.results, strict, body_schemas(operation, strict=strict)))
        if parts not in self._made:
            self._made[parts] = BodyCheck(self.models, operation, strict=strict)
        return self._made[parts]
