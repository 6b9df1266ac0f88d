"""Bodies with every property filled at every depth, made from schemas/models, the same ones in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.contract.sdk_models import our_models
from tests.harness import NOW

FREE: dict[str, Any] = {"text": "ü", "number": 1.5, "list": [1, "two", None, {"deep": {}}], "none": None}


class Full:
    """A maker of full bodies. Each enum and each union goes on to its next value with every use."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def make(self, model: str, **given: Any) -> Any:
        """A value of a model with everything filled; `given` stands in place of what would be made."""
        return self._value(our_models()[model], model, model) | given

    def minimal(self, model: str, **given: Any) -> Any:
        """A value of a model with nothing but what it requires, at every depth."""
        return self.least(our_models()[model], model) | given

    def least(self, schema: dict[str, Any], model: str) -> Any:
        """A value of a schema with nothing but what it requires."""
        return self._value(schema, model, model, least=True)

    def _value(self, schema: dict[str, Any], model: str, name: str, *, least: bool = False) -> Any:
        if "$ref" in schema:
            model = schema["$ref"].removesuffix(".json")
            return self._value(our_models()[model], model, name, least=least)
        if "enum" in schema:
            return self._next(model, schema["enum"])
        members = members_of(schema)
        if members:
            return self._value(members[self._turn(model) % len(members)], model, name, least=least)
        if "const" in schema:
            return schema["const"]
        if schema.get("type") == "array":
            return self._list(schema["items"], model, name, least=least)
        if schema.get("type") == "object" or "allOf" in schema:
            return self._object(schema, model, least=least)
        return self._scalar(schema, model, name)

    def _object(self, schema: dict[str, Any], model: str, *, least: bool) -> dict[str, Any]:
        properties, required = flattened(schema)
        if not properties:
            return {} if least else dict(FREE)
        return {
            name: self._value(part, model, name, least=least)
            for name, part in properties.items()
            if name in required or not least
        }

    def _list(self, items: dict[str, Any], model: str, name: str, *, least: bool) -> list[Any]:
        """One of each member of a union; else two, so that order shows."""
        target = our_models()[items["$ref"].removesuffix(".json")] if "$ref" in items else items
        count = 1 if least else max(2, len(members_of(target)))
        return [self._value(items, model, name, least=least) for _ in range(count)]

    def _scalar(self, schema: dict[str, Any], model: str, name: str) -> Any:
        turn = self._turn("")
        if schema["type"] == "boolean":
            return turn % 2 == 0
        if schema["type"] == "integer":
            return turn % 12 + 1
        if schema["type"] == "number":
            return NOW + turn if schema.get("x-unit") == "epoch-ms" else turn + 0.5
        return f"{model} {name} {turn}"

    def _next(self, enum: str, values: list[str]) -> str:
        return values[self._turn(enum) % len(values)]

    def _turn(self, what: str) -> int:
        self._turns[what] += 1
        return self._turns[what] - 1


def members_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a union; none for anything else."""
    members: list[dict[str, Any]] = schema.get("oneOf") or schema.get("anyOf") or []
    return members


def flattened(schema: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The properties of an object and which are required, what it joins by allOf included."""
    properties: dict[str, Any] = {}
    required: set[str] = set()
    for part in schema.get("allOf", ()):
        target = our_models()[part["$ref"].removesuffix(".json")] if "$ref" in part else part
        inner, needed = flattened(target)
        properties |= inner
        required |= needed
    return properties | schema.get("properties", {}), required | set(schema.get("required", ()))


def with_every_value(model: str, enum: str) -> list[dict[str, Any]]:
    """Bodies of a model that hold every value of an enum between them: one body where a list can hold them all."""
    steps = routes(model)[enum]
    values = our_models()[enum]["enum"]
    if "[]" in steps:
        return [_along(our_models()[model], steps, values, model)]
    return [_along(our_models()[model], steps, [value], model) for value in values]


def routes(model: str) -> dict[str, tuple[Any, ...]]:
    """The way to each enum that a model uses: names of properties, `[]` for a list, the number of a union's member.

    The shortest way through a list, which takes many values at once; else the shortest way.
    """
    found: dict[str, tuple[Any, ...]] = {}
    seen: set[tuple[str, bool]] = set()
    waiting: list[tuple[dict[str, Any], tuple[Any, ...]]] = [(our_models()[model], ())]
    for schema, steps in waiting:
        if "$ref" in schema:
            name = schema["$ref"].removesuffix(".json")
            if (name, "[]" in steps) in seen:
                continue
            seen.add((name, "[]" in steps))
            schema = our_models()[name]
            if "enum" in schema and (name not in found or "[]" not in found[name]):
                found[name] = steps
        if members_of(schema):
            waiting += [(member, (*steps, number)) for number, member in enumerate(members_of(schema))]
        elif "items" in schema:
            waiting.append((schema["items"], (*steps, "[]")))
        else:
            waiting += [(part, (*steps, name)) for name, part in flattened(schema)[0].items()]
    return found


def _along(schema: dict[str, Any], steps: tuple[Any, ...], values: list[str], model: str) -> Any:
    """A value with nothing but what is required, and at the end of the way the values."""
    if "$ref" in schema:
        model = schema["$ref"].removesuffix(".json")
        schema = our_models()[model]
    if not steps:
        (value,) = values
        return value
    step, rest = steps[0], steps[1:]
    if step == "[]":
        return [_along(schema["items"], rest, [value], model) for value in values]
    if isinstance(step, int):
        return _along(members_of(schema)[step], rest, values, model)
    least: dict[str, Any] = Full().least(schema, model)
    return least | {step: _along(flattened(schema)[0][step], rest, values, model)}


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Every place of a value, list positions left out."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield f"{prefix}/{name}"
            yield from paths(part, f"{prefix}/{name}")
    elif isinstance(value, list):
        for part in value:
            yield from paths(part, prefix)
