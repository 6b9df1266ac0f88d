"""Is this request what the contract demands? The accept path is fast, the reject path is thorough.

Per operation and profile three forms of one schema are compiled: `tidy` (valid, and nothing to warn of; nearly
every request ends here), `valid` (jsonschema-rs's verdict), and the reporter (jsonschema). The reporter, and all of
the profile `strict`, are made when first needed: a test run waits for each start.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import jsonschema_rs

from mockserver.contract.excerpt import excerpt
from mockserver.contract.models import Form, Models, Schema
from mockserver.contract.operations import Constraint, Operation, Parameter
from mockserver.contract.report import Reporter, Suspect, enum_violation
from mockserver.contract.smells import Notice, smells
from mockserver.contract.walk import drop_nulls
from mockserver.errors import LARGEST_REPORT, SKIMMED, STOPPED, ContractError, Violation

_log = logging.getLogger("mockserver.contract")
_NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?", re.ASCII)


class BodyCheck:
    """The check of one operation's body under one profile (`pages` or `strict`)."""

    def __init__(self, models: Models, operation: Operation, *, strict: bool) -> None:
        if operation.request is None:
            raise ContractError(f"{operation.id} has no body")
        self._models = models
        self._results = operation.entity.results
        self.parts = body_schemas(operation, strict=strict)
        self._strict = strict
        self._reporter: Reporter | None = None
        self.name = f"{operation.id} ({'strict' if strict else 'pages'})"
        if not strict:
            _ = self._tidy, self._valid

    @cached_property
    def schema(self) -> Schema:
        """What a body must satisfy, as one schema."""
        return compiled_schema(self._models, self.parts, Form(strict=self._strict))

    @cached_property
    def _valid(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(self.schema, validate_formats=True)

    @cached_property
    def _tidy(self) -> jsonschema_rs.Draft202012Validator:
        tidy = compiled_schema(self._models, self.parts, Form(strict=self._strict, tidy=True))
        return jsonschema_rs.Draft202012Validator(tidy, validate_formats=True)

    def check(self, body: Any, *, briefly: bool = False) -> tuple[list[Violation], list[Notice]]:
        """What refuses the body (empty: it is valid), and what is accepted and looks wrong.

        Briefly, the verdict alone: one violation that says no more, and no notice. A batch of thousands of wrong
        records has no time for more.
        """
        if (self._valid if briefly else self._tidy).is_valid(body):
            return [], []
        if briefly:
            return [Violation("body", "", "not-valid", "breaks the contract")], []
        if not self._valid.is_valid(body):
            violations = self.report(body)
            if violations:
                return violations, []
            # The two validators disagree: a defect of ours, and no reason to refuse what may be right.
            _log.error("defect of ours: %s was refused without a reason, and so accepted", self.name)
        return [], smells(self._models, self.parts, body, self._results)

    def report(self, body: Any, *, focused: bool = True) -> list[Violation]:
        """The violations of the body by jsonschema, at most 100; STOPPED or SKIMMED behind them says of more.

        Focused, it looks only where jsonschema-rs refused something; else everywhere, which says the same.
        """
        if self._reporter is None:
            self._reporter = Reporter(self.schema)
        if not focused:
            found, more = self._reporter.report(body)
            return [*found, STOPPED] if more else found
        part = excerpt(body, self._valid.is_valid, self._models.names)
        found, more = self._reporter.report(part.body, self._suspects(part.body))
        found = [replace(entry, pointer=part.pointer(entry.pointer)) for entry in found]
        if more or not part.whole:
            found.append(STOPPED if more else SKIMMED)
        return found

    def _suspects(self, body: Any) -> Iterator[Suspect]:
        """The places that jsonschema-rs refuses; of a choice all that lies below must be looked into."""
        for error in islice(self._valid.iter_errors(body), 4 * LARGEST_REPORT):
            yield error.instance_path, error.schema_path[-1] in ("anyOf", "oneOf")

    def drop_nulls(self, body: Any) -> None:
        """Take what is absent by null out of the body, in place."""
        drop_nulls(self._models, self.parts, body)


def body_schemas(operation: Operation, *, strict: bool) -> list[Schema]:
    """The schemas that a body must satisfy: the model, and what the profile adds."""
    added = [constraint.schema for constraint in joined_constraints(operation, strict=strict)]
    return [operation.request or {}, *added]


def joined_constraints(operation: Operation, *, strict: bool) -> list[Constraint]:
    """What the profile adds to the operation's body."""
    profiles = ("pages", "strict") if strict else ("pages",)
    return [constraint for constraint in operation.constraints if constraint.profile in profiles]


def compiled_schema(models: Models, parts: Sequence[Schema], form: Form) -> Schema:
    """One schema that needs no other file: the parts, and every model that they use under `$defs`."""
    names = {name for part in parts for name in models.reachable(part)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [models.derive(part, form) for part in parts],
        "$defs": models.definitions(names, form),
    }


def check_query(parameters: Sequence[Parameter], query: Sequence[tuple[str, str]]) -> list[Violation]:
    """What is wrong with the query: a repeated parameter must be right each time, unknown ones are ignored."""
    found = []
    for parameter in parameters:
        for name, value in query:
            if name != parameter.name:
                continue
            if parameter.allowed is not None and value not in parameter.allowed:
                found.append(enum_violation("query", f"/{name}", value, parameter.allowed))
                break
            if parameter.number and number(value) is None:
                found.append(Violation("query", f"/{name}", "type", "must be a number", value[:80], True))
                break
    return found


def number(text: str) -> float | None:
    """The number that a query parameter holds, as JSON writes one; None where it is no finite number."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None
