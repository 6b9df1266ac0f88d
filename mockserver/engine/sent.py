"""What was sent, as the engine takes it: the query's values, and the verdict on a body or on a record of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mockserver.contract.checks import number
from mockserver.contract.operations import Operation
from mockserver.contract.smells import Notice
from mockserver.errors import Violation


def flags(operation: Operation, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query's booleans, and its numbers rounded down; of a repeated one the last counts."""
    found: dict[str, Any] = {}
    for parameter in operation.parameters:
        for name, value in query:
            if name == parameter.name and parameter.allowed == ("true", "false"):
                found[name] = value == "true"
            elif name == parameter.name and parameter.number:
                found[name] = math.floor(number(value) or 0)
    return found


def leniently(
    violations: list[Violation], warnings: list[Notice], body: Any, operation: Operation
) -> tuple[list[Violation], list[Notice]]:
    """What even `lenient` refuses of a body, or of a record of a batch (no object, no id, no list of records), else
    nothing; and what is to be said about it.
    """
    if not isinstance(body, dict):
        return [Violation("body", "", "type", "must be an object")], warnings
    name, told = operation.entity.id, "must be a text of one character at least"
    if operation.each:
        name, told = "data", "must be a list"
    value = body.get(name)
    if isinstance(value, list) if operation.each else isinstance(value, str) and value:
        return [], [*(Notice(entry.pointer, "not-valid", entry.message) for entry in violations), *warnings]
    fatal = [entry for entry in violations if entry.pointer == f"/{name}"]
    return fatal or [Violation("body", f"/{name}", "required", told)], warnings
