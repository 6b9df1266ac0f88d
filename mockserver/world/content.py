"""What a world holds when it comes into being: the documentation's users, nothing, or a file of one's own.

A file has one JSON object a line: `{"kind": "user" | "event", "type": "consumer" | "business", "body": {...}}`.
"""

from __future__ import annotations

from pathlib import Path

from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.contract.parse import parse_body
from mockserver.errors import ApiError, WorldError
from mockserver.world.outcomes import levels
from mockserver.world.records import Facts, encode_record, event_key, user_key

_BEHAVIOURS = {"user": "create-user", "event": "apply-event"}
_KEYS = {"user": (user_key, "userId"), "event": (event_key, "eventId")}
_LONGEST_LINE = 64 * 1024 * 1024


def initial_content(contract: Contract, world: str) -> dict[str, bytes]:
    """What each new world starts with, as the store keeps it.

    `world` is the setting: `documented`, `empty`, a path, or the content itself when it begins with `{` or `[`.
    Raises WorldError naming file, line and pointer.
    """
    if world == "empty":
        return {}
    if world == "documented":
        path = contract.fixtures / "worlds" / "documented.jsonl"
        return _read(contract, path.read_bytes(), path.name, bundled=True)
    if world.lstrip()[:1] in ("{", "["):
        return _read(contract, world.encode(), "the setting world", bundled=False)
    try:
        return _read(contract, Path(world).read_bytes(), world, bundled=False)
    except OSError as error:
        raise WorldError(
            f"world {world!r}: {error.strerror}; it must be documented, empty, a file of JSON lines or its content"
        ) from error


def _read(contract: Contract, content: bytes, name: str, *, bundled: bool) -> dict[str, bytes]:
    operations = {
        (kind, operation.entity.name): operation
        for operation in contract.operations.built
        for kind, do in _BEHAVIOURS.items()
        if operation.do == do
    }
    found: dict[str, bytes] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            key, record = _entry(contract, operations, line, f"{name}: line {number}", bundled=bundled)
            found[key] = record
    return found


def _entry(
    contract: Contract,
    operations: dict[tuple[str, str], Operation],
    line: bytes,
    where: str,
    *,
    bundled: bool,
) -> tuple[str, bytes]:
    try:
        entry = parse_body(line, size=len(line), largest=_LONGEST_LINE, deepest=100)
    except ApiError as error:
        raise WorldError(f"{where}: {error.message}") from error
    if not isinstance(entry, dict) or not {"kind", "type", "body"} <= entry.keys():
        raise WorldError(f"{where}: it must be an object with kind, type and body")
    kind, operation = entry["kind"], operations.get((str(entry["kind"]), str(entry["type"])))
    if operation is None:
        raise WorldError(f"{where}: kind must be user or event, and type consumer or business")
    check = contract.check(operation, strict=False)
    violations, _ = check.check(entry["body"])
    if violations:
        rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise WorldError(f"{where}: /body{violations[0].line}{rest}")
    body = entry["body"]
    check.drop_nulls(body)
    key, id_name = _KEYS[kind]
    if id_name not in body:
        raise WorldError(f"{where}: /body/{id_name}: is required")
    return key(operation.entity.name, body[id_name]), encode_record(Facts(levels(body, None), bundled=bundled), body)
