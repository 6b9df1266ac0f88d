"""Questions to the journal, and the answers in WireMock's JSON.

How many requests there were is known of all; their entries are known of those that the ring still holds. Where a
question needs more than that, `missing` says so.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import loads
from typing import Any
from urllib.parse import unquote
from uuid import NAMESPACE_URL, uuid5

from mockserver.contract import Contract
from mockserver.contract.names import nearest
from mockserver.contract.operations import Operation
from mockserver.controls.patterns import UNMATCHED, Pattern
from mockserver.world.journal import Entry
from mockserver.world.store import Journal
from mockserver.world.tags import read_tag

_NAMESPACE = uuid5(NAMESPACE_URL, "flagright-mockserver")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Numbered = tuple[int, Entry]  # the first request since the reset is 1


@dataclass(frozen=True)
class Count:
    """How many requests match; `message` says what is unknown where the count is not complete."""

    count: int
    complete: bool
    message: str


def kept(journal: Journal) -> Iterator[Numbered]:
    """Every entry that is kept, oldest first, with its number."""
    first = journal.total - len(journal.entries) + 1
    for number, stored in enumerate(journal.entries, first):
        yield number, Entry.decode(stored)


def find(journal: Journal, pattern: Pattern) -> list[Numbered]:
    """The kept entries that match, oldest first; `missing` tells what may be left out."""
    return [(number, entry) for number, entry in kept(journal) if pattern(entry)]


def count(journal: Journal, pattern: Pattern) -> Count:
    """How many requests match: by the counters where operation and status are all that is asked, else by the entries.

    DESIGN 7: counts come from counters, and a query that needs what the ring has dropped says so.
    """
    if not pattern.checks:
        return Count(_tagged(journal, pattern), True, "")
    message = missing(journal, pattern)
    return Count(len(find(journal, pattern)), not message, message)


def missing(journal: Journal, pattern: Pattern) -> str:
    """What is not kept and may match, in a sentence; empty where every request that may match can be looked at."""
    entries = [entry for _, entry in kept(journal) if pattern.takes(entry.facts["operation"], entry.facts["status"])]
    counted = _tagged(journal, pattern)
    gone = counted - len(entries)
    cut = sum(entry.facts.get("bodies", "full") != "full" for entry in entries) if pattern.reads_body else 0
    said = []
    if gone > 0:
        said.append(f"{gone} of {counted} requests that may match are no longer in the journal (see --journal-size)")
    if cut:
        said.append(f"the bodies of {cut} requests were not kept in full (see --journal-bodies)")
    return "; ".join(said)


def _tagged(journal: Journal, pattern: Pattern) -> int:
    total = 0
    for tag, number in journal.counts.items():
        counted = read_tag(tag)
        total += number if pattern.takes(counted.operation, counted.status) else 0
    return total


def listing(journal: Journal, pattern: Pattern, *, limit: int | None, since: int | None) -> tuple[list[Numbered], int]:
    """For GET requests: the matching entries, newest first, after `since` (epoch milliseconds), and their number.

    Of those at most `limit` are given. Order and parameters are WireMock's.
    """
    found = [item for item in find(journal, pattern) if since is None or item[1].facts["at"] > since]
    found.reverse()
    return found[:limit], len(found)


def one(journal: Journal, identifier: str) -> Numbered | None:
    """The kept entry of an id that `logged` gave; None where there is none."""
    return next((item for item in kept(journal) if request_id(item[1], item[0]) == identifier.lower()), None)


def unmatched(journal: Journal, contract: Contract) -> list[dict[str, Any]]:
    """The kept requests that no route takes, oldest first, as `logged`, with the nearest route at mockserver/nearest.

    Nearest is an object of operation (its id), method and path (as in the contract), or None.
    """
    found = []
    for number, entry in kept(journal):
        if entry.facts["operation"] == UNMATCHED:
            near = {"nearest": nearest_route(entry, contract)}
            found.append({**logged(entry, number), "mockserver": near})
    return found


def nearest_route(entry: Entry, contract: Contract) -> dict[str, str] | None:
    """The route nearest to the request: operation (its id), method and path (as in the contract); None: none is."""
    parts = [part[:30] for part in unquote(entry.facts["url"].partition("?")[0]).split("/")]
    known: dict[str, Operation] = {}
    for route in contract.operations.built:
        names = route.path.split("/")
        filled = [parts[i] if name.startswith("{") and i < len(parts) else name for i, name in enumerate(names)]
        known[f"{route.method} {'/'.join(filled)}"] = route
    near = nearest(f"{entry.facts['method']} {'/'.join(parts)}", known)
    if not near:
        return None
    route = known[near[0]]
    return {"operation": route.id, "method": route.method, "path": route.path}


def logged(entry: Entry, number: int) -> dict[str, Any]:
    """The request as WireMock's LoggedRequest; `absoluteUrl` is made of the header Host, where there is one.

    Source: wiremock.org/docs/verifying.
    """
    facts = entry.facts
    host = facts["headers"].get("host")
    return {
        "id": request_id(entry, number),
        "url": facts["url"],
        "absoluteUrl": f"http://{host}{facts['url']}" if host else facts["url"],
        "method": facts["method"],
        "headers": facts["headers"],
        "cookies": {},
        "browserProxyRequest": False,
        "body": entry.body.decode("utf-8", "replace"),
        "bodyAsBase64": b64encode(entry.body).decode("ascii"),
        "loggedDate": facts["at"],
        "loggedDateString": _date(facts["at"]),
    }


def serve_event(entry: Entry, number: int) -> dict[str, Any]:
    """The request and its answer as WireMock's ServeEvent, and at request/mockserver why it was answered so.

    `before` and `after` are the stored object around a write, as JSON; absent where there was none.
    """
    facts = entry.facts
    ours = {
        "number": number,
        **{key: value for key, value in facts.items() if key not in ("at", "method", "url", "headers", "status")},
        **{name: _json(part) for name, part in (("before", entry.before), ("after", entry.after)) if part},
    }
    return {
        "id": request_id(entry, number),
        # Within the request, since WireMock's Java client takes unknown keys there alone.
        "request": {**logged(entry, number), "mockserver": ours},
        "responseDefinition": {"status": facts["status"], "fromConfiguredStub": facts["operation"] != UNMATCHED},
        "response": {"status": facts["status"], "body": entry.answer.decode("utf-8", "replace")},
        "wasMatched": facts["operation"] != UNMATCHED,
        "timing": {"addedDelay": round(facts.get("delayMs", 0))},
    }


def request_id(entry: Entry, number: int) -> str:
    """The request's id: a UUID of the world's name and the entry's number."""
    return str(uuid5(_NAMESPACE, f"{entry.facts['world']}/{number}"))


def _date(at: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:  # a clock that was set to beyond the year 9999
        return str(at)


def _json(part: bytes) -> Any:
    try:
        return loads(part)
    except (ValueError, RecursionError):
        return part.decode("utf-8", "replace")
