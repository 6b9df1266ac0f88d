from __future__ import annotations

import inspect
import json
import re

import flagright.types as sdk_types
import pytest
from flagright.core.api_error import ApiError

from mockserver.server import Server
from tests.contract.sdk_models import CALLS, our_models
from tests.harness import FIXTURES, NOW, contract
from tests.sdk.client import MODELS, OPTIONAL, REQUESTS, Sdk, deep_or, minimal
from tests.sdk.full import Full, flattened, members_of, paths, routes, with_every_value

METHODS = our_models()["PaymentMethod"]["enum"]
MEMBERS = {flattened(member)[0]["method"]["const"]: member for member in members_of(our_models()["PaymentDetails"])}
# An id, and how a caller of the Python SDK asks for it: the SDK puts it into the URL as it stands,
# and folds doubled slashes itself.
IDS = {
    "plain": "plain",
    "0": "0",
    "a/b": "a/b",
    "a//b": "a/%2Fb",
    "/a": "%2Fa",
    "a/": "a/",
    "ü x": "ü x",
    "quote\"'": "quote\"'",
    "😀": "😀",
    "a:b;c,d@e": "a:b;c,d@e",
    "a%2Fb": "a%252Fb",
    "%2e%2e": "%252e%252e",
    "..": "%2e%2e",
    "a?b#c": "a%3Fb%23c",
    "line\r\nbreak": "line%0D%0Abreak",
}


def test_a_minimal_user_comes_back_as_it_was_sent(sdk: Sdk, kind: str) -> None:
    """A user with nothing but what is required is created, and a GET brings exactly that."""
    created = sdk.create(f"{kind}_users", minimal(kind))
    assert created.user_id == "one"
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind)


@pytest.mark.parametrize("model", [*MODELS.values(), *OPTIONAL.values()])
def test_full_bodies_are_full(model: str) -> None:
    """What these tests call full has every property of every model that it reaches, under that model's own place."""
    made = set(paths(Full().make(model)))
    for name in contract().models.reachable({"$ref": f"{model}.json"}):
        wanted = set(our_models()[name].get("properties", {}))
        parents = {path.rpartition("/")[0] for path in made if path.rpartition("/")[2] in wanted}
        assert any({f"{parent}/{each}" for each in wanted} <= made for parent in parents) or not wanted, name


def test_a_full_user_comes_back_as_it_was_sent(sdk: Sdk, kind: str) -> None:
    """A user with every property of its model filled at every depth comes back equal on the wire and parsed."""
    body = Full().make(MODELS[kind], userId="full")
    sdk.create(f"{kind}_users", body)
    assert sdk.warnings == ""
    assert sdk.stored(f"{kind}_users", "full") == body
    read = sdk.call(f"{kind}_users.get", "full")
    assert read.saved_payment_details[-1].method == body["savedPaymentDetails"][-1]["method"]
    assert read.custom_object == body["customObject"]
    parsed = json.loads(read.json())
    # the SDK mixes up names of the union's members when it writes what it read; so they are left to the wire
    names = body.keys() - {"savedPaymentDetails"}
    assert {name: parsed[name] for name in names} == {name: body[name] for name in names}


@pytest.mark.parametrize(("kind", "enum"), [(kind, enum) for kind in MODELS for enum in routes(MODELS[kind])])
def test_every_enum_value_is_taken_and_given_back(sync_sdk: Sdk, kind: str, enum: str) -> None:
    """Each value of each enum that a user reaches is accepted in some user and comes back unchanged."""
    bodies = with_every_value(MODELS[kind], enum)
    written = json.dumps(bodies, ensure_ascii=False)
    assert [value for value in our_models()[enum]["enum"] if f'"{value}"' not in written] == []
    for number, body in enumerate(bodies):
        user = deep_or(minimal(kind), body | {"userId": f"user {number}"})
        sync_sdk.create(f"{kind}_users", user)
        assert sync_sdk.stored(f"{kind}_users", f"user {number}") == user


def test_no_enum_is_left_out() -> None:
    """Between them the bodies of the enum tests reach every enum of the six requests."""
    reached = {enum for model in (*MODELS.values(), "Transaction") for enum in routes(model)}
    for request in REQUESTS.values():
        models = contract().models.reachable({"$ref": f"{request}.json"})
        assert {name for name in models if "enum" in our_models()[name]} <= reached


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["full", "minimal"])
def test_each_payment_method_comes_back_as_itself(sdk: Sdk, kind: str, method: str, how: str) -> None:
    """A stored payment of each method, full and minimal, comes back equal, and the SDK reads it as that method."""
    make = Full()
    name = MEMBERS[method]["allOf"][0]["$ref"].removesuffix(".json")
    details = (make.make if how == "full" else make.minimal)(name, method=method)
    body = minimal(kind) | {"savedPaymentDetails": [details]}
    sdk.create(f"{kind}_users", body)
    assert sdk.stored(f"{kind}_users", "one") == body
    (read,) = sdk.call(f"{kind}_users.get", "one").saved_payment_details
    assert read.method == method
    assert type(read).__name__.lower().endswith("_" + method.lower().replace("_", ""))


def test_arguments_that_are_none_are_absent_afterwards(sdk: Sdk, kind: str) -> None:
    """None for every optional argument goes over the wire as null, and is neither stored nor given back."""
    model = getattr(sdk_types, MODELS[kind])
    optional = {name: None for name, field in model.model_fields.items() if not field.is_required()}
    required = {"user_id": "one", "created_timestamp": NOW}
    legal = sdk_types.LegalEntity(
        company_general_details=sdk_types.CompanyGeneralDetails(legal_name="Ozon", tags=None),
        contact_details=None,
    )
    if kind == "business":
        required["legal_entity"] = legal
    state = sdk_types.UserStateDetails(state="ACTIVE", reason=None)
    given = optional | required | {"user_state_details": state}
    sdk.call(f"{kind}_users.create", **given)
    nulls = [name for name, value in sdk.sent.items() if value is None]
    assert len(nulls) == len(optional) - 1
    assert sdk.sent["userStateDetails"] == {"state": "ACTIVE", "reason": None}
    assert sdk.stored(f"{kind}_users", "one") == minimal(kind) | {"userStateDetails": {"state": "ACTIVE"}}


def test_none_in_a_free_value_stays(sdk: Sdk, kind: str) -> None:
    """Null inside customObject is a value of the caller's and comes back."""
    body = minimal(kind) | {"customObject": {"none": None, "list": [None], "deep": {"none": None}}}
    sdk.create(f"{kind}_users", body)
    assert sdk.stored(f"{kind}_users", "one") == body


@pytest.mark.parametrize("operation", CALLS)
def test_the_sdk_docstring_example_succeeds(sync_sdk: Sdk, operation: str) -> None:
    """The example in the SDK's docstring runs on a fresh world, with nothing but URL and key replaced."""
    client, method = operation.split(".")
    doc = inspect.getdoc(getattr(type(getattr(sync_sdk.client, client)), method)) or ""
    code = doc.partition("Examples\n--------\n")[2]
    code, replaced = re.subn(r"client = Flagright\(\s*api_key=\"YOUR_API_KEY\",\s*\)", "", code)
    assert replaced == 1
    exec(compile(code, operation, "exec"), {"client": sync_sdk.client})
    written = not method.startswith("get")
    if written:
        assert sync_sdk.sent == json.loads((FIXTURES / "sdk" / f"{operation}.request.json").read_text())
    assert sync_sdk.requests[-1].method == ("POST" if written else "GET")
    if client == "batch":
        assert sync_sdk.got.get("status", "SUCCESS") == "SUCCESS"
        assert sync_sdk.got.get("successful", sync_sdk.got.get("totalCount")) > 0
        return
    named = re.search(r'\b(event_id|user_id|transaction_id)="(\w+)"', code)
    assert named
    ids = {"user_id": "userId", "event_id": "eventId", "transaction_id": "transactionId"}
    asked = "event_id" if "_events" in client and method == "get" else named[1]
    assert sync_sdk.got.get(ids[asked], named[2]) == named[2]


@pytest.mark.parametrize(("user_id", "asked"), IDS.items(), ids=[ascii(user_id) for user_id in IDS])
def test_an_id_of_any_kind_comes_back(sdk: Sdk, kind: str, user_id: str, asked: str) -> None:
    """Users and events are found by ids of any kind, as far as the SDK can put them into a URL."""
    assert sdk.create(f"{kind}_users", minimal(kind, user_id)).user_id == user_id
    assert sdk.stored(f"{kind}_users", asked) == minimal(kind, user_id)
    event = {"userId": user_id, "timestamp": NOW, "eventId": user_id, "reason": "r"}
    assert sdk.create(f"{kind}_user_events", event).user_id == user_id
    assert sdk.stored(f"{kind}_user_events", asked) == event


def test_a_key_opens_one_world_only(server: Server, sync_sdk: Sdk, key: str) -> None:
    """What one key stored is not there for the key of another world, and is there for the same key again."""
    sync_sdk.create("consumer_users", minimal("consumer"))
    with Sdk(server.url, key, asynchronous=False) as same:
        assert same.stored("consumer_users", "one") == minimal("consumer")
    with Sdk(server.url, f"{key}-other", asynchronous=False) as other, pytest.raises(ApiError) as refusal:
        other.call("consumer_users.get", "one")
    assert refusal.value.status_code == 404
