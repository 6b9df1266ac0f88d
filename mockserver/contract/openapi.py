"""The contract as one OpenAPI 3.1 document, for /openapi.json and `mockserver openapi`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.contract.checks import body_schemas, joined_constraints
from mockserver.contract.models import Form, Models
from mockserver.contract.source import read_json

if TYPE_CHECKING:
    from mockserver.contract import Contract

_COMPONENTS = "#/components/schemas/"


def bundled_document(contract: Contract, *, profile: str = "pages") -> dict[str, Any]:
    """The document without references to files, as a profile checks it (`lenient` shows `pages`).

    Every model stands under its vendor's name in components/schemas; an optional property takes null as well;
    a profile's constraints are joined to the body's model by allOf.
    """
    strict = profile == "strict"
    form = Form(strict=strict, notes=True, prefix=_COMPONENTS)
    document: dict[str, Any] = _inlined(contract.operations.document, contract.models, form, contract.fixtures)
    for operation in contract.operations.built:
        checked = operation.each or operation
        if checked.request is not None:
            parts = [contract.models.derive(part, form) for part in body_schemas(checked, strict=strict)]
            for part, constraint in zip(parts[1:], joined_constraints(checked, strict=strict), strict=True):
                part |= {"x-evidence": constraint.evidence, "description": constraint.source}
            body = document["paths"][operation.path][operation.method.lower()]["requestBody"]
            media = body["content"]["application/json"]
            whole = {"allOf": parts} if len(parts) > 1 else parts[0]
            if operation.each:
                media["schema"]["properties"]["data"]["items"] = whole
            else:
                media["schema"] = whole
    document["components"]["schemas"] = contract.models.definitions(set(contract.models.raw), form)
    return document


def _inlined(node: Any, models: Models, form: Form, fixtures: Path) -> Any:
    """The document's tree with examples in their place and every schema derived."""
    if isinstance(node, list):
        return [_inlined(entry, models, form, fixtures) for entry in node]
    if not isinstance(node, dict):
        return node
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if key == "schema":
            copied[key] = models.derive(value, form)
        elif key == "externalValue":
            copied["value"] = read_json(fixtures / value)
        elif key in ("x-constraints", "x-entity"):
            continue  # the engine's own: constraints stand in the bodies' schemas
        else:
            copied[key] = _inlined(value, models, form, fixtures)
    return copied
