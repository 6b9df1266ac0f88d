"""Two validators and two parsers held together: what the fast one says, the thorough one says too."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.contract.checks import BodyCheck
from mockserver.contract.parse import json_bytes, json_equal, parse_body
from mockserver.errors import BadRequest
from tests.harness import FIXTURES, NOW, Api, contract, made

QUICK = settings(
    max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
SENDERS = {entry.id: entry for entry in contract().operations.built if entry.request is not None}
SINGLES = [name for name, entry in SENDERS.items() if not entry.each]
# Of a batch's record where its check is not that of the single operation.
CHECKED = [
    name
    for name, entry in SENDERS.items()
    if not entry.each
    or contract().check_each(entry, strict=False).schema
    != contract().check(contract().operations.find(entry.each.id), strict=False).schema
]
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
# What a mutant may hold where a right value stood: near misses first.
WRONG = st.one_of(
    st.sampled_from([None, True, 0, 1, -1, 1.0, 0.5, 1641654664, 315529199999, 4133890801001, "", "x", "DE",
                     "de", "CARD", "IBAN", "ACTIVE", "HIGH", "1990-01-01", "1990-02-30", "2024-1-1", [], {}, [None],
                     [{}], [[]],
                     {"method": "CARD"}, {"method": "IBAN", "country": "XX"}, {"generalDetails": {}},
                     {"companyGeneralDetails": {}}, {"key": "a", "value": "b"}, 10**400, -0.0]),
    JSON,
)  # fmt: skip


@cache
def full(name: str) -> str:
    """The fullest body of an operation, or record of a batch: what the SDK's examples of GET show, as a request."""
    sender = SENDERS[name].each or SENDERS[name]

    def read(id_name: str) -> Any:
        getter = next(
            entry
            for entry in contract().operations.built
            if entry.request is None and entry.entity == sender.entity and entry.id_property == id_name
        )
        body = json.loads((FIXTURES / "sdk" / f"{getter.sdk_name}.response.json").read_text())
        body = {key: value for key, value in body.items() if key not in sender.entity.results}
        return {**body, "activatedTimestamp": NOW} if "activatedTimestamp" in body else body

    record = read(sender.entity.id)
    if sender.writes != "event":
        return json.dumps(record)
    event = read("eventId")
    model = contract().models.follow(
        contract().models.follow(sender.request or {})["properties"][sender.entity.attributes]
    )
    fields = {key: value for key, value in record.items() if key in model["properties"]}
    return json.dumps({**event, sender.entity.attributes: fields})


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key in a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found = [(value, key) for key in keys]
    for key in keys:
        found += places(value[key])
    return found


@st.composite
def mutants(draw: Any, operation: str) -> Any:
    """A full body with a few places changed, taken out, renamed or doubled."""
    body = json.loads(full(operation))
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(places(body)))
        if not (key in holder if isinstance(holder, dict) else key < len(holder)):
            continue
        how = draw(st.sampled_from(["change", "change", "remove", "rename", "double"]))
        if how == "change":
            holder[key] = deepcopy(draw(WRONG))
        elif how == "remove":
            del holder[key]
        elif how == "rename" and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        elif how == "double" and isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        if not body:
            break
    return body


def check_of(operation: str, strict: bool) -> BodyCheck:
    """The compiled check of an operation's body, or of a record of a batch."""
    sender = SENDERS[operation]
    return contract().check_each(sender, strict=strict) if sender.each else contract().check(sender, strict=strict)


@pytest.mark.parametrize("strict", [False, True], ids=["pages", "strict"])
@pytest.mark.parametrize("operation", CHECKED)
def test_both_validators_agree_on_mutants(operation: str, strict: bool) -> None:
    """What jsonschema-rs accepts jsonschema has nothing to say of, and what it refuses has a report."""
    check = check_of(operation, strict)

    @QUICK
    @given(mutants(operation))
    def agree(body: Any) -> None:
        accepted = check._valid.is_valid(body)
        report = check.report(body)
        assert accepted == (not report), (body, report)
        assert report == check.report(body, focused=False)
        if check._tidy.is_valid(body):
            assert accepted

    agree()


@pytest.mark.parametrize("strict", [False, True], ids=["pages", "strict"])
@pytest.mark.parametrize("operation", CHECKED)
def test_both_validators_agree_on_any_single_change(operation: str, strict: bool) -> None:
    """With each place of the full body null or of another type in its turn, the two verdicts are the same."""
    check = check_of(operation, strict)
    assert check_of(operation, False)._valid.is_valid(json.loads(full(operation)))
    body = json.loads(full(operation))
    harmless = []
    every = places(body)
    for index, (holder, key) in enumerate(every):
        if index % 2 == strict:  # every other place under each profile, all between them
            continue
        before = holder[key]
        wrong: Any = (None, "x", 1, {}, [])[index % 5]
        holder[key] = wrong
        # A report takes milliseconds: of what is refused, one in 61 is enough in every run.
        if check._valid.is_valid(body):
            harmless.append((holder, key, wrong))
        elif index % 61 == 0:
            assert check.report(body), (key, wrong)
        holder[key] = before
    # All that is accepted is reported on, some dozen changes at a time, from all over the body.
    groups = len(harmless) // 12 + 1
    assert strict or len(harmless) > 12  # strict refuses the body as it stands
    for first in range(groups):
        changes = harmless[first::groups]
        before_them = [holder[key] for holder, key, _ in changes]
        for holder, key, wrong in changes:
            holder[key] = wrong
        assert check._valid.is_valid(body) == (not check.report(body)), changes
        for (holder, key, _), before in zip(changes, before_them, strict=True):
            holder[key] = before


def test_a_parsed_value_is_the_value() -> None:
    """Any JSON value is read back as it was written: same types, same bits, same order of keys."""

    @QUICK
    @given(JSON, st.booleans(), st.sampled_from([None, 2]))
    def same(value: Any, ascii_only: bool, indent: int | None) -> None:
        raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
        parsed = parse_body(raw, size=len(raw), largest=10**6, deepest=100)
        assert repr(parsed) == repr(value)
        written = json_bytes(parsed)
        assert repr(json.loads(written)) == repr(value)
        assert json_equal(parsed, value)

    same()


def test_any_bytes_are_json_or_refused() -> None:
    """Whatever bytes come, the parser answers with a value or a BadRequest, and takes what Python's takes."""

    @QUICK
    @given(st.one_of(st.binary(max_size=40), TEXT.map(str.encode), JSON.map(json_bytes).map(lambda raw: raw[:-1])))
    def answered(raw: bytes) -> None:
        try:
            value = parse_body(raw, size=len(raw), largest=10**6, deepest=5)
        except BadRequest:
            return
        assert repr(value) == repr(json.loads(raw))

    answered()


def test_equality_is_of_json() -> None:
    """json_equal is reflexive and symmetric, tells true from 1, and holds for the same number in two spellings."""

    @QUICK
    @given(JSON, JSON, NUMBERS)
    def equal(left: Any, right: Any, number: float) -> None:
        assert json_equal(left, left)
        assert json_equal(left, right) == json_equal(right, left)
        assert not json_equal({"a": [True]}, {"a": [number]})
        if isinstance(number, int) and abs(number) < 2**53:
            assert json_equal([number], [math.floor(float(number)) * 1.0])

    equal()


@pytest.fixture(scope="module")
def sandbox() -> Api:
    """One sandbox of its own: any id may be made there."""
    return made()


@pytest.mark.parametrize("header", ["validation=pages", "validation=strict"])
@pytest.mark.parametrize("operation", SENDERS)
def test_no_body_makes_a_5xx(sandbox: Api, operation: str, header: str) -> None:
    """Any JSON, and any mutant of a real body, is answered with a 2xx or a 4xx that is valid by its schema."""
    sender = SENDERS[operation]
    bodies = st.one_of(mutants(operation), JSON)

    @QUICK
    @given(st.builds(lambda *data: {"data": data}, bodies, bodies) if sender.each else bodies)
    def answered(body: Any) -> None:
        answer = sandbox.post(sender.path, raw=json_bytes(body), headers={"Prefer": header})
        assert answer.status in (201, 400, 404, 409)

    answered()


@pytest.mark.parametrize("operation", SINGLES)
def test_lenient_makes_no_5xx(sandbox: Api, operation: str) -> None:
    """Under lenient any object with an id is stored, and read and updated again without a 5xx."""
    path, name = SENDERS[operation].path, SENDERS[operation].entity.id

    @QUICK
    @given(mutants(operation), JSON)
    def answered(body: Any, other: Any) -> None:
        body = {**body, name: "u"} if isinstance(body, dict) else {name: "u", "x": body}
        for method, target, sent in (("POST", path, body), ("POST", path, {name: "u", "x": other}),
                                     ("GET", f"{path}/u", None)):  # fmt: skip
            raw = None if sent is None else json_bytes(sent)
            answer = sandbox.transport(method, target, raw, {"x-api-key": "k", "prefer": "validation=lenient"})
            # 400: a transaction's event, or the users of a transaction, are looked up under any profile
            assert answer.status in (200, 201, 404, 409) or (name != "userId" and answer.status == 400), answer
            json.loads(answer.raw)

    answered()
