"""What the client really sent: the journal's routes, in WireMock's JSON, by WireMock's patterns and ours."""

from __future__ import annotations

from typing import Any

from mockserver.controls import queries
from mockserver.controls.desk import Ask, Done, Wait
from mockserver.controls.patterns import UNMATCHED, Pattern, compile_pattern, read_filters
from mockserver.errors import Problem
from mockserver.world.journal import Entry
from mockserver.world.store import Journal

_TIMEOUT = 5000.0  # milliseconds, where `wait` is not told


def list_requests(ask: Ask) -> Done:
    """The journal, newest first, filtered by the query."""
    filters = read_filters(((n, v) for n, v in ask.pairs if n != "world"), ask.desk.resolve)
    journal = ask.desk.store.journal(ask.world)
    found, total = queries.listing(journal, filters.pattern, limit=filters.limit, since=filters.since)
    events = [queries.serve_event(entry, number) for number, entry in found]
    body = {"requests": events, "meta": {"total": total}, "requestJournalDisabled": not ask.desk.journal}
    return Done(body, headers=_incomplete(queries.missing(journal, filters.pattern)))


def clear_requests(ask: Ask) -> Done:
    """Empty the journal."""
    ask.desk.store.clear_journal(ask.world)
    return Done({"requests": [], "meta": {"total": 0}})


def count_requests(ask: Ask) -> Done:
    """How many requests match."""
    counted = queries.count(ask.desk.store.journal(ask.world), _pattern(ask, ask.body))
    body = {"count": counted.count, "requestJournalDisabled": not ask.desk.journal}
    return Done(body, headers=_incomplete(counted.message))


def find_requests(ask: Ask) -> Done:
    """The requests that match, oldest first."""
    journal, pattern = ask.desk.store.journal(ask.world), _pattern(ask, ask.body)
    found = [queries.logged(entry, number) for number, entry in queries.find(journal, pattern)]
    body = {"requests": found, "requestJournalDisabled": not ask.desk.journal}
    return Done(body, headers=_incomplete(queries.missing(journal, pattern)))


def wait_for_requests(ask: Ask) -> Done | Wait:
    """Answer when enough requests match, or when the time is over."""
    wanted, timeout = ask.body.get("count", 1), ask.body.get("timeoutMs", _TIMEOUT) / 1000
    journal, pattern = ask.desk.store.journal(ask.world), _pattern(ask, ask.body.get("pattern", {}))
    matched = _matched_so_far(ask, journal, pattern)
    if matched < wanted and ask.waited < timeout:
        return Wait(ask.world, timeout - ask.waited)
    found = [queries.logged(entry, number) for number, entry in queries.find(journal, pattern)]
    body = {"count": matched, "timedOut": matched < wanted, "requests": found}
    return Done(body, headers=_incomplete(queries.missing(journal, pattern)))


def _matched_so_far(ask: Ask, journal: Journal, pattern: Pattern) -> int:
    """How many match; asked again, only the entries that came since are looked at."""
    if not pattern.checks:
        return queries.count(journal, pattern).count
    seen, matched = ask.memory.get("seen", 0), ask.memory.get("matched", 0)
    if journal.total < seen:  # cleared since
        seen = matched = 0
    fresh = journal.entries[max(len(journal.entries) - (journal.total - seen), 0) :]
    matched += sum(map(pattern, map(Entry.decode, fresh)))
    ask.memory.update(seen=journal.total, matched=matched)
    return int(matched)


def unmatched_requests(ask: Ask) -> Done:
    """The requests that no operation took, with the nearest route of each."""
    journal = ask.desk.store.journal(ask.world)
    missing = queries.missing(journal, _pattern(ask, {"operation": UNMATCHED}))
    return Done({"requests": queries.unmatched(journal, ask.desk.contract)}, headers=_incomplete(missing))


def get_request(ask: Ask) -> Done:
    """One request, and why it was answered so."""
    found = queries.one(ask.desk.store.journal(ask.world), ask.path["id"])
    if found is None:
        raise Problem(404, f"The journal of the world {ask.world!r} has no request {ask.path['id'][:80]!r}")
    number, entry = found
    return Done(queries.serve_event(entry, number))


def _pattern(ask: Ask, body: dict[str, Any]) -> Pattern:
    return compile_pattern(body, ask.desk.resolve)


def _incomplete(message: str) -> tuple[tuple[str, str], ...]:
    """What is missing, as a header: WireMock's clients take no other key in these bodies."""
    return (("X-Mockserver-Incomplete", message),) if message else ()
