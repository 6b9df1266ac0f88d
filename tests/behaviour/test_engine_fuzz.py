"""Anything through the engine, without HTTP: never a 5xx, the verdict of jsonschema, and back what was sent, exactly.

PROOF_EXAMPLES=2000 looks further than the suite does (`make proofs`).
"""

from __future__ import annotations

import json
import os
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.config import Settings
from mockserver.contract.operations import Operation
from mockserver.engine import Call, Engine, Reply
from mockserver.web.factory import application
from tests.behaviour.test_differential import JSON, NUMBERS, TEXT, WRONG, places
from tests.harness import NOW, contract, document

FEW = settings(
    max_examples=int(os.environ.get("PROOF_EXAMPLES", "25")),
    derandomize="PROOF_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SENDERS = {entry.id: entry for entry in contract().operations.built if entry.request is not None}
# One body a request: a batch is answered as one and refuses each record by itself.
SINGLE = [name for name, entry in SENDERS.items() if not entry.path.startswith("/batch/")]
OF_THE_STATE = {"unknown", "duplicate", "one-type"}  # what no schema can know


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine of its own: any id may be made there."""
    found: Engine = application(Settings(log_format="off"), contract=contract()).extensions["mockserver"]
    return found


def sent(engine: Engine, operation: Operation, raw: bytes) -> Reply:
    """The engine's reply to a body."""
    return engine.handle(Call(operation, "any", body=raw, body_bytes=len(raw), method="POST", path=operation.path))


@cache
def validator(path: str) -> Any:
    """The validator of jsonschema for a body, by the document that is served."""
    body = document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**body, "components": document()["components"]})


@st.composite
def changed(draw: Any, operation: Operation) -> Any:
    """The operation's example with up to three places changed, taken out or added."""
    body = deepcopy(operation.example_request)
    for _ in range(draw(st.integers(0, 3))):
        found = places(body)
        if not found:
            break
        holder, key = draw(st.sampled_from(range(len(found))).map(found.__getitem__))
        if draw(st.booleans()):
            holder[key] = deepcopy(draw(WRONG))
        elif isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(TEXT)] = deepcopy(draw(JSON))
        else:
            del holder[key]
    return body


@pytest.mark.parametrize("name", SENDERS)
def test_no_bytes_make_a_5xx(engine: Engine, name: str) -> None:
    """Bytes that are no JSON, nearly JSON, or any JSON are answered with a success or a 4xx that is JSON."""
    example = json.dumps(SENDERS[name].example_request).encode()

    @st.composite
    def spoilt(draw: Any) -> bytes:
        raw = bytearray(example)
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(raw)))
            raw[at : at + draw(st.integers(0, 4))] = draw(
                st.binary(max_size=3) | st.sampled_from([b'"', b"\\u", b"1e9"])
            )
        return bytes(raw)

    @FEW
    @given(st.one_of(spoilt(), st.binary(max_size=30), JSON.map(json.dumps).map(str.encode)))
    def answered(raw: bytes) -> None:
        reply = sent(engine, SENDERS[name], raw)
        assert reply.status in (200, 201, 400, 404, 409), (raw, reply)
        json.loads(reply.body)

    answered()


@pytest.mark.parametrize("name", SINGLE)
def test_the_verdict_is_that_of_jsonschema(engine: Engine, name: str) -> None:
    """A body is refused where jsonschema refuses it by the served document, and nowhere else."""
    operation = SENDERS[name]

    @FEW
    @given(changed(operation))
    def same(body: Any) -> None:
        reply = sent(engine, operation, json.dumps(body).encode())
        rules = {entry["rule"] for entry in json.loads(reply.body).get("violations", ())}
        refused = reply.status == 400 and not (rules and rules <= OF_THE_STATE)
        errors = [error.message for error in validator(operation.path).iter_errors(body)]
        assert refused == bool(errors), (body, errors, reply)

    same()


def test_what_is_stored_comes_back_exactly(engine: Engine) -> None:
    """Numbers and texts of a stored user are given back as the same double, integer and text, their keys in order."""
    create, get = (contract().operations.find(name) for name in ("createConsumerUser", "getConsumerUser"))

    @FEW
    @given(TEXT.filter(bool), st.dictionaries(TEXT, st.one_of(NUMBERS, TEXT, JSON), max_size=5), NUMBERS)
    def exact(user_id: str, free: Any, number: Any) -> None:
        body = {"userId": user_id, "createdTimestamp": NOW, "beyond": free, "number": number, "other": [number, free]}
        assert sent(engine, create, json.dumps(body).encode()).status == 201
        reply = engine.handle(Call(get, "any", id=user_id, path=f"/consumer/users/{user_id}"))
        back = json.loads(reply.body)
        assert repr({key: back[key] for key in body}) == repr(body)
        assert list(back)[: len(body)] == list(body)

    exact()
