"""What the journal is asked and what it answers: request patterns, JSONPath, counts, and WireMock's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from mockserver.controls import queries
from mockserver.controls.jsonpath import JsonPath
from mockserver.controls.matchers import PatternError, json_like
from mockserver.controls.patterns import Pattern, compile_pattern, read_filters
from mockserver.world.journal import Entry, encode_entry
from mockserver.world.store import Journal
from mockserver.world.tags import CLEAN, make_tag
from tests.harness import NOW, contract

CREATE, EVENT = "createConsumerUser", "createConsumerUserEvent"
BODY = {
    "userId": "u/1",
    "age": 7,
    "pep": True,
    "none": None,
    "empty": [],
    "name": {"first": "Ada", "last-name": "L"},
    "tags": [{"key": "a", "value": "1"}, {"key": "b"}],
    "codes": ["x", "y"],
}


def encode(one: Entry) -> bytes:
    """An entry as the store keeps it."""
    return encode_entry(json.dumps(one.facts).encode(), one.body, one.answer, one.before, one.after)


def entry(body: Any = BODY, **facts: Any) -> Entry:
    """A journal entry: a POST of `body` that went well, but for the facts given."""
    told: dict[str, Any] = {
        "at": NOW,
        "world": "default",
        "operation": CREATE,
        "method": "POST",
        "url": "/consumer/users?lock=true&tag=a&tag=b&empty=",
        "status": 201,
        "headers": {"host": "localhost:1", "content-type": "application/json; charset=UTF-8", "x-api-key": "***"},
        "outcome": "clean",
        "userId": "u/1",
    }
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Entry({**told, **facts}, raw, b'{"ok":1}', b"", b'{"userId":"u/1"}')


def journal(*entries: Entry, dropped: Mapping[str, int] | None = None) -> Journal:
    """A journal of these entries, from which the ring has dropped others, by their tag."""
    counts = dict(dropped or {})
    for one in entries:
        tag = make_tag(one.facts["operation"], one.facts["status"], CLEAN, str(one.facts["outcome"]))
        counts[tag] = counts.get(tag, 0) + 1
    return Journal([encode(one) for one in entries], counts, sum(counts.values()))


def resolve(name: str) -> str:
    """The contract's own resolver."""
    return contract().operations.find(name).id


def pattern(**body: Any) -> Pattern:
    """A compiled pattern."""
    return compile_pattern(body, resolve)


def by_body(**matcher: Any) -> dict[str, Any]:
    """The pattern of one body matcher."""
    return {"bodyPatterns": [matcher]}


def at_path(expression: str, **matcher: Any) -> dict[str, Any]:
    """The pattern of a JSONPath and what it has to lead to."""
    return by_body(matchesJsonPath={"expression": expression, **matcher} if matcher else expression)


MEANT: list[dict[str, Any]] = [
    {},
    {"method": "post"},
    {"method": "ANY"},
    {"url": "/consumer/users?lock=true&tag=a&tag=b&empty="},
    {"urlPattern": r"/consumer/\w+\?lock=(true|false).*"},
    {"urlPath": "/consumer/users"},
    {"urlPathPattern": "/[a-z]+/users"},
    {"urlPathPattern": "(?i)/CONSUMER/users"},
    {"queryParameters": {"tag": {"equalTo": "b"}, "no": {"absent": True}, "empty": {"equalTo": ""}}},
    {"queryParameters": {"tag": {"absent": False}}},
    {"headers": {"Content-Type": {"contains": "json"}, "Accept": {"absent": "(absent)"}}},
    {"headers": {"CONTENT-TYPE": {"equalTo": "APPLICATION/JSON; charset=utf-8", "caseInsensitive": True}}},
    {"headers": {"content-type": {"matches": "application/.*"}, "x-api-key": {"absent": False}}},
    {"headers": {"content-type": {"doesNotMatch": "application"}, "x": {"anything": "(always)"}}},
    by_body(contains='"Ada"'),
    by_body(matches="(?=.*Ada).*"),
    by_body(equalTo=json.dumps(BODY)),
    {"bodyPatterns": {"contains": "Ada"}},
    by_body(equalToJson=BODY),
    by_body(equalToJson=json.dumps(dict(reversed(BODY.items())))),
    by_body(equalToJson={"age": 7.0, "codes": ["x"]}, ignoreExtraElements=True),
    by_body(equalToJson={**BODY, "codes": ["y", "x"]}, ignoreArrayOrder=True),
    at_path("$.userId"),
    at_path("$.empty"),
    at_path("$.tags[?(@.key == 'a')]"),
    at_path("$.userId", equalTo="u/1"),
    at_path("$.age", matches="[0-9]"),
    at_path("$.pep", equalTo="true"),
    at_path("$.tags[*].key", equalTo="b"),
    at_path("$.codes", equalTo="y"),
    at_path("$.codes", equalToJson=["x", "y"]),
    at_path("$.name", contains='"first":"Ada"'),
    at_path("$.gone", absent=True),
    at_path("$.none", absent=True),
    at_path("$.empty", absent=True),
    {"operation": "createConsumerUser", "status": 201},
    {"operation": "consumer_users.create", "status": [400, 201]},
    {"operation": "POST /consumer/users", "userId": "u/1", "outcome": "clean"},
    {"violations": False, "warnings": False, "fault": False},
]
NOT_MEANT: list[dict[str, Any]] = [
    {"method": "GET"},
    {"url": "/consumer/users"},
    {"urlPattern": "/consumer/users"},
    {"urlPath": "/consumer/user"},
    {"urlPathPattern": "/consumer"},
    {"queryParameters": {"tag": {"equalTo": "c"}}},
    {"queryParameters": {"tag": {"absent": True}}},
    {"queryParameters": {"no": {"doesNotMatch": "x"}}},
    {"headers": {"content-type": {"equalTo": "APPLICATION/JSON; charset=utf-8"}}},
    {"headers": {"content-type": {"matches": "application"}}},
    {"headers": {"accept": {"contains": ""}}},
    by_body(equalTo="{}"),
    {"bodyPatterns": [{"contains": "Ada"}, {"contains": "Bob"}]},
    by_body(doesNotMatch=".*Ada.*"),
    by_body(absent=True),
    by_body(equalToJson={"age": 7}),
    by_body(equalToJson={**BODY, "age": "7"}),
    by_body(equalToJson={**BODY, "pep": 1}),
    by_body(equalToJson={**BODY, "codes": ["y", "x"]}),
    by_body(equalToJson={"codes": ["y"]}, ignoreExtraElements=True),
    at_path("$.none"),
    at_path("$.gone"),
    at_path("$.tags[?(@.key == 'c')]"),
    at_path("$.userId", equalTo="u"),
    at_path("$.gone", doesNotMatch="x"),
    at_path("$.userId", absent=True),
    {"operation": EVENT},
    {"operation": "unmatched"},
    {"status": [400, 404]},
    {"userId": "u"},
    {"outcome": "blocked"},
    {"violations": True},
    {"warnings": True},
    {"fault": True},
    {"fault": "fault-1"},
]


@pytest.mark.parametrize("body", MEANT, ids=json.dumps)
def test_a_pattern_matches_what_it_means(body: dict[str, Any]) -> None:
    """Each key and matcher of a pattern recognises a request that has it."""
    assert compile_pattern(body, resolve)(entry())


@pytest.mark.parametrize("body", NOT_MEANT, ids=json.dumps)
def test_a_pattern_leaves_out_what_it_does_not_mean(body: dict[str, Any]) -> None:
    """Each key and matcher of a pattern passes over a request that differs in it alone."""
    assert not compile_pattern(body, resolve)(entry())


OURS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"violations": True}, {"violations": [{"pointer": "/userId"}]}),
    ({"warnings": True}, {"warnings": [{"pointer": "/x"}]}),
    ({"fault": True}, {"fault": ["fault-1"]}),
    ({"fault": "fault-2"}, {"fault": ["fault-1", "fault-2"]}),
    ({"operation": "unmatched"}, {"operation": "unmatched"}),
]


@pytest.mark.parametrize(("body", "facts"), OURS, ids=str)
def test_our_own_keys_see_why_it_was_answered_so(body: dict[str, Any], facts: dict[str, Any]) -> None:
    """What the engine noted of violations, warnings, faults and routes can be asked for."""
    assert compile_pattern(body, resolve)(entry(**facts))


BROKEN_BODIES = [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[" * 900 + b"]" * 900]


@pytest.mark.parametrize("raw", BROKEN_BODIES, ids=lambda raw: f"{raw[:3]!r}-{len(raw)}")
def test_a_body_that_is_no_json_matches_nothing_of_json(raw: bytes) -> None:
    """Empty, cut, binary and deeply nested bodies are no match and no error."""
    for body in (at_path("$.a"), at_path("$..a", equalTo="b"), by_body(equalToJson={"a": 1})):
        assert not compile_pattern(body, resolve)(entry(raw))


def test_a_dot_is_any_character() -> None:
    """A regular expression goes past line breaks, as in WireMock, and has to match to the very end."""
    assert pattern(**by_body(matches="a.*c"))(entry(b"a\nb\nc"))
    assert not pattern(**by_body(matches="a.*c"))(entry(b"a\nb\nc\n"))


def test_an_absent_body_can_be_asked_for() -> None:
    """`absent` of a body means that none was sent."""
    assert pattern(**by_body(absent=True))(entry(b""))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"urlPth": "/x"}, "/urlPth: urlPth is not implemented here; did you mean urlPath?"),
    ({"cookies": {}}, "/cookies: cookies is not implemented here; known are bodyPatterns"),
    ({"url": "/a", "urlPath": "/a"}, "/urlPath: only one of"),
    ({"method": 1}, "/method: this takes a string"),
    ({"status": "201"}, "/status: this takes a whole number"),
    ({"status": [True]}, "/status: this takes a whole number"),
    (
        {"operation": "createConsumerUsr"},
        "/operation: no operation 'createConsumerUsr'; did you mean createConsumerUser",
    ),
    ({"violations": "yes"}, "/violations: this takes true or false"),
    ({"headers": {"a": "b"}}, "/headers/a: this takes a matcher"),
    ({"headers": ["a"]}, "/headers: this takes an object"),
    ({"headers": {"X-Api-Key": {"equalTo": "k"}}}, "/headers/X-Api-Key: the journal does not keep its value"),
    ({"headers": {"a": {}}}, "/headers/a: this takes exactly one of"),
    ({"headers": {"a": {"equalTo": "b", "contains": "c"}}}, "/headers/a: this takes exactly one of"),
    ({"headers": {"a": {"contains": "b", "caseInsensitive": True}}}, "/headers/a/contains/caseInsensitive"),
    ({"queryParameters": {"a": {"equalTo": 5}}}, "/queryParameters/a/equalTo: this takes a string"),
    (by_body(equalToXml="<a/>"), "/bodyPatterns/0/equalToXml: equalToXml is not implemented here; did you mean"),
    (by_body(equalToJson="{"), "/bodyPatterns/0/equalToJson: this is not JSON"),
    (by_body(equalToJson={"a": "${json-unit.any-string}"}), "placeholders"),
    (by_body(equalToJson={}, ignoreArrayOrder="yes"), "ignoreArrayOrder: this takes true or false"),
    (by_body(matches="("), "is not a regular expression"),
    (by_body(matches="a)|(b"), "is not a regular expression"),
    (by_body(matches="a" * 1001), "at most 1000 characters"),
    (by_body(matchesJsonPath={"equalTo": "x"}), "/bodyPatterns/0/matchesJsonPath/expression: this takes a string"),
    (at_path("$.a[0:2]"), "is not understood from '[0:2]' on"),
    (at_path("$.a.length()"), "is not understood from '()' on"),
    (at_path("$.a[?(@.b > 1)]"), "is not understood from '[?(@.b > 1)]' on"),
    (at_path("a"), "is not understood from 'a' on"),
    (at_path("$." + "a" * 1000), "at most 1000 characters"),
]


@pytest.mark.parametrize(("body", "said"), REFUSED, ids=str)
def test_what_is_not_implemented_is_refused_by_name(body: dict[str, Any], said: str) -> None:
    """A key, matcher or value that is not understood is an error that says where and what is known."""
    with pytest.raises(PatternError) as refused:
        compile_pattern(body, resolve)
    assert said in str(refused.value)


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|aa)+b", r"(?=a)(\w+x?)+z\1?", "(x+x+)+(?=y)"])
def test_no_regular_expression_holds_up_the_server(expression: str) -> None:
    """Expressions that take others years are decided at once."""
    assert not pattern(**by_body(matches=expression))(entry(b"a" * 5000))


PATHS: list[tuple[str, list[Any]]] = [
    ("$", [BODY]),
    ("$.name.first", ["Ada"]),
    ("$['name']['last-name']", ["L"]),
    ('$["name"].last-name', ["L"]),
    ("$.codes[0]", ["x"]),
    ("$.codes[-1]", ["y"]),
    ("$.codes[2]", []),
    ("$.codes[*]", ["x", "y"]),
    ("$.name.*", ["Ada", "L"]),
    ("$..key", ["a", "b"]),
    ("$..first", ["Ada"]),
    ("$.tags[?(@.value)].key", ["a"]),
    ("$.tags[?(@.key=='b')]", [{"key": "b"}]),
    ("$.tags[?( @['key'] != 'b' )].key", ["a"]),
    ("$.tags[?(@.value != '1')].key", ["b"]),
    ("$.codes[?(@ == 'y')]", ["y"]),
    ("$[?(@.age == 7)].userId", ["u/1"]),
    ("$[?(@.age == true)].userId", []),
    ("$[?(@.pep == true)].userId", ["u/1"]),
    ("$[?(@.none == null)].userId", ["u/1"]),
    ("$[?(@.age == '7')]", []),
    ("$.userId.x", []),
]


@pytest.mark.parametrize(("expression", "found"), PATHS)
def test_a_json_path_finds(expression: str, found: list[Any]) -> None:
    """Each form of the subset leads where WireMock's own JSONPath leads."""
    assert JsonPath.parse(expression).find(BODY) == found


LIKE: list[tuple[Any, Any, bool, bool, bool]] = [  # expected, held, any order, extra, alike
    ([1, 2, 2], [2, 1, 2], True, False, True),
    ([1, 2, 2], [1, 1, 2], True, False, False),
    ([1, 2], [1, 2, 3], False, True, True),
    ([1, 2], [1, 2, 3], False, False, False),
    ([{}, {"a": 1}], [{"a": 1}, {"b": 1}], True, True, True),
    ([{"a": 1}, {"a": 1}], [{"a": 1}, {"b": 1}], True, True, False),
    ({"a": [{"b": 1}]}, {"a": [{"c": 2}, {"b": 1, "d": 3}]}, True, True, True),
    ([], {}, True, True, False),
]


@pytest.mark.parametrize(("expected", "held", "any_order", "extra", "alike"), LIKE)
def test_json_is_compared_as_loosely_as_asked(
    expected: Any, held: Any, any_order: bool, extra: bool, alike: bool
) -> None:
    """Array order and extra elements count, unless they are to be ignored; each element is used once."""
    assert json_like(expected, held, any_order=any_order, extra=extra) == alike


FULL = journal(entry(), entry(status=400, violations=[{}]), entry(operation=EVENT))
DROPPED = journal(
    entry(),
    entry(operation=EVENT, status=200),
    dropped={f"{CREATE} 201 - ": 5, f"{CREATE} 400 - ": 2, "unmatched 404 - ": 1},
)
COUNTS: list[tuple[Journal, dict[str, Any], int, str]] = [
    (FULL, {}, 3, ""),
    (FULL, {"violations": True}, 1, ""),
    (FULL, {"urlPath": "/consumer/users", "operation": EVENT}, 1, ""),
    (DROPPED, {}, 10, ""),
    (DROPPED, {"operation": CREATE}, 8, ""),
    (DROPPED, {"operation": CREATE, "status": [201, 404]}, 6, ""),
    (DROPPED, {"status": 404}, 1, ""),
    (DROPPED, {"operation": "unmatched"}, 1, ""),
    (DROPPED, {"method": "POST"}, 2, "8 of 10 requests that may match are no longer in the journal"),
    (DROPPED, {"operation": CREATE, "userId": "u/1"}, 1, "7 of 8 requests"),
    (DROPPED, {"operation": EVENT, "userId": "u/1"}, 1, ""),
    (journal(entry(b"{}", bodies="shape")), at_path("$.a"), 0, "the bodies of 1 requests were not kept in full"),
    (journal(entry(b"{}", bodies="shape")), {"userId": "u/1"}, 1, ""),
    (journal(dropped={f"{CREATE} 201 - ": 3}), {"userId": "u/1"}, 0, "3 of 3 requests"),
]


@pytest.mark.parametrize(("held", "body", "number", "said"), COUNTS)
def test_counts_say_when_they_are_not_complete(held: Journal, body: dict[str, Any], number: int, said: str) -> None:
    """Operation and status are counted exactly whatever the ring dropped; any other question says what it lacks."""
    found = queries.count(held, compile_pattern(body, resolve))
    assert (found.count, found.complete) == (number, not said)
    assert found.message.startswith(said)


def test_found_requests_bear_their_numbers() -> None:
    """Numbers count from the reset, also where older entries are gone."""
    assert [number for number, _ in queries.find(DROPPED, pattern(method="POST"))] == [9, 10]


TIMES = journal(*(entry(at=NOW + step, status=200 + step % 2) for step in range(5)))
ISO = "2022-01-08T15:11:04.002Z"
LISTED: list[tuple[list[tuple[str, str]], list[int], int]] = [
    ([], [5, 4, 3, 2, 1], 5),
    ([("limit", "2")], [5, 4], 5),
    ([("limit", "0")], [], 5),
    ([("since", str(NOW + 2))], [5, 4], 2),
    ([("since", ISO), ("limit", "1")], [5], 2),
    ([("since", "2022-01-08T15:11:04")], [5, 4, 3, 2], 4),
    ([("since", "2022-01-08T16:11:04.002+01:00")], [5, 4], 2),
    ([("since", "2022-01-08T16:11:04.002 01:00")], [5, 4], 2),
    ([("status", "201")], [4, 2], 2),
    ([("status", "201"), ("status", "200")], [5, 4, 3, 2, 1], 5),
    ([("operation", "POST /consumer/users"), ("userId", "u/1"), ("violations", "false")], [5, 4, 3, 2, 1], 5),
    ([("violations", "true")], [], 0),
]


@pytest.mark.parametrize(("query", "numbers", "total"), LISTED, ids=str)
def test_the_list_is_newest_first_and_filtered(query: list[tuple[str, str]], numbers: list[int], total: int) -> None:
    """The filters of GET requests choose; `limit` keeps the newest and leaves the total."""
    wanted = read_filters(query, resolve)
    found, said = queries.listing(TIMES, wanted.pattern, limit=wanted.limit, since=wanted.since)
    assert ([number for number, _ in found], said) == (numbers, total)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("limit", "-1", "whole number"),
        ("limit", "x", "whole number"),
        ("status", "ok", "whole number"),
        ("since", "yesterday", "ISO 8601"),
        ("violations", "yes", "true or false"),
        ("limt", "1", "did you mean limit?"),
        ("operation", "nothing", "no operation"),
    ],
)
def test_a_wrong_filter_is_refused(name: str, value: str, said: str) -> None:
    """A filter that is unknown or has a wrong value is an error that names it."""
    with pytest.raises(PatternError, match=rf"^/{name}: .*") as refused:
        read_filters([(name, value)], resolve)
    assert said in str(refused.value)


NEAR: list[tuple[str, str, str | None]] = [
    ("POST", "/consumer/user", "POST /consumer/users"),
    ("GET", "/consumer/user/42?x=1", "GET /consumer/users/{userId}"),
    ("GET", "/busines/users/" + "9" * 3000, "GET /business/users/{userId}"),
    ("PUT", "/consumer/users", "POST /consumer/users"),
    ("GET", "/favicon.ico", None),
]


@pytest.mark.parametrize(("method", "url", "near"), NEAR)
def test_unmatched_requests_name_the_nearest_route(method: str, url: str, near: str | None) -> None:
    """A request that no route takes is listed with the route that it may have meant, or none."""
    lost = entry(b"", operation="unmatched", status=404, method=method, url=url)
    (found,) = queries.unmatched(journal(entry(), lost), contract())
    nearest = found["mockserver"]["nearest"]
    assert found["url"] == url
    assert near == (nearest and f"{nearest['method']} {nearest['path']}")


def test_a_logged_request_has_wiremocks_shape() -> None:
    """The body stands as text and base64, the date as number and text, and the id is a UUID."""
    shown = queries.logged(entry(b"\xffx"), 3)
    assert UUID(shown.pop("id")).version == 5
    assert shown == {
        "url": "/consumer/users?lock=true&tag=a&tag=b&empty=",
        "absoluteUrl": "http://localhost:1/consumer/users?lock=true&tag=a&tag=b&empty=",
        "method": "POST",
        "headers": entry().facts["headers"],
        "cookies": {},
        "browserProxyRequest": False,
        "body": "\N{REPLACEMENT CHARACTER}x",
        "bodyAsBase64": "/3g=",
        "loggedDate": NOW,
        "loggedDateString": "2022-01-08T15:11:04Z",
    }


def test_a_date_beyond_the_calendar_is_shown_as_a_number() -> None:
    """A clock that stands past the year 9999 breaks no listing."""
    assert queries.logged(entry(at=10**18), 1)["loggedDateString"] == str(10**18)


def test_ids_depend_on_world_and_number_alone() -> None:
    """The same request has the same id in each run; another number or world has another; the id leads back."""
    held = journal(entry(), entry())
    first, second = (queries.logged(*reversed_pair)["id"] for reversed_pair in ((e, n) for n, e in queries.kept(held)))
    assert first != second
    assert first != queries.logged(entry(world="w"), 1)["id"]
    assert first == queries.logged(entry(at=1), 1)["id"]
    found = queries.one(held, second.upper())
    assert found is not None
    assert found[0] == 2
    assert queries.one(held, "no") is None


def test_a_serve_event_says_why() -> None:
    """Beside WireMock's keys stand outcome, fault and the stored object after the write."""
    shown = queries.serve_event(entry(fault=["fault-1"], delayMs=250.4, chosenBy="prefer"), 1)
    assert shown["response"] == {"status": 201, "body": '{"ok":1}'}
    assert shown["wasMatched"] is True
    assert shown["timing"] == {"addedDelay": 250}
    ours = shown["request"]["mockserver"]
    assert (ours["outcome"], ours["chosenBy"], ours["fault"]) == ("clean", "prefer", ["fault-1"])
    assert ours["after"] == {"userId": "u/1"}
    assert "before" not in ours
    assert not queries.serve_event(entry(operation="unmatched"), 1)["wasMatched"]
