"""What a world holds when it comes into being: the documentation's users, nothing, or a file of one's own.

An entry is `{"kind": "user" | "event", "type": "consumer" | "business", "body": {...}}`. A file has one a line, or is
a JSON array of them. Every wrong entry is reported, up to ten.
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
from mockserver.world.records import Facts, encode_record, event_key, user_key
from mockserver.world.users import without_results

_BEHAVIOURS = {"user": "create-user", "event": "apply-event"}
_KEYS = {"user": (user_key, "userId"), "event": (event_key, "eventId")}
_MEMBERS = ("kind", "type", "body")
_MOST_WRONG = 10  # entries that are reported before the rest is left unread
_LONGEST_NAME = 200  # characters of a path in a message


def initial_content(contract: Contract, world: str) -> dict[str, bytes]:
    """What each new world starts with, as the store keeps it.

    `world` is the setting: `documented`, `empty`, a path, or the content itself when it begins with `{` or `[`.
    Raises WorldError naming file, line and pointer: a line of text for each wrong entry.
    """
    if world == "empty":
        return {}
    if world == "documented":
        path = contract.fixtures / "worlds" / "documented.jsonl"
        return _read(contract, path.read_bytes(), path.name, bundled=True)
    if world.lstrip()[:1] in ("{", "["):
        return _read(contract, world.encode("utf-8", "surrogateescape"), "the setting world", bundled=False)
    name = world if len(world) <= _LONGEST_NAME else f"{world[:_LONGEST_NAME]}..."
    try:
        content = Path(world).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise WorldError(
            f"world {name!r}: {reason}; it must be documented, empty, a file of JSON lines or its content"
        ) from error
    if not content.strip():
        raise WorldError(f"{name}: the file is empty; the setting world=empty is a world without users")
    return _read(contract, content, name, bundled=False)


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
    places: dict[str, str] = {}
    problems: list[str] = []
    for place, entry in entries(content):
        if len(problems) == _MOST_WRONG:
            problems.append(f"{name}: {_MOST_WRONG} entries are wrong; what follows them was not looked at")
            break
        try:
            key, record = _record(contract, operations, entry, bundled=bundled, profile=profile)
            if key in found:
                raise WorldError(f"its kind, type and id are those of {places[key]}")
            found[key], places[key] = record, place
        except WorldError as error:
            problems.append(f"{name}: {place}: {error}")
    if problems:
        raise WorldError("\n".join(problems))
    return found


def _record(
    contract: Contract, operations: Mapping[tuple[str, str], Operation], entry: Any, *, bundled: bool, profile: str
) -> tuple[str, bytes]:
    """An entry's key and record; raises WorldError with what is wrong, without its place."""
    if isinstance(entry, Unreadable):
        raise WorldError(entry.problem)
    if not isinstance(entry, dict) or entry.keys() != set(_MEMBERS):
        raise WorldError(f"it must be an object with kind, type and body, and nothing else{_difference(entry)}")
    kind, operation = entry["kind"], operations.get((str(entry["kind"]), str(entry["type"])))
    if operation is None:
        sent = f"kind {_quoted(entry['kind'])} and type {_quoted(entry['type'])}"
        raise WorldError(f"kind must be user or event, and type consumer or business (sent {sent})")
    check = contract.check(operation, strict=profile == "strict")
    violations, _ = check.check(entry["body"])
    if violations and (profile != "lenient" or not isinstance(entry["body"], dict)):
        rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise WorldError(f"{replace(violations[0], pointer=f'/body{violations[0].pointer}').line}{rest}")
    check.drop_nulls(entry["body"])
    body = without_results(entry["body"])
    key, id_name = _KEYS[kind]
    if not isinstance(body.get(id_name), str):
        raise WorldError(f"/body/{id_name}: is required")
    return key(operation.entity.name, body[id_name]), encode_record(Facts(levels(body, None), bundled=bundled), body)


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
