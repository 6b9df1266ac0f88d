"""The operations of the contract: what `schemas/openapi.yaml` says of each, as plain data for the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mockserver.config import PROFILES
from mockserver.contract.models import Models, Schema
from mockserver.contract.names import nearest
from mockserver.contract.source import read_json
from mockserver.errors import ContractError

_METHODS = ("get", "post")
# What this package understands of an OpenAPI document, by the kind of object; anything else stops the server.
_KEYS = {
    "document": "openapi jsonSchemaDialect info servers security tags paths components x-entity x-wrong-paths",
    "path": "parameters get post",
    "operation": "operationId tags summary description parameters requestBody responses"
    " x-sdk-name x-evidence x-behaviour x-constraints x-example",
    "parameter": "name in required description schema x-evidence",
    "constraint": "profile evidence source schema",
    "body": "required content",
    "response": "description headers content x-evidence",
    "media": "schema examples",
    "behaviour": "do entity writes each list",
    "entity": "model kind id noun other attributes synthesised defaults parties users results",
}
_ALLOWED = {kind: frozenset(keys.split()) for kind, keys in _KEYS.items()}


@dataclass(frozen=True)
class Entity:
    """What the API keeps and events change: the two kinds of user, `consumer` and `business`, and `transaction`."""

    name: str
    kind: str  # `user` or `transaction`: the store's first word for it
    id: str  # the property that holds its id
    noun: str  # what it is called in a sentence
    properties: frozenset[str]  # of its model; what a conversion keeps
    attributes: str  # the property of an event that holds the changed attributes
    results: tuple[str, ...]  # what is decided about it, and never stored as it was sent
    other: str = ""  # the kind of user that it may be converted from
    synthesised: Mapping[str, Any] = field(default_factory=dict)  # what a converted user gets where it lacks it
    defaults: Mapping[str, Any] = field(default_factory=dict)  # what a record gets that does not say it
    parties: Mapping[str, str] = field(default_factory=dict)  # properties that name users -> what query checks them
    users: tuple[str, ...] = ()  # the entities that such a user may be


@dataclass(frozen=True)
class Parameter:
    """A query parameter; `allowed` is None where any text, or any number, will do."""

    name: str
    allowed: tuple[str, ...] | None
    number: bool
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
    writes: str  # user | transaction | event | batch; empty where it only reads
    each: Operation | None  # of a batch that is sent: what is done with each record, in the batch's own words
    listed: str  # of a batch: the property of its answer that holds the records; it names this kind of batch
    id_property: str  # of the answer; empty where it has none
    holds: str  # the property of the answer that is what an event changed; empty where the whole answer is
    parameters: tuple[Parameter, ...]
    request: Schema | None  # raw, with $ref to models
    constraints: tuple[Constraint, ...]
    status: int  # of success
    response: Schema  # raw, with $ref to models
    results: tuple[str, ...]  # which of the entity's results the answer, or each record of its list, carries
    only_id: bool  # whether, beside them, it carries nothing of the record but its id
    example_results: Mapping[str, Any] = field(repr=False)  # those of the example
    example: Mapping[str, Any] = field(repr=False)  # the response body of `answers=example`
    example_request: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def type(self) -> str:
        """The second word of what it writes, in the store and in files of content: the entity, or the kind of batch."""
        return self.listed or self.entity.name


@dataclass(frozen=True)
class Operations:
    """Every operation, and the document that they were read from."""

    built: tuple[Operation, ...]
    wrong_paths: Mapping[str, str]
    document: Mapping[str, Any] = field(repr=False)

    def find(self, name: str) -> Operation:
        """The operation of an id (`createConsumerUser`), SDK name (`consumer_users.create`) or `POST /path`.

        Raises KeyError with a text that names the nearest one.
        """
        wanted = " ".join(name.split()).lower()
        known: dict[str, Operation] = {}
        for operation in self.built:
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
    built = {operation.id: operation for operation in _operations(document, models, fixtures, entities)}
    for operation in built.values():
        each = document["paths"][operation.path][operation.method.lower()]["x-behaviour"].get("each")
        if each is not None:
            built[operation.id] = _batch(operation, built[each])
    return Operations(tuple(built.values()), document["x-wrong-paths"], document)


def _batch(operation: Operation, single: Operation) -> Operation:
    """A batch: its own body is checked without its records, and each record by itself, as the batch describes it."""
    outer: Schema = operation.request or {}
    data = outer["properties"]["data"]
    each = replace(single, request=data["items"], constraints=operation.constraints)
    outer = {**outer, "properties": {**outer["properties"], "data": {**data, "items": {}}}}
    return replace(operation, request=outer, constraints=(), each=each)


def _known(found: Mapping[str, Any], kind: str, where: str) -> None:
    for key in found:
        if key not in _ALLOWED[kind]:
            near = nearest(key, _ALLOWED[kind])
            raise ContractError(f"{where}: unknown key {key}" + (f"; did you mean {near[0]}?" if near else ""))


def _entities(document: Mapping[str, Any], models: Models) -> Iterator[tuple[str, Entity]]:
    for name, facts in document["x-entity"].items():
        _known(facts, "entity", f"openapi.yaml: x-entity {name}")
        facts = dict(facts)
        model = models.follow({"$ref": facts.pop("model")})
        properties = frozenset(model["properties"]) | frozenset(model.get("x-known", ()))
        lists = {key: tuple(facts.get(key, ())) for key in ("results", "users")}
        yield name, Entity(name=name, properties=properties, **{**facts, **lists})


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
    _known(behaviour, "behaviour", where)
    entity = entities[behaviour["entity"]]
    listed = behaviour.get("list", "")
    declared, example = models.follow(answer["schema"]).get("properties", {}), examples[chosen["name"]]
    if listed:  # of a batch's own words none is a result
        listed_schema = declared.get(listed, {}).get("items", {})
        declared, example = models.follow(listed_schema).get("properties", {}), example.get(listed, [{}])[0]
    results = tuple(name for name in entity.results if name in declared)
    return Operation(
        id=facts["operationId"],
        sdk_name=facts["x-sdk-name"],
        method=method,
        path=path,
        evidence=facts["x-evidence"],
        do=behaviour["do"],
        entity=entity,
        writes=behaviour.get("writes", ""),
        each=None,
        listed=listed,
        id_property=chosen.get("id", ""),
        holds=chosen.get("holds", ""),
        parameters=tuple(
            Parameter(entry["name"], _choices(entry), entry["schema"]["type"] == "number", entry["x-evidence"])
            for entry in facts["parameters"]
            if entry["in"] == "query"
        ),
        request=request,
        constraints=tuple(constraints),
        status=int(status),
        response=answer["schema"],
        results=results,
        only_id=declared.keys() <= {entity.id, *entity.results},
        example_results={name: example[name] for name in results if name in example},
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
