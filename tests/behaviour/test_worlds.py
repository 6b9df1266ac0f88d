"""Worlds: whose data a key sees, what a world starts with, and what the documentation's own requests get."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import WorldError
from tests.harness import FIXTURES, NOW, Api, made

CONSUMER, BUSINESS, EVENT = "/consumer/users", "/business/users", "/events/consumer/user"
USER = {"userId": "u", "createdTimestamp": NOW}
RESULTS = ("executedRules", "hitRules", "riskScoreDetails", "message")


def has(api: Api, key: str, user_id: str = "u") -> bool:
    """Whether a key sees the consumer."""
    return api.with_key(key).get(f"{CONSUMER}/{user_id}").status == 200


# setting, the key that writes, keys that see it, keys that do not
SHARING: list[tuple[str, str, list[str], list[str]]] = [
    ("auto", "world-a", ["world-a", " world-a "], ["world-b", "a", "world-", "World-a", "world-a-b", "world-A"]),
    ("auto", "k1", ["k2", "<apiKey>", "world-", "world-default", "WORLD-x"], ["world-k1"]),
    ("shared", "world-a", ["world-b", "k"], []),
    ("per-key", "k1", ["k1", " k1"], ["k2", "K1", "world-k1", "world-a"]),
    ("per-key", "world-a", ["world-a"], ["world-b", "k"]),
]


@pytest.mark.parametrize(("tenancy", "writer", "seers", "strangers"), SHARING)
def test_a_key_sees_the_data_of_its_world(tenancy: str, writer: str, seers: list[str], strangers: list[str]) -> None:
    """Keys named world-... have a world each and all others share one, unless the setting tenancy says otherwise."""
    api = made(tenancy=tenancy)
    assert api.with_key(writer).post(CONSUMER, USER).status == 201
    assert [has(api, key) for key in seers] == [True] * len(seers)
    assert [has(api, key) for key in strangers] == [False] * len(strangers)


@pytest.mark.parametrize("key", [None, "", " ", "\t"])
@pytest.mark.parametrize(("method", "target"), [("GET", f"{CONSUMER}/userId"), ("POST", CONSUMER), ("POST", EVENT)])
def test_no_key_is_a_401(api: Api, key: str | None, method: str, target: str) -> None:
    """A missing or blank x-api-key is a 401 before anything else is looked at."""
    if key in (" ", "\t") and "over_http" in api.transport.__qualname__:
        key = ""  # requests sends no header that begins with white space
    answer = api.call(method, target, USER if method == "POST" else None, headers={"x-api-key": key})
    assert answer.status == 401
    assert answer.body["message"].startswith("Unauthorized")
    assert api.call("POST", CONSUMER, raw=b"{", headers={"x-api-key": key}).status == 401


def test_only_listed_keys_are_let_in() -> None:
    """With api-keys any other key is a 401 whose text shows no key; a world-... key must be listed too."""
    api = made(api_keys=("secret-one", "world-x"))
    for key, status in (("secret-one", 200), ("world-x", 200), ("secret", 401), ("SECRET-ONE", 401), ("world-y", 401)):
        answer = api.with_key(key).get(f"{CONSUMER}/userId")
        assert answer.status == status
        assert "secret-one" not in answer.raw.decode()


@pytest.mark.parametrize("tenancy", ["auto", "per-key"])
def test_a_404_says_in_which_other_world_the_id_is(tenancy: str) -> None:
    """The 404 of an id that another world has names that world, never a key; bundled users are no reason."""
    api = made(tenancy=tenancy)
    api.with_key("topsecret").post(CONSUMER, USER)
    api.with_key("topsecret").post(EVENT, {"userId": "u", "timestamp": 1, "eventId": "e"})
    for target in (f"{CONSUMER}/u", f"{EVENT}/e"):
        answer = api.with_key("world-mine").get(target)
        assert answer.status == 404
        assert "world" in answer.body["hint"]
        assert "'mine'" in answer.body["hint"]
        assert "topsecret" not in answer.raw.decode()
    refused = api.with_key("world-mine").post(EVENT, {"userId": "u", "timestamp": 1})
    assert (refused.status, "world" in refused.body["hint"]) == (404, True)
    assert "world" not in api.with_key("world-mine").get(f"{CONSUMER}/other").raw.decode()


def test_the_least_recently_used_world_goes() -> None:
    """With max-worlds the world that was not used for longest is dropped and starts anew at its next use."""
    api = made(max_worlds=2)
    for key in ("world-a", "world-b"):
        api.with_key(key).post(CONSUMER, USER)
    assert has(api, "world-a")
    api.with_key("world-c").post(CONSUMER, USER)
    assert has(api, "world-a")
    assert has(api, "world-c")
    assert not has(api, "world-b")
    assert has(api, "world-b", "userId")


LINES = [
    {"kind": "user", "type": "consumer", "body": {**USER, "occupation": "o", "riskLevel": None}},
    {"kind": "user", "type": "business",
     "body": {**USER, "legalEntity": {"companyGeneralDetails": {"legalName": "H"}}}},
    {"kind": "event", "type": "consumer", "body": {"userId": "u", "timestamp": 1, "eventId": "e"}},
]  # fmt: skip
CONTENT = "\n".join(json.dumps(line) for line in LINES)


@pytest.mark.parametrize("form", ["file", "inline", "inline after blank lines"])
def test_a_world_starts_with_its_content(tmp_path: Path, form: str) -> None:
    """Every new world starts with the setting's file or inline content, and with nothing else."""
    path = tmp_path / "world.jsonl"
    path.write_text(CONTENT + "\n\n")
    api = made(world={"file": str(path), "inline": CONTENT}.get(form, f"\n \n{CONTENT}"))
    for key in ("k", "world-a"):
        own = api.with_key(key)
        user = own.get(f"{CONSUMER}/u").body
        assert (user["occupation"], "riskLevel" in user) == ("o", False)
        assert own.get(f"{EVENT}/e").body["timestamp"] == 1
        assert own.get(f"{CONSUMER}/userId").status == 404
    assert api.with_key("world-a").post(BUSINESS, LINES[1]["body"]).status == 201


def test_an_empty_world_is_empty() -> None:
    """With world=empty not even the documentation's users are there."""
    api = made(world="empty")
    for target in (f"{CONSUMER}/userId", f"{BUSINESS}/userId", f"{EVENT}/eventId"):
        assert api.get(target).status == 404


GOOD = json.dumps(LINES[0])
BROKEN: list[tuple[str, list[str]]] = [
    ('{"kind": "user"', ["line 1"]),
    (f"{GOOD}\n{GOOD}\n{{]", ["line 3"]),
    (f"{GOOD}\n\n[1]", ["line 3"]),
    ('{"kind": "user", "type": "person", "body": {}}', ["line 1", "consumer"]),
    ('{"kind": "user", "type": "consumer", "body": {"userId": "u"}}', ["line 1", "/body/createdTimestamp"]),
    (
        '{"kind": "user", "type": "consumer", "body": {"userId": 1, "createdTimestamp": 1641654664000}}',
        ["/body/userId"],
    ),
    ('{"kind": "user", "type": "consumer", "body": []}', ["line 1", "/body"]),
    ('{"kind": "user", "type": "consumer", "body": {"userId": "u", "userId": "v"}}', ["line 1", "twice"]),
    ('{"kind": "event", "type": "consumer", "body": {"userId": "u", "timestamp": 1}}', ["line 1", "/body/eventId"]),
    ('{"kind": [], "type": {}, "body": {}}', ["line 1", "kind"]),
    ("{}\ufeff", ["line 1"]),
]


@pytest.mark.parametrize(("content", "named"), BROKEN)
@pytest.mark.parametrize("form", ["file", "inline"])
def test_broken_content_stops_the_start(tmp_path: Path, form: str, content: str, named: list[str]) -> None:
    """A world that cannot be read is refused at the start, naming the file, the line and the place in it."""
    path = tmp_path / "broken.jsonl"
    path.write_text(content)
    with pytest.raises(WorldError) as refused:
        made(world=str(path) if form == "file" else content)
    for text in [*named, *(["broken.jsonl"] if form == "file" else [])]:
        assert text in str(refused.value)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    """A world file that is not there, or is a folder, is refused with its name."""
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(WorldError, match=str(path)):
            made(world=str(path))


# setting, status of the second POST, what is stored then
DUPLICATES: list[tuple[str, int, dict[str, Any]]] = [
    ("replace", 201, {"customObject": {"b": 2}}),
    ("merge", 201, {"customObject": {"a": 1, "b": 2}, "occupation": "o"}),
    ("reject", 400, {"customObject": {"a": 1}, "occupation": "o"}),
]


@pytest.mark.parametrize(("setting", "status", "fields"), DUPLICATES)
def test_a_second_post_does_what_on_duplicate_says(setting: str, status: int, fields: dict[str, Any]) -> None:
    """The same userId again replaces the user, is merged into it or is refused; bundled users are in nobody's way."""
    api = made(on_duplicate=setting)
    first = {**USER, "customObject": {"a": 1}, "occupation": "o"}
    second = {**USER, "customObject": {"b": 2}}
    assert [api.post(CONSUMER, body).status for body in (first, second)] == [201, status]
    stored = api.get(f"{CONSUMER}/u").body
    assert {name: value for name, value in stored.items() if name not in RESULTS} == {**USER, **fields}
    company = {**USER, "userId": "userId", "legalEntity": {"companyGeneralDetails": {"legalName": "H"}}}
    assert api.post(BUSINESS, company).status == 201
    assert "occupation" not in api.post(CONSUMER, {**USER, "userId": "userId"}).body
    assert "occupation" not in api.get(f"{CONSUMER}/userId").body


def documented(name: str) -> Any:
    """A body of the documentation."""
    return json.loads((FIXTURES / "documented" / name).read_text())


# The two pages show one user with two sets of contact details; the world has those of the first.
CONTACT = documented("consumer_user_get.response.json")["contactDetails"]
# method, path, request, answer, and what differs in it
CURLS: list[tuple[str, str, str | None, str, dict[str, Any]]] = [
    ("GET", f"{CONSUMER}/userId", None, "consumer_user_get.response.json", {}),
    ("POST", EVENT, "consumer_user_event_create.request.json", "consumer_user_event_create.response.json",
     {"createdTimestamp": NOW, "contactDetails": CONTACT}),
    ("POST", BUSINESS, "business_user_create.request.json", "business_user_create.response.json", {}),
]  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(CURLS)))
def test_the_documented_requests_succeed(api: Api, order: tuple[Any, ...]) -> None:
    """The documented requests, in any order and three times over, get the documented names and values."""
    for method, target, request, response, changes in order * 3:
        answer = api.call(method, target, documented(request) if request else None)
        assert answer.status == (201 if method == "POST" else 200)
        assert answer.body == {**documented(response), "userId": "userId", **changes}


ACCEPTED_BACK = [("consumer_user_get.response.json", CONSUMER, {}),
                 ("consumer_user_event_create.response.json", CONSUMER, {"createdTimestamp": NOW})]  # fmt: skip


@pytest.mark.parametrize(("name", "target", "changes"), ACCEPTED_BACK)
def test_a_documented_response_is_accepted_back(api: Api, name: str, target: str, changes: Any) -> None:
    """A documented answer without its results is a valid request, raises no warning, and comes back equal."""
    body = {key: value for key, value in documented(name).items() if key not in RESULTS} | changes
    answer = api.post(target, body)
    assert (answer.status, answer.warnings) == (201, "")
    stored = api.get(f"{target}/{body['userId']}").body
    assert json.dumps({key: stored[key] for key in stored if key not in RESULTS}) == json.dumps(body)
    attributes = {key: value for key, value in body.items() if key not in ("userId", "createdTimestamp")}
    event = {"userId": body["userId"], "timestamp": 1.1, "updatedConsumerUserAttributes": attributes}
    assert api.post(EVENT, event).status == 201


def test_the_one_documented_response_that_breaks_a_documented_bound(api: Api) -> None:
    """The event's documented answer has createdTimestamp 1.1, which POST /consumer/users must refuse."""
    answer = api.post(CONSUMER, documented("consumer_user_event_create.response.json"))
    assert answer.status == 400
    assert [entry["pointer"] for entry in answer.body["violations"]] == ["/createdTimestamp"]
