"""The operations of the contract: what `schemas/openapi.yaml` says of each, as plain data for the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mockserver.config import PROFILES
from mockserver.contract.models import Models, Schema
from mockserver.contract.names import nearest
from mockserver.contract.source import read_json
from mockserver.errors import ContractError

RESULT_NAMES = ("executedRules", "hitRules", "message", "riskScoreDetails")

_METHODS = ("get", "post")
# What this package understands of an OpenAPI document, by the kind of object; anything else stops the server.
_KEYS = {
    "document": "openapi jsonSchemaDialect info servers security tags paths components"
    " x-entity x-wrong-paths x-unbuilt",
    "path": "parameters get post",
    "operation": "operationId tags summary description parameters requestBody responses"
    " x-sdk-name x-evidence x-behaviour x-constraints x-example",
    "parameter": "name in required description schema x-evidence",
    "constraint": "profile evidence source schema",
    "body": "required content",
    "response": "description headers content x-evidence",
    "media": "schema examples",
    "unbuilt": "operationId x-sdk-name method path",
    "entity": "model other attributes synthesised",
}
_ALLOWED = {kind: frozenset(keys.split()) for kind, keys in _KEYS.items()}


@dataclass(frozen=True)
class Entity:
    """A kind of user: `consumer` or `business`."""

    name: str
    properties: frozenset[str]  # of its model; what a conversion keeps
    other: str
    attributes: str  # the property of an event that holds the changed attributes
    synthesised: Mapping[str, Any]  # what a converted user gets where it lacks it


@dataclass(frozen=True)
class Parameter:
    """A query parameter; `allowed` is None where any text will do."""

    name: str
    allowed: tuple[str, ...] | None
    evidence: str


@dataclass(frozen=True)
class Constraint:
    """What a profile demands of a body beyond the models."""

    profile: str
    evidence: str
    source: str
    schema: Schema


@dataclass(frozen=True)
class Operation:
    """One operation that the sandbox answers."""

    id: str
    sdk_name: str
    method: str
    path: str  # with {name} for the id
    evidence: str
    do: str  # the behaviour's name in mockserver.world
    entity: Entity
    id_property: str  # of the answer
    parameters: tuple[Parameter, ...]
    request: Schema | None  # raw, with $ref to models
    constraints: tuple[Constraint, ...]
    status: int  # of success
    response: Schema  # raw, with $ref to models
    says_message: bool  # whether the answer has the property `message`
    example: Mapping[str, Any] = field(repr=False)  # the response body of `answers=example`
    example_request: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Unbuilt:
    """An operation of the vendor that is known by name and answered with 501."""

    id: str
    sdk_name: str
    method: str
    path: str


@dataclass(frozen=True)
class Operations:
    """Every operation, and the document that they were read from."""

    built: tuple[Operation, ...]
    unbuilt: tuple[Unbuilt, ...]
    wrong_paths: Mapping[str, str]
    document: Mapping[str, Any] = field(repr=False)

    def find(self, name: str) -> Operation:
        """The operation of an id (`createConsumerUser`), SDK name (`consumer_users.create`) or `POST /path`.

        Raises KeyError with a text that names the nearest one.
        """
        return _named(name, self.built)

    def id_of(self, name: str) -> str:
        """The id of an operation, built or not, by any of its names; KeyError as `find` raises it."""
        operations: list[Operation | Unbuilt] = [*self.built, *self.unbuilt]
        return _named(name, operations).id


Named = TypeVar("Named", bound=Operation | Unbuilt)


def _named(name: str, operations: Iterable[Named]) -> Named:
    wanted = " ".join(name.split()).lower()
    known: dict[str, Named] = {}
    for operation in operations:
        for spelling in (operation.id, operation.sdk_name, f"{operation.method} {operation.path}"):
            known[spelling.lower()] = operation
    if wanted in known:
        return known[wanted]
    near = nearest(wanted, known)
    hint = f"; did you mean {known[near[0]].id}?" if near else "; `mockserver routes` lists them"
    raise KeyError(f"no operation {name!r}{hint}")


def load_operations(document: Mapping[str, Any], models: Models, fixtures: Path) -> Operations:
    """Read every operation of the document; raises ContractError for what is not understood."""
    _known(document, "document", "openapi.yaml")
    entities = dict(_entities(document, models))
    built = tuple(_operations(document, models, fixtures, entities))
    unbuilt = []
    for entry in document["x-unbuilt"]:
        _known(entry, "unbuilt", "openapi.yaml: x-unbuilt")
        unbuilt.append(Unbuilt(entry["operationId"], entry["x-sdk-name"], entry["method"], entry["path"]))
    return Operations(built, tuple(unbuilt), document["x-wrong-paths"], document)


def _known(found: Mapping[str, Any], kind: str, where: str) -> None:
    for key in found:
        if key not in _ALLOWED[kind]:
            near = nearest(key, _ALLOWED[kind])
            raise ContractError(f"{where}: unknown key {key}" + (f"; did you mean {near[0]}?" if near else ""))


def _entities(document: Mapping[str, Any], models: Models) -> Iterator[tuple[str, Entity]]:
    for name, facts in document["x-entity"].items():
        _known(facts, "entity", f"openapi.yaml: x-entity {name}")
        model = models.follow({"$ref": facts["model"]})
        properties = frozenset(model["properties"]) | frozenset(model.get("x-known", ()))
        yield name, Entity(name, properties, facts["other"], facts["attributes"], facts["synthesised"])


def _operations(
    document: Mapping[str, Any], models: Models, fixtures: Path, entities: Mapping[str, Entity]
) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        _known(item, "path", f"openapi.yaml: {path}")
        for method in _METHODS:
            if method in item:
                where = f"openapi.yaml: {method.upper()} {path}"
                facts = dict(item[method])
                _known(facts, "operation", where)
                shared = item.get("parameters", ())
                facts["parameters"] = [_resolve(document, entry) for entry in (*shared, *facts.get("parameters", ()))]
                facts["responses"] = {code: _resolve(document, entry) for code, entry in facts["responses"].items()}
                yield _operation(method.upper(), path, facts, models, fixtures, entities, where)


def _operation(
    method: str,
    path: str,
    facts: Mapping[str, Any],
    models: Models,
    fixtures: Path,
    entities: Mapping[str, Entity],
    where: str,
) -> Operation:
    for parameter in facts["parameters"]:
        _known(parameter, "parameter", where)
    constraints = []
    for entry in facts.get("x-constraints", ()):
        _known(entry, "constraint", where)
        if entry["profile"] not in PROFILES:
            raise ContractError(f"{where}: unknown profile {entry['profile']}")
        models.check(entry["schema"], where)
        constraints.append(Constraint(entry["profile"], entry["evidence"], entry["source"], entry["schema"]))
    for code, response in facts["responses"].items():
        _known(response, "response", f"{where}: {code}")
        models.check(_media(response, where)["schema"], f"{where}: {code}")
    status = next(code for code in facts["responses"] if code.startswith("2"))
    answer = _media(facts["responses"][status], where)
    request = None
    example_request = None
    if "requestBody" in facts:
        _known(facts["requestBody"], "body", where)
        media = _media(facts["requestBody"], where)
        request = media["schema"]
        models.check(request, where)
        example_request = next(iter(_examples(media, fixtures).values()), None)
    examples = _examples(answer, fixtures)
    chosen = facts["x-example"]
    if chosen["name"] not in examples:
        raise ContractError(f"{where}: x-example names {chosen['name']}, which is no example of its answer")
    behaviour = facts["x-behaviour"]
    return Operation(
        id=facts["operationId"],
        sdk_name=facts["x-sdk-name"],
        method=method,
        path=path,
        evidence=facts["x-evidence"],
        do=behaviour["do"],
        entity=entities[behaviour["entity"]],
        id_property=chosen["id"],
        parameters=tuple(
            Parameter(entry["name"], _choices(entry), entry["x-evidence"])
            for entry in facts["parameters"]
            if entry["in"] == "query"
        ),
        request=request,
        constraints=tuple(constraints),
        status=int(status),
        response=answer["schema"],
        says_message="message" in models.follow(answer["schema"]).get("properties", {}),
        example=examples[chosen["name"]],
        example_request=example_request,
    )


def _choices(parameter: Mapping[str, Any]) -> tuple[str, ...] | None:
    choices = parameter["schema"].get("enum")
    return tuple(choices) if choices else None


def _media(holder: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    media: Mapping[str, Any] = holder["content"]["application/json"]
    _known(media, "media", where)
    return media


def _examples(media: Mapping[str, Any], fixtures: Path) -> dict[str, Any]:
    entries = media.get("examples", {})
    return {name: read_json(fixtures / entry["externalValue"]) for name, entry in entries.items()}


_POINTER = re.compile(r"#/components/(\w+)/(\w+)")


def _resolve(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `#/components/...` reference stands for."""
    if "$ref" not in entry:
        return entry
    found = _POINTER.fullmatch(entry["$ref"])
    section = document["components"].get(found[1], {}) if found else {}
    if not found or found[2] not in section:
        raise ContractError(f"openapi.yaml: $ref {entry['$ref']} leads nowhere")
    target: Mapping[str, Any] = section[found[2]]
    return target
