from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import flagright.types as sdk_types
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.sdk_models import (
    CALLS,
    REQUESTS,
    UNIONS,
    arguments,
    differences,
    is_model,
    our_models,
    our_shape,
    our_union,
    payment_copies,
    returned,
    sdk_models,
    sdk_shape,
)
from tests.harness import contract, document

# Every difference there may be between the SDK's models and schemas/models, with its reason.
LISTED = {
    "PepStatus.pepCountry: CountryCode in the SDK, string here": (
        "the documented answers say 'pepCountry', which is no country, and are to be accepted back (D17); "
        "strict checks the country"
    ),
}
# Every difference between a member of the payment union and the SDK's copies of it.
LISTED_MEMBERS = {
    "method: required here only": "the SDK fills the constant in; who writes JSON by hand must say it (B7, D14)",
}
PAYMENTS = {member["allOf"][1]["properties"]["method"]["const"]: member for member in our_union("PaymentDetails")}
PAYMENT_MODELS = {method: member["allOf"][0]["$ref"].removesuffix(".json") for method, member in PAYMENTS.items()}
OPERATIONS = {operation.sdk_name: operation for operation in contract().operations.built}


def sdk_names() -> set[str]:
    """The names that the SDK's models have here: copies of unions under the union's, their members by method."""
    plain = {name for name in sdk_models() if "_" not in name}
    return plain | {"PaymentDetails", *UNIONS.values(), *PAYMENT_MODELS.values()}


OBJECTS = [name for name in sorted(our_models()) if is_model(sdk_models().get(name, getattr(sdk_types, name, None)))]
ENUMS = [name for name in sorted(our_models()) if "enum" in our_models()[name]]


def test_the_models_are_those_of_the_operations() -> None:
    """schemas/models holds what the SDK's 24 operations reach, 157 models, and nothing else."""
    assert len(CALLS) == 24
    assert OPERATIONS.keys() == CALLS.keys()
    assert len(our_models()) == 157
    assert sdk_names() == our_models().keys()
    unions = {"PaymentDetails", *UNIONS.values()}
    assert sorted([*OBJECTS, *ENUMS, *unions]) == sorted(our_models())


@pytest.mark.parametrize("name", OBJECTS)
def test_a_model_has_the_properties_of_the_sdk_model(name: str) -> None:
    """A model differs from the SDK's in name, type and requiredness of properties only where it is listed."""
    model = sdk_models().get(name) or getattr(sdk_types, name)
    listed = {line for line in LISTED if line.startswith(f"{name}.")}
    assert differences(name, sdk_shape(model), our_shape(our_models()[name])) == listed
    assert our_models()[name]["type"] == "object"


def test_what_is_listed_is_of_models_that_are_compared() -> None:
    """No listed difference names a model that no comparison looks at."""
    assert {line.partition(".")[0] for line in LISTED} <= set(OBJECTS)


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_has_the_values_of_the_sdk_enum(name: str) -> None:
    """An enum has every value of the SDK's enum, each once, and no other."""
    schema = our_models()[name]
    assert Counter(schema["enum"]) == Counter(get_args(sdk_models()[name]))
    assert schema["type"] == "string"


@pytest.mark.parametrize("name", sorted(payment_copies()))
def test_each_copy_of_the_payment_union_has_our_members(name: str) -> None:
    """Each union of payment methods in the SDK has our eleven members, each with our properties."""
    copy = payment_copies()[name]
    assert sorted(copy) == sorted(PAYMENTS)
    assert len(copy) == 11
    for method, member in PAYMENTS.items():
        found = differences(method, sdk_shape(copy[method]), our_shape(member))
        assert found == {f"{method}.{line}" for line in LISTED_MEMBERS}


def test_the_payment_union_goes_by_method() -> None:
    """`method` tells the members apart: its enum names exactly the members, and so does the discriminator."""
    union = our_models()["PaymentDetails"]
    assert union["discriminator"]["propertyName"] == "method"
    assert union["properties"]["method"] == {"$ref": "PaymentMethod.json"}
    assert union["required"] == ["method"]
    assert sorted(our_models()["PaymentMethod"]["enum"]) == sorted(PAYMENTS)


@pytest.mark.parametrize(("members", "name"), UNIONS.items(), ids=UNIONS.values())
def test_a_union_without_a_discriminator_has_the_members_of_the_sdk(members: frozenset[str], name: str) -> None:
    """A union of persons and companies has exactly the SDK's two members."""
    assert sorted(part["$ref"] for part in our_union(name)) == sorted(f"{member}.json" for member in members)


@pytest.mark.parametrize("sdk_name", sorted(OPERATIONS))
def test_an_answer_has_the_properties_of_what_the_sdk_returns(sdk_name: str) -> None:
    """The answer of each operation has the properties of the model that the SDK makes of it."""
    found = differences(sdk_name, sdk_shape(returned(sdk_name)), our_shape(OPERATIONS[sdk_name].response))
    assert found == set()


@pytest.mark.parametrize("sdk_name", sorted(CALLS))
def test_a_call_takes_the_properties_of_the_request_the_path_and_the_query(sdk_name: str) -> None:
    """The SDK's call takes one argument for each property of our request, for the id and each query parameter."""
    operation = OPERATIONS[sdk_name]
    taken = arguments(sdk_name)
    request = our_shape(operation.request or {})
    query = {parameter.name for parameter in operation.parameters} - {"_krsOnly"}
    path = set(re.findall(r"{(\w+)}", operation.path))
    assert {_camel(name) for name in taken} == request.keys() | query | path
    if sdk_name in REQUESTS:
        assert request == our_shape(our_models()[REQUESTS[sdk_name]])
    if "data" in taken:
        item = get_args(taken["data"])[0].__name__
        assert request["data"][1]
        assert operation.each is not None
        assert our_shape(operation.each.request or {}) == our_shape(our_models()[item])


def test_a_flag_takes_the_words_that_the_sdk_sends() -> None:
    """A query parameter that is true or false has the values of the SDK's BooleanString."""
    flags = [
        parameter for each in OPERATIONS.values() for parameter in each.parameters if parameter.allowed is not None
    ]
    assert {flag.allowed for flag in flags} == {get_args(get_args(sdk_types.BooleanString)[0])}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def test_the_document_is_openapi() -> None:
    """The bundled document is valid OpenAPI 3.1."""
    assert document()["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()] == []


def test_the_document_has_exactly_the_models() -> None:
    """components/schemas has each model under its vendor's name, with its properties, and nothing else."""
    schemas = document()["components"]["schemas"]
    assert schemas.keys() == our_models().keys()
    for name, schema in our_models().items():
        assert schemas[name].get("properties", {}).keys() == schema.get("properties", {}).keys(), name


def test_every_reference_leads_somewhere() -> None:
    """Every $ref of the document is to a part of it, and every model is reached from a path."""
    reached: set[str] = set()
    waiting = list(_references(document()["paths"]))
    while waiting:
        reference = waiting.pop()
        if reference not in reached:
            reached.add(reference)
            waiting += _references(_target(reference))
    for reference in _references(document()):
        _target(reference)
    assert {f"#/components/schemas/{name}" for name in our_models()} <= reached


def test_no_enum_holds_null() -> None:
    """Null stands beside an enum where a property is optional, never inside it, so generators make no null member."""
    for name in ENUMS:
        schema = document()["components"]["schemas"][name]
        assert (schema["type"], schema["enum"]) == ("string", our_models()[name]["enum"])
    enums = [node["enum"] for node in _objects(document()) if isinstance(node.get("enum"), list)]
    assert len(enums) >= len(ENUMS)
    assert [values for values in enums if None in values] == []


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object of a tree, examples left out."""
    if isinstance(node, dict):
        yield node
        node = [value for key, value in node.items() if key != "examples"]
    if isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _references(node: Any) -> Iterator[str]:
    return (entry["$ref"] for entry in _objects(node) if isinstance(entry.get("$ref"), str))


def _target(reference: str) -> Any:
    assert reference.startswith("#/"), reference
    node: Any = document()
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node
