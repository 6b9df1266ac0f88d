"""The vendor's models as the installed SDK has them, and ours, both in one plain form that can be compared.

A model is `{property: (type, required)}`. A type is a JSON type, a model's name, a union's name, or a list of one.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import flagright.types as sdk_types
import pydantic
from flagright.batch.raw_client import RawBatchClient
from flagright.business_user_events.raw_client import RawBusinessUserEventsClient
from flagright.business_users.raw_client import RawBusinessUsersClient
from flagright.consumer_user_events.raw_client import RawConsumerUserEventsClient
from flagright.consumer_users.raw_client import RawConsumerUsersClient
from flagright.transaction_events.raw_client import RawTransactionEventsClient
from flagright.transactions.raw_client import RawTransactionsClient

from tests.harness import ROOT

Shape = dict[str, tuple[str, bool]]

# Every call of the SDK, by its name: `consumer_users.create`.
CALLS = {
    f"{client}.{name}": call
    for client, kind in {
        "batch": RawBatchClient,
        "business_user_events": RawBusinessUserEventsClient,
        "business_users": RawBusinessUsersClient,
        "consumer_user_events": RawConsumerUserEventsClient,
        "consumer_users": RawConsumerUsersClient,
        "transaction_events": RawTransactionEventsClient,
        "transactions": RawTransactionsClient,
    }.items()
    for name, call in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
}
# The model whose properties a call takes one by one.
REQUESTS = {
    "consumer_users.create": "User",
    "business_users.create": "Business",
    "consumer_user_events.create": "ConsumerUserEvent",
    "business_user_events.create": "BusinessUserEvent",
    "transactions.verify": "Transaction",
    "transaction_events.create": "TransactionEvent",
}
# The SDK repeats each union under the name of every property that holds it; these are their common names.
UNIONS = {
    frozenset({"Person", "LegalEntity"}): "PersonOrLegalEntity",
    frozenset({"PersonWithRole", "LegalEntityWithRole"}): "PersonWithRoleOrLegalEntityWithRole",
}
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}


def is_model(value: Any) -> bool:
    """Whether this is one of the SDK's pydantic models."""
    return inspect.isclass(value) and issubclass(value, pydantic.BaseModel)


def returned(call: str) -> Any:
    """The model that an operation of the SDK answers with."""
    return get_args(get_type_hints(CALLS[call])["return"])[0]


def arguments(call: str) -> dict[str, Any]:
    """What a call takes, by name, each with its type."""
    hints = get_type_hints(CALLS[call])
    return {name: hints[name] for name in hints if name not in ("request_options", "return")}


def sdk_root_models() -> dict[str, Any]:
    """What the operations take and answer, and the error body."""
    roots: dict[str, Any] = {name: getattr(sdk_types, name) for name in ("ApiErrorResponse", *REQUESTS.values())}
    return roots | {model.__name__: model for model in map(returned, CALLS)}


@cache
def sdk_models() -> dict[str, Any]:
    """Every model and enum that the roots reach, by name; copies of union members stand under `Union_Member`."""
    found: dict[str, Any] = {}
    waiting = list(sdk_root_models().values())
    while waiting:
        model = waiting.pop()
        if model.__name__ in found:
            continue
        found[model.__name__] = model
        for field in model.model_fields.values():
            for part in _leaves(field.annotation):
                if is_model(part):
                    waiting.append(part)
                elif get_origin(part) is Literal and not _is_discriminator(part):
                    found[_enum_name(model, part)] = part
    return found


def _leaves(annotation: Any) -> Iterator[Any]:
    """The classes and literals inside an annotation."""
    if get_origin(annotation) is Literal or not get_args(annotation):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _leaves(part)


def _is_discriminator(annotation: Any) -> bool:
    """A literal of one value tells members of a union apart; enums have more."""
    return len(get_args(annotation)) == 1


def _enum_name(model: Any, literal: Any) -> str:
    """The name under which the model's own module knows an enum: two of them have the same values."""
    for ancestor in model.__mro__:
        for name, value in vars(sys.modules[ancestor.__module__]).items():
            if name in sdk_types.__all__ and literal in get_args(value) and not is_model(value):
                return name
    raise AssertionError(f"{model.__name__} uses an enum without a name: {literal}")


def sdk_shape(model: Any) -> Shape:
    """A model of the SDK, by the names that go over the wire."""
    shape: Shape = {}
    for name, field in model.model_fields.items():
        alias = next((extra.alias for extra in field.metadata if hasattr(extra, "alias")), None)
        shape[alias or name] = (_sdk_type(model, field.annotation), field.is_required())
    return shape


def _sdk_type(model: Any, annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _sdk_type(model, get_args(annotation)[0])
    if origin is Literal:
        values = get_args(annotation)
        return f"const {values[0]}" if _is_discriminator(annotation) else _enum_name(model, annotation)
    if origin in (Union, types.UnionType):
        return _sdk_union(model, [part for part in get_args(annotation) if part not in (type(None), Any)])
    if origin is list:
        return f"list of {_sdk_type(model, get_args(annotation)[0])}"
    if origin is dict:
        return "object"
    return annotation.__name__ if is_model(annotation) else _PLAIN[annotation]


def _sdk_union(model: Any, parts: list[Any]) -> str:
    if len(parts) == 1:
        return _sdk_type(model, parts[0])
    if all("method" in part.model_fields for part in parts):
        return "PaymentDetails"
    return UNIONS[frozenset(part.__name__ for part in parts)]


def payment_copies() -> dict[str, dict[str, Any]]:
    """Each copy of the payment union that the operations reach: its members by method."""
    copies: dict[str, dict[str, Any]] = {}
    for name, model in sdk_models().items():
        if "_" in name:
            (method,) = get_args(model.model_fields["method"].annotation)
            copies.setdefault(name.partition("_")[0], {})[method] = model
    return copies


@cache
def our_models() -> dict[str, Any]:
    """The files of schemas/models as they stand, by name."""
    folder = ROOT / "schemas" / "models"
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def our_shape(schema: dict[str, Any]) -> Shape:
    """A schema of ours; what it joins by allOf is one model."""
    if "$ref" in schema:
        return our_shape(our_models()[_name(schema["$ref"])])
    shape: Shape = {}
    for part in schema.get("allOf", ()):
        shape = our_shape(part) | shape  # what only adds to a property's schema leaves its type
    required = schema.get("required", ())
    shape |= {name: (_our_type(part), name in required) for name, part in schema.get("properties", {}).items()}
    return shape


def our_union(name: str) -> list[dict[str, Any]]:
    """The members of one of our unions."""
    schema = our_models()[name]
    members: list[dict[str, Any]] = schema.get("oneOf") or schema["anyOf"]
    return members


def _our_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "const" in schema:
        return f"const {schema['const']}"
    if schema.get("type") == "array":
        return f"list of {_our_type(schema['items'])}"
    return str(schema.get("type", "object"))


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1].removesuffix(".json")


def differences(name: str, sdk: Shape, ours: Shape) -> set[str]:
    """Every difference between the SDK's model and ours, each as one line."""
    found = {f"{name}.{missing}: only in the SDK" for missing in sdk.keys() - ours.keys()}
    found |= {f"{name}.{extra}: only here" for extra in ours.keys() - sdk.keys()}
    for both in sdk.keys() & ours.keys():
        (sdk_type, sdk_required), (our_type, our_required) = sdk[both], ours[both]
        if sdk_type != our_type:
            found.add(f"{name}.{both}: {sdk_type} in the SDK, {our_type} here")
        if sdk_required != our_required:
            found.add(f"{name}.{both}: required {'in the SDK' if sdk_required else 'here'} only")
    return found
