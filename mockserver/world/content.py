"""What a world holds when it comes into being: the documentation's records, nothing, or a file of one's own.

A file has one JSON object a line, or is a JSON array of them:
`{"kind": "user" | "transaction" | "event", "type": "consumer" | "business" | "transaction", "body": {...}}`.
A batch is `{"kind": "batch", "type": "consumerUsers", "body": {"batchId": ..., "records": [...]}}`, where records are
places of others: `user/consumer/ID`, `event/transaction/ID`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.contract.parse import parse_body
from mockserver.errors import ApiError, WorldError
from mockserver.world.outcomes import levels
from mockserver.world.records import Facts, encode_record, record_key
from mockserver.world.transactions import party_notes
from mockserver.world.users import without_results

_BATCH = "batch"
_LONGEST_LINE = 64 * 1024 * 1024


def initial_content(contract: Contract, world: str) -> dict[str, bytes]:
    """What each new world starts with, as the store keeps it.

    `world` is the setting: `documented`, `empty`, a path, or the content itself when it begins with `{` or `[`.
    Raises WorldError naming file, line and pointer.
    """
    if world == "empty":
        return {}
    name, bundled = world, world == "documented"
    if world.lstrip()[:1] in ("{", "["):
        content, name = world.encode(), "the setting world"
    else:
        path = contract.fixtures / "worlds" / "documented.jsonl" if bundled else Path(world)
        content = _content(path, world)
    found = _read(contract, content, name, bundled=bundled)
    return {key: record for writes in found.values() for key, record in writes.items()}


def _content(path: Path, world: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorldError(
            f"world {world!r}: {error.strerror}; it must be documented, empty, a file of JSON lines or its content"
        ) from error


def content_lines(contract: Contract, content: bytes, name: str, profile: str) -> dict[str, dict[str, bytes]]:
    """The records of JSON lines: by the store's key of each what is to be written for it.

    WorldError names `name`, line and pointer.
    """
    return _read(contract, content, name, bundled=False, profile=profile)


def _read(
    contract: Contract, content: bytes, name: str, *, bundled: bool, profile: str = "pages"
) -> dict[str, dict[str, bytes]]:
    operations = {(entry.writes, entry.type): entry for entry in contract.operations.built if entry.writes}
    found: dict[str, dict[str, bytes]] = {}
    for place, line in _lines(content):
        key, writes = _entry(contract, operations, line, f"{name}: {place}", bundled=bundled, profile=profile)
        found[key] = writes
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
) -> tuple[str, dict[str, bytes]]:
    try:
        entry = parse_body(line, size=len(line), largest=_LONGEST_LINE, deepest=100)
    except ApiError as error:
        raise WorldError(f"{where}: {error.message}") from error
    if not isinstance(entry, dict) or entry.keys() != {"kind", "type", "body"}:
        raise WorldError(f"{where}: it must be an object with kind, type and body, and nothing else")
    kind, operation = entry["kind"], operations.get((str(entry["kind"]), str(entry["type"])))
    if operation is None:
        known = ", ".join(" ".join(pair) for pair in operations)
        raise WorldError(f"{where}: kind and type must be one of: {known}")
    if kind == _BATCH:
        return _batch(entry["type"], entry["body"], where, bundled=bundled)
    check = contract.check(operation, strict=profile == "strict")
    violations, _ = check.check(entry["body"])
    if violations and (profile != "lenient" or not isinstance(entry["body"], dict)):
        rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise WorldError(f"{where}: {replace(violations[0], pointer=f'/body{violations[0].pointer}').line}{rest}")
    check.drop_nulls(entry["body"])
    entity = operation.entity
    body, id_name = without_results(entry["body"], entity.results), f"{kind}Id"
    if not isinstance(body.get(id_name), str):
        raise WorldError(f"{where}: /body/{id_name}: is required")
    key = record_key(kind, entity.name, body[id_name])
    notes = party_notes(entity, body) if kind == entity.kind else {}
    return key, {**notes, key: encode_record(Facts(levels(body, None), bundled=bundled), body)}


def _batch(listed: str, body: Any, where: str, *, bundled: bool) -> tuple[str, dict[str, bytes]]:
    """A batch, which has no body that a client would send: its id, and the places of its records."""
    batch_id, records = (body.get("batchId"), body.get("records")) if isinstance(body, dict) else (None, None)
    if not isinstance(batch_id, str) or not isinstance(records, list) or not all(isinstance(r, str) for r in records):
        raise WorldError(f"{where}: /body: must have batchId, a text, and records, a list of texts")
    key = record_key(_BATCH, listed, batch_id)
    kept = {"batchId": batch_id, "records": records}
    return key, {key: encode_record(Facts(bundled=bundled), kept)}
