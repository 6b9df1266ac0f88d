"""The verdict on a world: what its client got wrong, and what it has met.

The counts come from the store's tags and are of every request; the details come from the journal's entries, as far
as the ring still holds them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mockserver.contract import Contract
from mockserver.controls import queries
from mockserver.controls.desk import Ask, Done
from mockserver.controls.patterns import UNMATCHED as NO_OPERATION
from mockserver.errors import BY_STATE, Problem
from mockserver.world.journal import Entry
from mockserver.world.store import Journal
from mockserver.world.tags import MISTAKES, UNMATCHED, VIOLATION, WARNING, Tag, read_tag

_LONGEST_PATH = 200  # characters of a path in a message


def get_verdict(ask: Ask) -> Done:
    """204 when all was clean, 422 with what was not; the whole body in any case with `full=true` (200 or 422)."""
    asked = [value for name, value in ask.pairs if name == "full"]
    for value in asked:
        if value not in ("true", "false"):
            raise Problem(422, f"the query parameter full must be true or false, not {value[:80]!r}")
    body = verdict(ask.world, ask.desk.store.journal(ask.world), ask.desk.contract)
    if not body["clean"]:
        return Done(body, 422)
    return Done(body) if "true" in asked[-1:] else Done(status=204)


def verdict(world: str, journal: Journal, contract: Contract) -> dict[str, Any]:
    """The verdict's body, as `schemas/admin.yaml` describes it; `clean` is whether there is no mistake of any kind."""
    tags = [(read_tag(tag), number) for tag, number in journal.counts.items()]
    marks = Counter[str]()
    for tag, number in tags:
        marks[tag.mark] += number
    counted = sum(marks[mark] for mark in MISTAKES)
    details: dict[str, list[dict[str, Any]]] = {mark: [] for mark in MISTAKES}
    for number, entry in queries.kept(journal) if counted else ():  # all is clean nearly always, and asked often
        mark = entry.facts.get("verdict")
        if mark in details:
            details[mark].append(_detail(mark, entry, number, contract))
    return {
        "world": world,
        "clean": not counted,
        "counts": {
            "requests": marks.total(),
            "violations": marks[VIOLATION],
            "warnings": marks[WARNING],
            "unmatched": marks[UNMATCHED],
        },
        "violations": details[VIOLATION],
        "warnings": details[WARNING],
        "unmatched": details[UNMATCHED],
        "dropped": counted - sum(map(len, details.values())),
        "met": _met(tags, contract),
    }


def _met(tags: list[tuple[Tag, int]], contract: Contract) -> dict[str, Any]:
    """Which operations were asked for, with how many answers of each status; the outcomes seen; what never was."""
    operations: dict[str, Counter[str]] = {}
    outcomes = Counter[str]()
    for tag, number in sorted(tags):
        if tag.operation != NO_OPERATION:
            operations.setdefault(tag.operation, Counter())[str(tag.status)] += number
        if tag.outcome:
            outcomes[tag.outcome] += number
    missing = [operation.id for operation in contract.operations.built if operation.id not in operations]
    return {"operations": operations, "outcomes": outcomes, "missing": missing}


def _detail(mark: str, entry: Entry, number: int, contract: Contract) -> dict[str, Any]:
    facts = entry.facts
    detail = {
        "id": queries.request_id(entry, number),
        "at": facts["at"],
        "operation": facts["operation"],
        "method": facts["method"],
        "url": facts["url"],
        "status": facts["status"],
    }
    if mark == VIOLATION:
        broken = [found for found in facts.get("violations", ()) if found["rule"] not in BY_STATE]
        detail["violations"] = broken or [_unlisted(entry)]
    elif mark == WARNING:
        detail["warnings"] = facts["warnings"]
    else:
        detail["message"] = _unmatched(entry, contract)
    return detail


def _unlisted(entry: Entry) -> dict[str, Any]:
    """The violation of a refusal that lists none: a body that is too large, a path that is no text."""
    too_large = entry.facts["status"] == 413
    message = "the body is too large (see --max-body-bytes)" if too_large else "the request cannot be read"
    if "bodies" not in entry.facts:  # the answer is kept as it was
        answer: Mapping[str, Any] = json.loads(entry.answer)
        message = answer["message"]
    place = "body" if too_large else "path"
    return {"in": place, "pointer": "", "rule": "maxBytes" if too_large else "utf-8", "message": message}


def _unmatched(entry: Entry, contract: Contract) -> str:
    """Why no operation took the request, and which one it is nearest to."""
    facts = entry.facts
    path = facts["url"].partition("?")[0]
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}..."
    near = queries.nearest_route(entry, contract)
    said = f"no operation takes {facts['method']} {shown}"
    return f"{said}; the nearest is {near['method']} {near['path']} ({near['operation']})" if near else said
