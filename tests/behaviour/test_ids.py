"""Ids of any kind: what a client calls a user or an event is what it gets back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness import NOW, Api, made

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "consumer": ("/consumer/users", "/events/consumer/user", {}),
    "business": (
        "/business/users",
        "/events/business/user",
        {"legalEntity": {"companyGeneralDetails": {"legalName": "Hazelnut"}}},
    ),
}
IDS = [
    "a/b", "/a", "a/", "/", "//", "a//b", "///a", ".", "..", "../..", "./a", "a/../b", "a/./b", "%2e%2e", "a%2Fb", "%",
    "%zz", "%00", "100%", "a b", " a ", " ", "a+b", '"', "'", "a\"b'c", "a`b", "<b>&amp;", "😀", "ü", "u\u0308", "日本",
    "\u2028", "\r\n", "a\r\nSet-Cookie: x=1", "\n", "\t", "\x00", "a\x00b", "\x7f", "0", "00", "-1", "null", "true",
    "?", "a?b=c", "#", "a#b", ";", "a;b=c", "a:b", "http://x/y", "@", "\\", "a\\b", "{userId}", "<id:x>", "*", "[1]",
    "events", "user", "users", "userId/", "x" * 4096, "日" * 450, "\ufffd", "\U0010ffff", "\ufeff", "$&", "${x}", "%s",
    "%(a)s", "{0}", "__class__", "user/consumer/1", "consumer/users/1",
]  # fmt: skip


def name(text: str) -> str:
    """An id as the name of a test."""
    return ascii(text)[:24]


@pytest.mark.parametrize("user_id", IDS, ids=name)
@pytest.mark.parametrize("kind", KINDS)
def test_an_id_comes_back(api: Api, kind: str, user_id: str) -> None:
    """Create, get, event and event get answer with exactly the id that was sent, percent-encoded in the path."""
    users, events, more = KINDS[kind]
    created = api.post(users, {"userId": user_id, "createdTimestamp": NOW, **more})
    assert (created.status, created.body["userId"]) == (201, user_id)
    got = api.get(f"{users}/{quote(user_id, safe='')}")
    assert (got.status, got.body["userId"]) == (200, user_id)
    event = {"userId": user_id, "timestamp": 1, "eventId": user_id}
    updated = api.post(events, event)
    assert (updated.status, updated.body["userId"]) == (201, user_id)
    again = api.get(f"{events}/{quote(user_id, safe='')}").body
    assert {key: again[key] for key in event} == event


def test_ids_that_look_alike_are_different(api: Api) -> None:
    """No id is trimmed, folded, decoded twice or normalised into another."""
    for number, user_id in enumerate(IDS):
        body = {"userId": user_id, "createdTimestamp": NOW, "occupation": str(number)}
        assert api.post("/consumer/users", body).status == 201
    for number, user_id in enumerate(IDS):
        found = api.get(f"/consumer/users/{quote(user_id, safe='')}").body
        assert (found["userId"], found["occupation"]) == (user_id, str(number))


# As the SDKs and careless clients write it in the request line, and the user that is meant.
SPELLINGS = [
    ("a/b", "a/b"), ("a%2Fb", "a/b"), ("a%2fb", "a/b"), ("/a", "/a"), ("%2Fa", "/a"), ("a//b", "a//b"),
    ("a/", "a/"), ("a%2F", "a/"), ("%2e%2e", ".."), ("..", ".."), (".", "."), ("x/../y", "x/../y"),
    ("%61", "a"), ("a%20b", "a b"), ("a+b", "a+b"), ("%252e", "%2e"), ("%C3%BC", "ü"), ("0", "0"), ("%30", "0"),
    ("a?b=c", "a"), ("a%3Fb", "a?b"), ("a%23b", "a#b"), ("%0D%0A", "\r\n"), ("%00", "\x00"), ("a;b", "a;b"),
    ("%61" * 1366, "a" * 1366), ("//", "//"), ("%2F%2F", "//"), ("100%", "100%"), ("%zz", "%zz"),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "user_id"), SPELLINGS, ids=lambda text: name(text))
def test_every_spelling_of_a_path_reaches_its_user(api: Api, spelling: str, user_id: str) -> None:
    """`a/b` and `a%2Fb` are the same user; slashes and dots belong to the id, and nothing redirects."""
    assert api.get(f"/consumer/users/{spelling}").status == 404
    assert api.post("/consumer/users", {"userId": user_id, "createdTimestamp": NOW}).status == 201
    found = api.get(f"/consumer/users/{spelling}")
    assert (found.status, found.body.get("userId")) == (200, user_id)
    assert api.get(f"/business/users/{spelling}").status == 404


STRANGE = [
    "/consumer/users/", "/consumer/users//", "/consumer//users/u", "//consumer/users/u", "/consumer/users/../users/u",
    "/business/users/", "/events/consumer/user/", "/events/business/user/", "/events//consumer/user", "/", "//", "",
    "/consumer/users/?x=1", "/Consumer/Users/u", "/consumer", "/./consumer/users/u", "/consumer/users%2Fu/",
    "/consumer/users/%FF", "/consumer/users/%C3%28", "/consumer/users/\\..\\", "/%", "/consumer/users/%",
]  # fmt: skip


@pytest.mark.parametrize("target", STRANGE)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_no_path_redirects_or_breaks(api: Api, method: str, target: str) -> None:
    """A path that means nothing is a JSON error in the vendor's shape: no redirect, no HTML, no 500."""
    if not target and api.transport.__qualname__.startswith("over_http"):
        target = "/"  # HTTP has no empty request target
    answer = api.call(method, target, {} if method == "POST" else None)
    assert answer.status in (400, 404, 405)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/consumer/users/", "/business/users/", "/events/consumer/user/", "/events/business/user/"]
)
def test_an_empty_id_is_a_404_in_json(api: Api, path: str) -> None:
    """A path that ends where the id should be is a 404 whose message is text."""
    answer = api.get(path)
    assert answer.status == 404
    assert path.rstrip("/") in answer.body["message"]


@pytest.mark.parametrize(
    "target", ["/consumer/users/userId", "/consumer/users/nobody", "/events/consumer/user/eventId", "/nowhere",
               "/business/users/userId", "/openapi.json", "/consumer/user/1"],
)  # fmt: skip
def test_head_answers_as_get_without_a_body(api: Api, target: str) -> None:
    """HEAD has GET's status and headers, its length included, and no body."""
    get, head = api.get(target), api.call("HEAD", target)
    assert (head.status, head.raw) == (get.status, b"")
    assert head.headers == get.headers


def test_example_answers_carry_any_id() -> None:
    """With answers=example the id that was asked for stands in the answer, whatever it is made of."""
    api = made(answers="example")
    for user_id in IDS:
        answer = api.get(f"/consumer/users/{quote(user_id, safe='')}")
        assert (answer.status, answer.body["userId"]) == (200, user_id)
        assert json.loads(answer.raw)["createdTimestamp"] == NOW


@pytest.mark.parametrize("user_id", ["a\r\nX-Evil: 1", "\x00", "\x1b[2J", "😀", "x" * 4096])
def test_an_unknown_id_is_named_in_its_404_and_breaks_nothing(api: Api, user_id: str) -> None:
    """The 404 of an id with control characters has only our headers and a message in one line."""
    answer = api.get(f"/consumer/users/{quote(user_id, safe='')}")
    assert answer.status == 404
    assert "x-evil" not in answer.headers
    assert answer.body["message"].isprintable()
    assert len(answer.body["message"]) < 300


def test_the_two_kinds_have_ids_of_their_own(api: Api) -> None:
    """A userId and an eventId belong to their kind of user: the other kind may use them too."""
    for users, events, more in KINDS.values():
        assert api.post(users, {"userId": "u", "createdTimestamp": NOW, **more, "mark": users}).status == 201
        assert api.post(events, {"userId": "u", "timestamp": 1, "eventId": "e", "reason": users}).status == 201
    for users, events, _ in KINDS.values():
        assert api.get(f"{users}/u").body["mark"] == users
        assert api.get(f"{events}/e").body["reason"] == users
