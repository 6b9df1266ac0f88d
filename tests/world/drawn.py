"""What the tests of generated variants read: bodies drawn once, and ways through them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from mockserver.contract.operations import Operation
from mockserver.contract.walk import Place, walk
from mockserver.world.variants import Variants
from tests.harness import FIXTURES, contract

DRAWS = int(os.environ.get("MOCKSERVER_TEST_DRAWS", "100"))  # of each operation; set it higher to look for more
LOOKED_AT = 100  # bodies of each operation that the tests of coherence read
OPERATIONS = [operation.id for operation in contract().operations.built]
RECORDS = [operation.id for operation in contract().operations.built if operation.results]  # the answers with results
ENTITIES = ["consumer", "business", "transaction"]
EARLIEST, LATEST = 315529200000, 4133890801000  # the documented bounds of timestamps
PROFILES = json.loads((FIXTURES / "variants" / "countries.json").read_text())["countries"]
BY_CODE = {profile["code"]: profile for profile in PROFILES}
EMPTY: Any = {}


@cache
def variants() -> Variants:
    """One maker for all tests."""
    return Variants(contract())


def find(operation_id: str) -> Operation:
    """The operation of an id."""
    return contract().operations.find(operation_id)


@cache
def drawn(operation_id: str) -> tuple[dict[str, Any], ...]:
    """Some bodies of an operation, each of another seed and id; fewer of a batch, which are of many records."""
    operation = find(operation_id)
    return tuple(variants().body(operation, seed, f"asked-{seed}") for seed in range(LOOKED_AT // fewer(operation)))


def fewer(operation: Operation) -> int:
    """By how much less of a batch is looked at."""
    return 5 if operation.listed else 1


def records(operation_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of an answer: of a batch's page each, else the answer itself."""
    entries: list[dict[str, Any]] = body.get(find(operation_id).listed, [body])
    return entries


@cache
def users(entity: str) -> tuple[dict[str, Any], ...]:
    """Some users of a kind."""
    return tuple(variants().record(entity, 7, number) for number in range(LOOKED_AT * 2))


def places(operation_id: str, bodies: tuple[dict[str, Any], ...]) -> Iterator[Place]:
    """Every property of the bodies, with the model that has it."""
    for body in bodies:
        yield from walk(contract().models, [find(operation_id).response], body)


@cache
def everywhere() -> tuple[Place, ...]:
    """Every property of every body that these tests drew."""
    return tuple(place for operation_id in OPERATIONS for place in places(operation_id, drawn(operation_id)))


def holders(model: str) -> Iterator[dict[str, Any]]:
    """Every object of a model in every body."""
    seen: set[int] = set()
    for place in everywhere():
        if place.title == model and id(place.holder) not in seen:
            seen.add(id(place.holder))
            yield place.holder


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, names of properties left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)
