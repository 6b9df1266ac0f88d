"""WireMock's own Python client, unchanged, against the sandbox."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.server import Server
from tests.admin.client import EVENTS, USERS, Admin, event, user
from tests.harness import over_http

World = tuple[Any, Any, dict[str, str], Admin]


@pytest.fixture
def world(server: Server, key: str) -> Iterator[World]:
    """WireMock's Requests and pattern classes, the parameters that name a world, and our own client of it."""
    constants = importlib.import_module("wiremock.constants")
    pattern = importlib.import_module("wiremock.resources.near_misses").NearMissMatchPatternRequest
    requests = importlib.import_module("wiremock.resources.requests.resource").Requests
    before, constants.Config.base_url = constants.Config.base_url, f"{server.url}/__admin"
    name = key.removeprefix("world-")
    admin = Admin(over_http(server.url), name)
    admin.api().post(USERS, user("a"))
    admin.api().post(EVENTS, event("a", eventId="e"))
    admin.api().get(f"{USERS}/missing")
    admin.api().get("/consumer/user/a")
    yield requests, pattern, {"world": name}, admin
    constants.Config.base_url = before


PATTERNS: list[tuple[dict[str, Any], int]] = [
    ({"method": "POST", "url": USERS}, 1),
    ({"method": "ANY", "url_path_pattern": "/consumer/.*"}, 3),
    ({"url_pattern": ".*"}, 4),
    ({"url_path": EVENTS, "headers": {"Content-Type": {"equalTo": "application/json"}}}, 1),
    ({"method": "POST", "body_patterns": [{"matchesJsonPath": "$[?(@.eventId == 'e')]"}]}, 1),
    ({"method": "DELETE"}, 0),
]


@pytest.mark.parametrize(("fields", "number"), PATTERNS, ids=str)
def test_its_patterns_count_and_find(world: World, fields: dict[str, Any], number: int) -> None:
    """`get_matching_request_count` and `get_matching_requests` agree on what a client sent."""
    requests, pattern, parameters, _ = world
    assert requests.get_matching_request_count(pattern(**fields), parameters).count == number
    assert len(requests.get_matching_requests(pattern(**fields), parameters).requests or []) == number


def test_a_found_request_shows_itself(world: World) -> None:
    """What is found carries method, URL, headers, body and date."""
    requests, pattern, parameters, _ = world
    (found,) = requests.get_matching_requests(pattern(method="POST", url=EVENTS), parameters).requests
    assert (found.method, found.url, found.headers["x-api-key"]) == ("POST", EVENTS, "***")
    assert '"eventId": "e"' in found.body
    assert found.absolute_url.endswith(EVENTS)
    assert found.logged_date > 0


def test_it_lists_and_gets_by_id(world: World) -> None:
    """`get_all_received_requests` has the newest first, with limit and since; `get_request` gives one of them."""
    requests, _, parameters, admin = world
    everything = requests.get_all_received_requests(parameters=dict(parameters))
    assert everything.meta.total == len(everything.requests) == 4
    assert everything.request_journal_disabled is False
    assert everything.requests[0].request.url == "/consumer/user/a"
    assert len(requests.get_all_received_requests(limit=2, parameters=dict(parameters)).requests) == 2
    ids = [entry["id"] for entry in admin.get("/requests")["requests"]]
    one = requests.get_request(ids[1], parameters)
    assert one.request.url == f"{USERS}/missing"
    assert one.response_definition.status == 404
    later = requests.get_all_received_requests(since="2999-01-01T00:00:00Z", parameters=dict(parameters))
    assert not later.requests


def test_it_sees_unmatched_requests(world: World) -> None:
    """`get_unmatched_requests` has those that no route takes, and only those."""
    requests, _, parameters, _ = world
    assert [one.url for one in requests.get_unmatched_requests(parameters).requests] == ["/consumer/user/a"]


def test_it_resets_the_journal(world: World) -> None:
    """`reset_request_journal` empties the journal of its world, and the user stays."""
    requests, pattern, parameters, admin = world
    requests.reset_request_journal(parameters)
    assert requests.get_matching_request_count(pattern(url_pattern=".*"), parameters).count == 0
    assert admin.get("/state")["users"]["consumer"] == 1


def test_what_it_asks_and_we_do_not_know_is_an_error_of_its_own(world: World) -> None:
    """A matcher that is not implemented is its InvalidInputException, a lost id its NotFoundException."""
    requests, pattern, parameters, _ = world
    exceptions = importlib.import_module("wiremock.exceptions")
    with pytest.raises(exceptions.InvalidInputException, match="equalToXml"):
        requests.get_matching_requests(pattern(body_patterns=[{"equalToXml": "<a/>"}]), parameters)
    with pytest.raises(exceptions.NotFoundException):
        requests.get_request("no-such-id", parameters)
