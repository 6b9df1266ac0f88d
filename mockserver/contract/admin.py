"""The admin API's contract: routes and bodies from `schemas/admin.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form, Models, Schema
from mockserver.contract.report import Reporter
from mockserver.contract.source import data_root, read_yaml
from mockserver.errors import Violation

_METHODS = ("get", "post", "put", "patch", "delete")
_JSON = "application/json"
_PROBLEM = {"$ref": "#/components/responses/Problem"}  # what any route may answer


class AdminBody:
    """The check of one route's JSON body, compiled when it is first used."""

    def __init__(self, schema: Mapping[str, Any], models: Models, *, required: bool) -> None:
        self._schema = dict(schema)
        self._models = models
        self._compiled: tuple[Schema, jsonschema_rs.Draft202012Validator] | None = None
        self._reporter: Reporter | None = None
        self.required = required

    def report(self, body: Any) -> list[Violation]:
        """Every violation of the body; empty when it is valid."""
        if self._compiled is None:
            # Null is no value here: the schemas are taken as they stand.
            schema = compiled_schema(self._models, [self._schema], Form(literal=True))
            self._compiled = schema, jsonschema_rs.Draft202012Validator(schema)
        schema, validator = self._compiled
        if validator.is_valid(body):
            return []  # as with the vendor's bodies, only what is refused waits for the thorough report
        if self._reporter is None:
            self._reporter = Reporter(schema)
        return self._reporter.report(body)[0]

    def tidied(self, body: Any) -> Any:
        """The body with 2.0 as 2 where the schema names its properties; what is stored as it was sent stays."""
        return _whole(body) if "properties" in self._schema else body


@dataclass(frozen=True)
class AdminRoute:
    """One route: what it is called, and what its body must be (None: it takes none, or lines of text)."""

    id: str
    method: str
    path: str
    body: AdminBody | None
    query: frozenset[str]


def load_admin(models: Models) -> tuple[tuple[AdminRoute, ...], dict[str, Any]]:
    """Every route of the admin API, and its own OpenAPI document with the vendor's models bundled."""
    document = read_yaml(data_root() / "schemas" / "admin.yaml")
    routes = []
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                routes.append(_route(document, path, method, item[method], models))
    return tuple(routes), _bundled(document, models)


def _route(document: Mapping[str, Any], path: str, method: str, facts: Mapping[str, Any], models: Models) -> AdminRoute:
    request = _resolved(document, facts.get("requestBody", {}))
    media = request.get("content", {}).get(_JSON)
    body = AdminBody(media["schema"], models, required=request.get("required", False)) if media else None
    parameters = [_resolved(document, entry) for entry in facts.get("parameters", ())]
    query = frozenset(entry["name"] for entry in parameters if entry["in"] == "query")
    return AdminRoute(facts["operationId"], method.upper(), path, body, query)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(part) for name, part in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _resolved(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in entry:
        return entry
    _, _, section, name = entry["$ref"].split("/")
    found: Mapping[str, Any] = document["components"][section][name]
    return found


def _bundled(document: dict[str, Any], models: Models) -> dict[str, Any]:
    """The document with operation ids that are unique and the models it uses among its components."""
    form = Form(notes=True, prefix="#/components/schemas/", literal=True)
    used: set[str] = set()
    seen: set[str] = set()

    def copied(node: Any) -> Any:
        if isinstance(node, list):
            return [copied(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "operationId" in node:
            node = dict(node)
            while node["operationId"] in seen:
                node["operationId"] += "Too"
            seen.add(node["operationId"])
            node["responses"] = dict.fromkeys(("401", "413", "422"), _PROBLEM) | node["responses"]
        result = {}
        for key, value in node.items():
            if key == "schema":
                used.update(models.reachable(value))
                result[key] = models.derive(value, form)
            else:
                result[key] = copied(value)
        return result

    bundled: dict[str, Any] = copied(document)
    bundled["components"]["schemas"] = models.definitions(used, form)
    return bundled
