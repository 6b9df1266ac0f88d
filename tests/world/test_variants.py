"""Generated variants: valid, whole, and the same for the same seed in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest

from mockserver.contract import Contract
from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form
from mockserver.contract.operations import Operation
from mockserver.contract.walk import walk
from mockserver.errors import ContractError
from mockserver.world.variants import Variants
from tests.harness import ROOT, contract, other_hash_seed
from tests.world.drawn import (
    DRAWS,
    EMPTY,
    ENTITIES,
    OPERATIONS,
    RECORDS,
    drawn,
    everywhere,
    fewer,
    find,
    records,
    users,
    variants,
)  # fmt: skip


def without_results(operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that could be posted."""
    return {name: value for name, value in body.items() if name not in operation.results}


def sender(operation: Operation) -> Operation:
    """The operation that the record of an answer would be posted with."""
    built = [each for each in contract().operations.built if each.entity == operation.entity]
    if operation.listed:
        return next(each.each for each in built if each.each and each.listed == operation.listed)
    wanted = "event" if operation.do == "get-event" else operation.entity.kind
    return next(each for each in built if each.writes == wanted)


def is_whole(operation: Operation, sending: Operation) -> bool:
    """Whether the records of an answer have all that is needed to post them again."""
    models = contract().models
    declared = models.follow(operation.response).get("properties", {})
    if operation.listed in declared:
        declared = models.follow(declared[operation.listed]["items"])["properties"]
    return set(models.follow(sending.request or {})["required"]) <= declared.keys()


# What a new maker draws of all operations and records, as a hash.
DIGEST = """
import hashlib, json
from mockserver.contract import Contract
from mockserver.world.variants import Variants
{first}
contract = Contract(); variants = Variants(contract)
bodies = [variants.body(op, n, f"id-{{n}}") for op in contract.operations.built for n in range(15)]
bodies += [variants.record(kind, 3, n) for kind in ("consumer", "business", "transaction") for n in range(40)]
digest = hashlib.sha256(json.dumps(bodies).encode()).hexdigest()
"""


def digest() -> str:
    """The digest of this process."""
    names: dict[str, str] = {}
    exec(DIGEST.format(first=""), names)
    return names["digest"]


def digest_elsewhere(*first: str, **environment: str) -> str:
    """The digest of another process, which does something else before the first draw."""
    code = DIGEST.format(first="\n".join(first)) + "print(digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_body_is_valid_and_postable(operation_id: str) -> None:
    """Every draw carries the asked id, satisfies the response schema, and is a good request without its results."""
    operation = find(operation_id)
    promised, closed = (
        jsonschema_rs.Draft202012Validator(
            compiled_schema(contract().models, [operation.response], form), validate_formats=True
        )
        for form in (Form(), Form(strict=True))
    )
    sending = sender(operation)
    checks = (
        [contract().check(sending, strict=strict) for strict in (False, True)] if is_whole(operation, sending) else []
    )
    for seed in range(DRAWS // fewer(operation)):
        body = variants().body(operation, seed, f"asked {seed}")
        if operation.id_property:
            assert body[operation.id_property] == f"asked {seed}"
        assert promised.is_valid(body), next(promised.iter_errors(body))
        if "allOf" not in operation.response:  # closed, the parts of an allOf would refuse one another's properties
            assert closed.is_valid(body), next(closed.iter_errors(body))
        for record in records(operation_id, body):
            assert set(operation.results) <= record.keys()
            for check in checks:
                assert check.check(without_results(operation, record)) == ([], []), seed
        if "totalCount" in body:
            assert body["totalCount"] == len(records(operation_id, body)) > 0


@pytest.mark.parametrize("strict", [False, True], ids=["pages", "strict"])
@pytest.mark.parametrize("entity", ENTITIES)
def test_every_record_is_a_good_request(entity: str, strict: bool) -> None:
    """A generated user or transaction is accepted by its operation without a warning, and bears its number."""
    create = next(op for op in contract().operations.built if op.writes == op.entity.kind and op.entity.name == entity)
    check = contract().check(create, strict=strict)
    for number in range(DRAWS):
        record = variants().record(entity, 1, number)
        assert record[create.entity.id] == f"generated-{entity}-{number:06d}"
        assert check.check(record) == ([], []), number


def test_unknown_kind_of_record() -> None:
    """A kind of record that the contract does not have is a KeyError that names it."""
    with pytest.raises(KeyError, match="alien"):
        variants().record("alien", 0, 0)


def test_processes_agree() -> None:
    """Another process with other hashes, another time zone and no clock at all draws equal bytes."""
    no_clock = [
        "import datetime, time",
        "def refuse(*args): raise AssertionError('asked for the time')",
        "time.time = time.time_ns = time.localtime = refuse",
        "class date(datetime.date): today = refuse",
        "class stamp(datetime.datetime): now = utcnow = today = refuse",
        "datetime.date, datetime.datetime = date, stamp",
    ]
    assert digest_elsewhere(*no_clock, PYTHONHASHSEED=other_hash_seed(), TZ="Asia/Tokyo") == digest()


@pytest.mark.parametrize("operation_id", RECORDS)
def test_a_body_depends_on_seed_operation_and_id_alone(operation_id: str) -> None:
    """The same three give equal bytes whatever was drawn before, by another maker, too; each other seed or id not."""
    operation = find(operation_id)
    first = json.dumps(variants().body(operation, 5, "one"))
    variants().record("business", 99, 99)
    assert json.dumps(variants().body(operation, 5, "one")) == first
    assert json.dumps(Variants(contract()).body(operation, 5, "one")) == first
    assert json.dumps(variants().body(operation, 6, "one")) != first
    other = variants().body(operation, 5, "two")
    assert json.dumps({**other, operation.id_property: "one"}) != first


@pytest.mark.parametrize("entity", ENTITIES)
def test_users_differ(entity: str) -> None:
    """Users of other numbers and seeds differ in their values and in their shapes."""
    bodies = [without_id(user) for user in users(entity)]
    assert len({json.dumps(body) for body in bodies}) == len(bodies)
    assert len({tuple(body) for body in bodies}) > len(bodies) // 2
    assert without_id(variants().record(entity, 8, 1)) != without_id(variants().record(entity, 7, 1))


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    """A record without what its number alone makes differ."""
    return {name: value for name, value in body.items() if not name.endswith("Id") and name != "attachments"}


def test_every_property_is_drawn() -> None:
    """No property of any model that an answer can have is never generated."""
    models = contract().models
    missing: dict[int, str] = {}
    reached: dict[str, set[int]] = {operation_id: set() for operation_id in OPERATIONS}
    for operation_id, mine in reached.items():
        for name in models.reachable(find(operation_id).response):
            for key, schema in models.raw[name].get("properties", {}).items():
                missing[id(schema)] = f"{name}.{key}"
                mine.add(id(schema))
    for seed in range(10_000, 12_000):
        for operation_id, mine in reached.items():
            if mine.isdisjoint(missing):
                continue
            operation = find(operation_id)
            body = variants().body(operation, seed, "any")
            for place in walk(models, [operation.response], body):
                for schema in place.declared:
                    missing.pop(id(schema), None)
        if not missing:
            break
    assert not missing, sorted(missing.values())


def test_every_property_has_a_rule() -> None:
    """Nothing of today's contract is drawn by its type alone: each name has a kind of value of its own."""
    for operation_id in OPERATIONS:
        assert drawn(operation_id)
    assert variants().unruled == frozenset()


def test_the_schema_leads() -> None:
    """A property that no rule knows is drawn by its type, and enums come from the schema as it stands."""
    changed = Contract()
    user = changed.models.raw["User"]["properties"]
    user |= {
        "shoeSize": {"type": "integer", "minimum": 20, "maximum": 21},
        "nickname": {"type": "string"},
        "isTall": {"type": "boolean"},
        "bag": {"type": "array", "items": {"type": "string", "enum": ["only"]}},
    }
    changed.models.raw["MaritalStatus"]["enum"] = ["ENGAGED"]
    maker = Variants(changed)
    made = [maker.record("consumer", 0, number) for number in range(60)]
    assert {user["shoeSize"] for user in made if "shoeSize" in user} == {20, 21}
    assert all(len(user.get("nickname", "x")) < 20 for user in made)
    assert {user["isTall"] for user in made if "isTall" in user} <= {True, False}
    assert {"only"} == {value for user in made for value in user.get("bag", ())}
    assert {"ENGAGED"} == {
        u["userDetails"]["maritalStatus"] for u in made if "maritalStatus" in u.get("userDetails", ())
    }
    assert maker.unruled == {("User", "shoeSize"), ("User", "nickname")}


@pytest.mark.parametrize(("model", "value"), [("CountryCode", "DE"), ("CurrencyCode", "EUR"), ("RuleNature", "AML")])
def test_data_that_contradicts_the_schemas_is_named(model: str, value: str) -> None:
    """A value of fixtures/variants that its enum does not have stops the first draw, with file and value."""
    changed = Contract()
    changed.models.raw[model]["enum"].remove(value)
    with pytest.raises(ContractError, match=rf"fixtures/variants/.*{value} is none of {model}"):
        Variants(changed).record("consumer", 0, 0)


def test_enums_come_from_the_schema() -> None:
    """Every value whose model is an enum is one of it, and of one that was drawn often every value occurs."""
    seen: dict[str, Counter[Any]] = {}
    raw = contract().models.raw
    for place in everywhere():
        for schema in place.declared:
            name = str(schema.get("items", schema).get("$ref", "")).removesuffix(".json")
            if "enum" in raw.get(name, EMPTY):
                values = place.value if isinstance(place.value, list) else [place.value]
                assert set(values) <= set(raw[name]["enum"]), (place.pointer, values)
                seen.setdefault(name, Counter()).update(values)
    often = {name: drawn for name, drawn in seen.items() if drawn.total() > 25 * len(raw[name]["enum"])}
    often.pop("CountryCode", None)  # of these only those of the profiles
    often.pop("CurrencyCode", None)
    assert len(often) > 15
    assert {name: set(drawn) for name, drawn in often.items()} == {name: set(raw[name]["enum"]) for name in often}


def test_faker_waits_for_its_first_use() -> None:
    """Making the maker imports no Faker, and a draw imports the locales that it needs alone."""
    code = (
        "import sys; from mockserver.contract import Contract; from mockserver.world.variants import Variants\n"
        "maker = Variants(Contract()); assert 'faker' not in sys.modules\n"
        "maker.record('consumer', 0, 0); assert 'faker' in sys.modules\n"
        "people = [name for name in sys.modules if name.startswith('faker.providers.person.')]\n"
        "assert 0 < len(people) < 6, people"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
