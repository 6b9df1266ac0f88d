"""The vendor's models: read, checked, and derived into what validators and the OpenAPI document need.

One source, `schemas/models/*.json`, holds what every profile checks. From it come, by rule:

- null: an optional property takes null as well (it means absent; the SDKs send it);
- strict: what stands in `x-strict` beside a property is added, and unknown properties are refused;
- tidy: the profile with unknown properties and timestamps in seconds refused. What passes it needs no warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mockserver.contract.source import read_folder
from mockserver.errors import ContractError

Schema = dict[str, Any]

# A timestamp in this range (as milliseconds: 2 January 1970 to March 1973) was surely meant in seconds.
SECONDS = (100_000_000, 100_000_000_000)
_LOOKS_LIKE_SECONDS: Schema = {"type": "number", "minimum": SECONDS[0], "exclusiveMaximum": SECONDS[1]}

_NESTED = {"items", "not", "additionalProperties"}
_LISTS = {"allOf", "anyOf", "oneOf"}
_MAPS = {"properties", "$defs"}
_ASSERTIONS = {
    "$ref", "type", "enum", "const", "required", "format", "pattern",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
}  # fmt: skip
_NOTES = {"$schema", "title", "description", "examples", "discriminator"}
_OURS = {"x-strict", "x-unit", "x-known", "x-evidence"}
_DROPPED = (_NOTES | _OURS) - {"title"}  # the title names the model in a report
KEYWORDS = _NESTED | _LISTS | _MAPS | _ASSERTIONS | _NOTES | _OURS


@dataclass(frozen=True)
class Form:
    """Which derivation of the models is wanted."""

    strict: bool = False
    tidy: bool = False
    literal: bool = False  # take null as the schema says, not as absent
    notes: bool = False  # keep titles, descriptions and x- keys: for the document, not for validators
    prefix: str = "#/$defs/"

    @property
    def closed(self) -> bool:
        """Whether unknown properties are refused."""
        return (self.strict or self.tidy) and not self.notes


class Models:
    """Every model of `schemas/models`, by the vendor's name."""

    def __init__(self, folder: Path) -> None:
        self.raw: dict[str, Schema] = read_folder(folder)
        if not self.raw:
            raise ContractError(f"{folder}: no models here")
        for name, schema in self.raw.items():
            where = f"{folder.name}/{name}.json"
            if schema.get("title") != name:
                raise ContractError(f"{where}: its title is not {name}")
            check_schema(schema, where)
            for target in references(schema):
                self._model(target, where)
        # A start derives the same models for each operation: 40 of its 110 ms without these two.
        self._targets = {name: frozenset(map(model_name, references(schema))) for name, schema in self.raw.items()}
        self._derived: dict[tuple[str, Form], Schema] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of every property of every model, and of those that are known beside them."""
        found = (
            name for model in self.raw.values() for part in ("properties", "x-known") for name in model.get(part, ())
        )
        return frozenset(found)

    def _model(self, reference: str, where: str) -> str:
        name = model_name(reference)
        if name not in self.raw:
            raise ContractError(f"{where}: $ref {reference} leads to no model")
        return name

    def follow(self, schema: Schema) -> Schema:
        """The model that a `$ref` names; a schema without one as it is."""
        return self.raw[model_name(schema["$ref"])] if "$ref" in schema else schema

    def check(self, schema: Schema, where: str) -> None:
        """Raise ContractError when the schema has an unknown keyword or a `$ref` that leads nowhere."""
        check_schema(schema, where)
        for target in references(schema):
            self._model(target, where)

    def reachable(self, schema: Schema) -> set[str]:
        """The names of the models that a schema uses, at any depth."""
        found: set[str] = set()
        waiting = {model_name(target) for target in references(schema)}
        while waiting:
            name = waiting.pop()
            found.add(name)
            waiting |= self._targets[name] - found
        return found

    def derive(self, schema: Schema, form: Form) -> Schema:
        """A schema of the contract in the given form, references rewritten to `form.prefix`."""
        if form.strict and "x-strict" in schema:
            schema = {**schema, **schema["x-strict"]}
            del schema["x-strict"]
        if form.closed and "discriminator" in schema:
            return self._closed_union(schema, form)
        derived: Schema = {}
        for key, value in schema.items():
            if key in _DROPPED and not form.notes:
                continue
            if key == "$schema":
                continue
            if key == "$ref":
                derived[key] = form.prefix + model_name(value)
            elif key == "discriminator":
                continue  # the constants of the members say it all, and tools look for models named like them
            elif key in _MAPS:
                required = schema.get("required", ())
                derived[key] = {
                    name: self._property(part, form, optional=name not in required and not form.literal)
                    for name, part in value.items()
                }
            elif key in _LISTS:
                derived[key] = [self.derive(part, form) for part in value]
            elif key in _NESTED | {"x-strict"} and isinstance(value, dict):
                derived[key] = self.derive(value, form)
            else:
                derived[key] = value
        if form.tidy and schema.get("x-unit") == "epoch-ms":
            derived["not"] = _LOOKS_LIKE_SECONDS
        if form.closed and schema.get("type") == "object" and "properties" in schema:
            derived["properties"] |= dict.fromkeys(schema.get("x-known", ()), True)
            derived["additionalProperties"] = False
        return derived

    def _property(self, schema: Schema, form: Form, *, optional: bool) -> Schema:
        derived = self.derive(schema, form)
        return nullable(derived) if optional else derived

    def _closed_union(self, schema: Schema, form: Form) -> Schema:
        """A union by a property: each member once, with the property among its own, so that it can be closed."""
        members = []
        for member in schema["oneOf"]:
            parts = [self.follow(part) for part in member["allOf"]]
            merged: Schema = {"type": "object", "properties": {}, "required": []}
            for part in parts:
                merged["properties"] |= part["properties"]
                merged["required"] += part.get("required", [])
                if "x-known" in part:
                    merged["x-known"] = part["x-known"]
            members.append(self.derive(merged, form))
        outline: Schema = {key: schema[key] for key in ("required", "properties") if key in schema}
        return {**self.derive(outline, form), "type": "object", "oneOf": members}

    def definitions(self, names: set[str], form: Form) -> dict[str, Schema]:
        """The named models in the given form, for `$defs` or `components/schemas`; they are not to be changed."""
        for name in names:
            if (name, form) not in self._derived:
                self._derived[name, form] = self.derive(self.raw[name], form)
        return {name: self._derived[name, form] for name in sorted(names)}


def nullable(schema: Schema) -> Schema:
    """The schema, or null. Enums stay as they are: null stands beside them, at the property."""
    if "$ref" in schema or "enum" in schema:
        notes = {key: schema[key] for key in schema if key in _NOTES | _OURS}
        rest = {key: schema[key] for key in schema if key not in notes}
        return {**notes, "anyOf": [rest, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return schema


def model_name(reference: str) -> str:
    """`models/User.json` and `User.json` are the model User."""
    return reference.rsplit("/", 1)[-1].removesuffix(".json")


def parts_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """The schemas directly inside a schema, each with the path to it."""
    for key, value in schema.items():
        if key in _MAPS:
            yield from ((f"{key}/{name}", part) for name, part in value.items())
        elif key in _LISTS:
            yield from ((f"{key}/{index}", part) for index, part in enumerate(value))
        elif (key in _NESTED or key == "x-strict") and isinstance(value, dict):
            yield key, value


def check_schema(schema: Schema, where: str) -> None:
    """Raise ContractError for a keyword that this package does not know, at any depth."""
    if not isinstance(schema, dict):
        raise ContractError(f"{where}: a schema must be an object")
    for key in schema:
        if key not in KEYWORDS:
            raise ContractError(f"{where}: unknown schema keyword {key}")
    for path, part in parts_of(schema):
        check_schema(part, f"{where}: {path}" if ": " not in where else f"{where}/{path}")


def references(schema: Schema) -> Iterator[str]:
    """Every `$ref` of a schema, at any depth, models not followed."""
    if "$ref" in schema:
        yield schema["$ref"]
    for _, part in parts_of(schema):
        yield from references(part)
