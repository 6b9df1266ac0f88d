"""What a world holds when it comes into being: the documentation's users, nothing, or a file of one's own.

A file has one JSON object a line, or is a JSON array of them:
`{"kind": "user" | "event", "type": "consumer" | "business", "body": {...}}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.contract.parse import parse_body
from mockserver.errors import ApiError, WorldError
from mockserver.world.outcomes import levels
from mockserver.world.records import Facts, encode_record, event_key, user_key
from mockserver.world.users import without_results

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


def content_lines(contract: Contract, content: bytes, name: str, profile: str) -> dict[str, bytes]:
    """The users and events of JSON lines, as the store keeps them; WorldError names `name`, line and pointer."""
    return _read(contract, content, name, bundled=False, profile=profile)


def _read(contract: Contract, content: bytes, name: str, *, bundled: bool, profile: str = "pages") -> dict[str, bytes]:
    operations = {
        (kind, operation.entity.name): operation
        for operation in contract.operations.built
        for kind, do in _BEHAVIOURS.items()
        if operation.do == do
    }
    found: dict[str, bytes] = {}
    for place, line in _lines(content):
        key, record = _entry(contract, operations, line, f"{name}: {place}", bundled=bundled, profile=profile)
        found[key] = record
    return found


def _lines(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Each entry and where it stands: of JSON lines, of a JSON array, or the one object that the content is."""
    if content.lstrip()[:1] == b"[" or (content.lstrip()[:1] == b"{" and b"\n" in content.strip()):
        try:
            whole = json.loads(content)
        except (ValueError, RecursionError):
            whole = None  # lines, or broken: each line says what is wrong with it
        if isinstance(whole, list):
            yield from ((f"entry {number}", json.dumps(entry).encode()) for number, entry in enumerate(whole, 1))
            return
        if isinstance(whole, dict):
            yield "entry 1", content
            return
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield f"line {number}", line


def _entry(
    contract: Contract,
    operations: dict[tuple[str, str], Operation],
    line: bytes,
    where: str,
    *,
    bundled: bool,
    profile: str,
) -> tuple[str, bytes]:
    try:
        entry = parse_body(line, size=len(line), largest=_LONGEST_LINE, deepest=100)
    except ApiError as error:
        raise WorldError(f"{where}: {error.message}") from error
    if not isinstance(entry, dict) or entry.keys() != {"kind", "type", "body"}:
        raise WorldError(f"{where}: it must be an object with kind, type and body, and nothing else")
    kind, operation = entry["kind"], operations.get((str(entry["kind"]), str(entry["type"])))
    if operation is None:
        raise WorldError(f"{where}: kind must be user or event, and type consumer or business")
    check = contract.check(operation, strict=profile == "strict")
    violations, _ = check.check(entry["body"])
    if violations and (profile != "lenient" or not isinstance(entry["body"], dict)):
        rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise WorldError(f"{where}: {replace(violations[0], pointer=f'/body{violations[0].pointer}').line}{rest}")
    check.drop_nulls(entry["body"])
    body = without_results(entry["body"])
    key, id_name = _KEYS[kind]
    if not isinstance(body.get(id_name), str):
        raise WorldError(f"{where}: /body/{id_name}: is required")
    return key(operation.entity.name, body[id_name]), encode_record(Facts(levels(body, None), bundled=bundled), body)
