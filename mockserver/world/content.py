"""What a world holds when it comes into being: the documentation's records, nothing, or a file of one's own.

An entry is `{"kind": KIND, "type": TYPE, "body": {...}}`: a user or an event of a consumer or a business, a transaction
or an event of one. A batch is `{"kind": "batch", "type": "consumerUsers", "body": {"batchId": ..., "records": [...]}}`,
where records are places of others: `user/consumer/ID`, `event/transaction/ID`. A file has one entry a line, or is a
JSON array of them. Every wrong entry is reported, up to ten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.errors import WorldError
from mockserver.world.entries import Unreadable, entries
from mockserver.world.outcomes import levels
from mockserver.world.records import OWN_EVENTS, Facts, encode_record, record_key
from mockserver.world.transactions import party_notes
from mockserver.world.users import without_results

_MEMBERS = ("kind", "type", "body")
_MOST_WRONG = 10  # entries that are reported before the rest is left unread
_LONGEST_NAME = 200  # characters of a path in a message

Written = tuple[str, dict[str, bytes]]  # the store's key of an entry, and what is to be written for it


def initial_content(contract: Contract, world: str) -> dict[str, bytes]:
    """What each new world starts with, as the store keeps it.

    `world` is the setting: `documented`, `empty`, a path, or the content itself when it begins with `{` or `[`.
    Raises WorldError naming file, line and pointer.
    """
    if world == "empty":
        return {}
    name, bundled = world if len(world) <= _LONGEST_NAME else f"{world[:_LONGEST_NAME]}...", world == "documented"
    if world.lstrip()[:1] in ("{", "["):
        content, name = world.encode("utf-8", "surrogateescape"), "the setting world"
    else:
        path = contract.fixtures / "worlds" / "documented.jsonl" if bundled else Path(world)
        content = _content(path, name)
    found = _read(contract, content, name, bundled=bundled)
    return {key: record for writes in found.values() for key, record in writes.items()}


def _content(path: Path, name: str) -> bytes:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise WorldError(
            f"world {name!r}: {reason}; it must be documented, empty, a file of JSON lines or its content"
        ) from error
    if not content.strip():
        raise WorldError(f"{name}: the file is empty; the setting world=empty is a world without users")
    return content


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
    places: dict[str, str] = {}
    problems: list[str] = []
    for place, entry in entries(content):
        if len(problems) == _MOST_WRONG:
            problems.append(f"{name}: {_MOST_WRONG} entries are wrong; what follows them was not looked at")
            break
        try:
            key, writes = _written(contract, operations, entry, bundled=bundled, profile=profile)
            if key in found:
                raise WorldError(f"its kind, type and id are those of {places[key]}")
            found[key], places[key] = writes, place
        except WorldError as error:
            problems.append(f"{name}: {place}: {error}")
    if problems:
        raise WorldError("\n".join(problems))
    return found


def _written(
    contract: Contract, operations: Mapping[tuple[str, str], Operation], entry: Any, *, bundled: bool, profile: str
) -> Written:
    """An entry's key and what is written for it; raises WorldError with what is wrong, without its place."""
    if isinstance(entry, Unreadable):
        raise WorldError(entry.problem)
    if not isinstance(entry, dict) or entry.keys() != set(_MEMBERS):
        raise WorldError(f"it must be an object with kind, type and body, and nothing else{_difference(entry)}")
    kind, operation = entry["kind"], operations.get((str(entry["kind"]), str(entry["type"])))
    if operation is None:
        known = ", ".join(" ".join(pair) for pair in operations)
        sent = f"kind {_quoted(entry['kind'])} and type {_quoted(entry['type'])}"
        raise WorldError(f"kind and type must be one of: {known} (sent {sent})")
    if operation.each is not None:
        return _batch(operation, operation.each, entry["body"], bundled=bundled)
    check = contract.check(operation, strict=profile == "strict")
    violations, _ = check.check(entry["body"])
    if violations and (profile != "lenient" or not isinstance(entry["body"], dict)):
        rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise WorldError(f"{replace(violations[0], pointer=f'/body{violations[0].pointer}').line}{rest}")
    check.drop_nulls(entry["body"])
    entity = operation.entity
    body, id_name = without_results(entry["body"], entity.results), f"{kind}Id"
    if not isinstance(body.get(id_name), str):
        raise WorldError(f"/body/{id_name}: is required")
    key = record_key(kind, entity.name, body[id_name])
    notes = party_notes(entity, body) if kind == entity.kind else {}
    return key, {**notes, key: encode_record(Facts(levels(body, None), bundled=bundled), body)}


def _batch(operation: Operation, each: Operation, body: Any, *, bundled: bool) -> Written:
    """A batch, which has no body that a client would send: its id, and the places of its records."""
    batch_id, records = (body.get("batchId"), body.get("records")) if isinstance(body, dict) else (None, None)
    if not isinstance(batch_id, str) or not isinstance(records, list) or not all(isinstance(r, str) for r in records):
        raise WorldError("/body: must have batchId, a text, and records, a list of texts")
    place = record_key(each.writes, each.type, "")
    records = [r for r in records if not r.startswith(OWN_EVENTS)]  # are not exported, and would be other ones here
    if not all(record.startswith(place) for record in records):
        raise WorldError(f"/body/records: each must begin with {place}")
    key = record_key(operation.writes, operation.type, batch_id)
    kept = {"batchId": batch_id, "records": records}
    return key, {key: encode_record(Facts(bundled=bundled), kept)}


def _difference(entry: Any) -> str:
    """What an entry lacks and has too much, as the end of a sentence."""
    if not isinstance(entry, dict):
        return ""
    missing = [name for name in _MEMBERS if name not in entry]
    unknown = [name for name in entry if name not in _MEMBERS]
    if len(missing) == len(_MEMBERS) and unknown:
        return '; a user by itself goes into {"kind": "user", "type": "consumer", "body": {...}}'
    parts = [f"missing: {', '.join(missing)}"] if missing else []
    parts += [f"not known: {', '.join(_quoted(name) for name in unknown[:5])}"] if unknown else []
    return f"; {'; '.join(parts)}"


def _quoted(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
