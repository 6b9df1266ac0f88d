"""A value and the contract side by side: which property is declared, and by which schemas.

Two things need it, both off the common path: warnings about what was accepted, and absent-by-null properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.contract.models import Models, Schema


@dataclass(frozen=True)
class Place:
    """One property of one object of the value."""

    pointer: str
    holder: dict[str, Any]  # the object that has it
    name: str
    declared: tuple[Schema, ...]  # the schemas that declare it; empty for an unknown property
    siblings: tuple[str, ...]  # every name that is declared or known here
    title: str  # the model's name, or ""

    @property
    def value(self) -> Any:
        """What the property holds."""
        return self.holder[self.name]


def walk(models: Models, schemas: Sequence[Schema], value: Any, pointer: str = "") -> Iterator[Place]:
    """Every property of every object in `value` that the schemas speak of, parents first.

    Free values (customObject, unknown properties) are named but not entered.
    """
    flat = [part for schema in schemas for part in applicable(models, schema, value)]
    if isinstance(value, dict):
        yield from _object(models, flat, value, pointer)
    elif isinstance(value, list):
        items = [schema["items"] for schema in flat if "items" in schema]
        if items:
            for index, entry in enumerate(value):
                yield from walk(models, items, entry, f"{pointer}/{index}")


def _object(models: Models, flat: Sequence[Schema], value: dict[str, Any], pointer: str) -> Iterator[Place]:
    declaring = [schema for schema in flat if "properties" in schema]
    if not declaring:
        return
    known: dict[str, None] = {}
    for schema in declaring:
        known |= dict.fromkeys(schema["properties"])
        known |= dict.fromkeys(schema.get("x-known", ()))
    siblings = tuple(known)
    title = next((schema["title"] for schema in reversed(declaring) if "title" in schema), "")
    for name in value:
        declared = tuple(schema["properties"][name] for schema in declaring if name in schema["properties"])
        place = f"{pointer}/{escape(name)}"
        yield Place(place, value, name, declared, siblings, title)
        if declared:
            yield from walk(models, declared, value[name], place)


def applicable(models: Models, schema: Schema, value: Any) -> Iterator[Schema]:
    """The schemas without references or choices that apply to the value."""
    if "$ref" in schema:
        yield from applicable(models, models.follow(schema), value)
    yield schema
    for part in schema.get("allOf", ()):
        yield from applicable(models, part, value)
    for part in _chosen(models, schema, value):
        yield from applicable(models, part, value)


def _chosen(models: Models, schema: Schema, value: Any) -> Sequence[Schema]:
    """The members of a union that the value means: by its discriminator, else by the required names it has."""
    if not isinstance(value, dict):
        return ()
    if "discriminator" in schema:
        name = schema["discriminator"]["propertyName"]
        for member in schema["oneOf"]:
            constants = [part["properties"][name].get("const") for part in member["allOf"] if "properties" in part]
            if value.get(name) in constants:
                return (member,)
        return ()
    for member in schema.get("anyOf", ()):
        required = models.follow(member).get("required", ())
        if required and all(name in value for name in required):
            return (member,)
    return ()


def escape(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def drop_nulls(models: Models, schemas: Sequence[Schema], value: Any) -> None:
    """Take every optional, declared property that is null out of `value`, in place.

    The SDKs send null for an argument of None, so null on an optional property is absent (seen in the SDKs). In
    free values null is a value and stays. Parts without a null are passed over: each record of a batch may hold one.
    """
    if not _holds_null(value):
        return
    flat = [part for schema in schemas for part in applicable(models, schema, value)]
    if isinstance(value, list):
        items = [schema["items"] for schema in flat if "items" in schema]
        for entry in value:
            drop_nulls(models, items, entry)
    elif isinstance(value, dict):
        required = {name for schema in flat for name in schema.get("required", ())}
        for name in list(value):
            declared = [schema["properties"][name] for schema in flat if name in schema.get("properties", ())]
            if declared and value[name] is None and name not in required:
                del value[name]
            elif declared:
                drop_nulls(models, declared, value[name])


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_null, value.values()))
    return any(map(_holds_null, value)) if isinstance(value, list) else value is None
