"""Which requests are meant: WireMock's request pattern, and our own keys in the same object.

WireMock's  method (or ANY), one of url, urlPattern, urlPath, urlPathPattern, and headers, queryParameters,
            bodyPatterns. URLs are compared as they stood in the request line, percent signs included.
matchers    equalTo (caseInsensitive), contains, matches, doesNotMatch, absent, anything,
            equalToJson (ignoreArrayOrder, ignoreExtraElements), matchesJsonPath (a path, or an object of
            `expression` and a matcher). Of several values one has to match; nothing but `absent` and
            `anything` matches where there is none.
ours        operation, status (one or a list), userId, transactionId, outcome, violations, warnings (true or false),
            fault (true, false or its id). `absent: false` means that it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from mockserver.controls.matchers import Match, PatternError, a_flag, a_text, check_name, matcher, regular
from mockserver.world.journal import Entry, redacted

UNMATCHED = "unmatched"  # the operation of a request that no route takes

Check = Callable[[Entry], bool]
Resolve = Callable[[str], str]


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern: call it with an entry. `checks` is all that operation and status do not say."""

    operation: str | None
    statuses: frozenset[int] | None
    checks: tuple[Check, ...]
    reads_body: bool = False

    def __call__(self, entry: Entry) -> bool:
        """Whether the request is meant. JSON nested too deeply to be walked does not match."""
        try:
            return self.takes(entry.facts["operation"], entry.facts["status"]) and all(
                check(entry) for check in self.checks
            )
        except RecursionError:
            return False

    def takes(self, operation: str, status: int) -> bool:
        """Whether requests of this operation and status may be meant: what the journal's counters can tell."""
        return self.operation in (None, operation) and (self.statuses is None or status in self.statuses)


def compile_pattern(body: Mapping[str, Any], resolve: Resolve) -> Pattern:
    """The pattern of a JSON object as the module's text describes it; an empty one means every request.

    `resolve` gives an operation's id for any of its names, or raises KeyError with a text. Raises PatternError for
    a key, a matcher or a value that is not understood. Source: wiremock.org/docs/request-matching, and what the
    PyPI package `wiremock` sends.
    """
    if not isinstance(body, Mapping):
        raise PatternError("", "a request pattern is a JSON object")
    known = ("operation", "status", *_KEYS)
    for key in body:
        check_name(key, known, "")
    urls = [key for key in body if key.startswith("url")]
    if len(urls) > 1:
        raise PatternError(
            f"/{urls[1]}", f"only one of url, urlPattern, urlPath and urlPathPattern; {urls[0]} is there"
        )
    return Pattern(
        operation=_operation(body["operation"], resolve) if "operation" in body else None,
        statuses=_statuses(body["status"]) if "status" in body else None,
        checks=tuple(_KEYS[key](value, f"/{key}") for key, value in body.items() if key in _KEYS),
        reads_body=bool(body.get("bodyPatterns")),
    )


def _operation(value: Any, resolve: Resolve) -> str:
    name = a_text(value, "/operation")
    if name == UNMATCHED:
        return name
    try:
        return resolve(name)
    except KeyError as error:
        raise PatternError("/operation", str(error.args[0])) from None


def _statuses(value: Any) -> frozenset[int]:
    wanted = value if isinstance(value, list) else [value]
    if not wanted or not all(type(status) is int for status in wanted):
        raise PatternError("/status", "this takes a whole number, or a list of them")
    return frozenset(wanted)


def _method(value: Any, place: str) -> Check:
    wanted = a_text(value, place).upper()
    return lambda entry: wanted in ("ANY", entry.facts["method"])


def _url(*, whole: bool, regex: bool) -> Callable[[Any, str], Check]:
    def compiled(value: Any, place: str) -> Check:
        test = regular(value, place) if regex else a_text(value, place).__eq__
        return lambda entry: test(entry.facts["url"] if whole else entry.facts["url"].partition("?")[0])

    return compiled


def _each(value: Any, place: str) -> list[tuple[str, Match]]:
    if not isinstance(value, Mapping):
        raise PatternError(place, "this takes an object of names and matchers")
    return [(name, matcher(spec, f"{place}/{name}")) for name, spec in value.items()]


def _headers(value: Any, place: str) -> Check:
    wanted = [(name.lower(), match) for name, match in _each(value, place)]
    for name in value:
        if redacted({name.lower(): ""})[name.lower()] and not value[name].keys() & {"absent", "anything"}:
            raise PatternError(f"{place}/{name}", "the journal does not keep its value; ask for absent true or false")

    def check(entry: Entry) -> bool:
        held = entry.facts["headers"]
        return all(match([held[name]] if name in held else []) for name, match in wanted)

    return check


def _query(value: Any, place: str) -> Check:
    wanted = _each(value, place)

    def check(entry: Entry) -> bool:
        query = entry.facts["url"].partition("?")[2]
        held = parse_qsl(query, keep_blank_values=True, errors="replace")
        return all(match([text for key, text in held if key == name]) for name, match in wanted)

    return check


def _body(value: Any, place: str) -> Check:
    specs = value if isinstance(value, list) else [value]  # WireMock's Python client declares it an object
    wanted = [matcher(spec, f"{place}/{index}") for index, spec in enumerate(specs)]

    def check(entry: Entry) -> bool:
        held = [entry.body.decode("utf-8", "replace")] if entry.body else []
        return all(match(held) for match in wanted)

    return check


def _same(*facts: str) -> Callable[[Any, str], Check]:
    def compiled(value: Any, place: str) -> Check:
        wanted = a_text(value, place)
        return lambda entry: any(entry.facts.get(fact) == wanted for fact in facts)

    return compiled


def _any(fact: str) -> Callable[[Any, str], Check]:
    def compiled(value: Any, place: str) -> Check:
        wanted = a_flag(value, place)
        return lambda entry: bool(entry.facts.get(fact)) == wanted

    return compiled


def _fault(value: Any, place: str) -> Check:
    if isinstance(value, str):
        return lambda entry: value in entry.facts.get("fault", ())
    return _any("fault")(value, place)


# What is compared with one of these facts of an entry.
_SAME = {"userId": ("userId", "otherUserId"), "transactionId": ("transactionId",), "outcome": ("outcome",)}
_KEYS: Mapping[str, Callable[[Any, str], Check]] = {
    "method": _method,
    "url": _url(whole=True, regex=False),
    "urlPattern": _url(whole=True, regex=True),
    "urlPath": _url(whole=False, regex=False),
    "urlPathPattern": _url(whole=False, regex=True),
    "queryParameters": _query,
    "headers": _headers,
    "bodyPatterns": _body,
    **{name: _same(*facts) for name, facts in _SAME.items()},
    "violations": _any("violations"),
    "warnings": _any("warnings"),
    "fault": _fault,
}


@dataclass(frozen=True)
class Filters:
    """What the query of GET requests asks for: see `queries.listing`."""

    pattern: Pattern
    limit: int | None
    since: int | None  # epoch milliseconds


def read_filters(query: Iterable[tuple[str, str]], resolve: Resolve) -> Filters:
    """The filters of a query string's pairs: operation, status (may be repeated), userId, transactionId, outcome,
    violations, warnings, fault, limit, and since (ISO 8601, UTC where it names no zone, or epoch milliseconds).

    Leave out of `query` what is not a filter (`world`). Raises PatternError.
    """
    body: dict[str, Any] = {}
    limit = since = None
    for name, value in query:
        check_name(name, _FILTERS, "")
        if name == "limit":
            limit = _whole(name, value)
        elif name == "since":
            since = _instant(value)
        elif name == "status":
            body["status"] = [*body.get("status", ()), _whole(name, value)]
        else:
            flags = {"true": True, "false": False} if name in ("violations", "warnings", "fault") else {}
            body[name] = flags.get(value, value)
    return Filters(compile_pattern(body, resolve), limit, since)


_FILTERS = (
    "operation", "status", "userId", "transactionId", "outcome", "violations", "warnings", "fault", "limit", "since",
)  # fmt: skip


def _whole(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise PatternError(f"/{name}", "this takes a whole number")
    return int(value)


def _instant(value: str) -> int:
    if value.isdigit():
        return _whole("since", value)
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+"))  # a plus sign that was not escaped
    except ValueError:
        raise PatternError("/since", "this takes ISO 8601 (2026-01-31T12:00:00Z) or epoch milliseconds") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
