"""The admin API as its document describes it: every route, used well and used badly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.admin.client import USERS, Admin, document, event, fresh, own, resolved, user

METHODS = ("get", "post", "put", "patch", "delete")
ROUTES = [(m.upper(), path) for path, item in document()["paths"].items() for m in METHODS if m in item]
FAULT = {"effect": {"status": 503}}
STATE = "/state/users/consumer/u"
LINES = b'{"kind":"user","type":"consumer","body":{"userId":"x","createdTimestamp":1641654664000}}\n'

# Each route used well, in an order in which each finds what it needs: method, path, body, status, an excerpt.
GOOD: list[tuple[str, str, Any, int, dict[str, Any]]] = [
    ("GET", "/health", None, 200, {"status": "healthy"}),
    ("GET", "/openapi.json", None, 200, {"openapi": "3.1.0"}),
    ("GET", "/requests", None, 200, {"meta": {"total": 1}, "requestJournalDisabled": False}),
    ("GET", "/requests?limit=0&status=201&operation=consumer_users.create", None, 200, {"requests": []}),
    ("GET", "/requests?userId=nobody&violations=false&since=2020-01-01T00:00:00Z", None, 200, {"requests": []}),
    ("GET", "/requests/{request}", None, 200, {"wasMatched": True}),
    ("POST", "/requests/count", {}, 200, {"count": 1, "requestJournalDisabled": False}),
    ("POST", "/requests/find", {"status": 404}, 200, {"requests": []}),
    ("POST", "/requests/wait", {}, 200, {"count": 1, "timedOut": False}),
    ("GET", "/requests/unmatched", None, 200, {"requests": []}),
    ("GET", "/verdict?full=true", None, 200, {"world": "w", "clean": True, "violations": [], "dropped": 0}),
    ("POST", "/requests/reset", None, 200, {"requests": [], "meta": {"total": 0}}),
    ("DELETE", "/requests", None, 200, {"requests": [], "meta": {"total": 0}}),
    ("GET", "/outcomes", None, 200, {"setting": "example", "armed": []}),
    ("POST", "/outcomes", {"outcome": "blocked", "times": 2}, 201, {"id": "outcome-1", "outcome": "blocked"}),
    ("DELETE", "/outcomes/outcome-1", None, 200, {"removed": 1}),
    ("POST", "/outcomes", {"outcome": "clean", "userId": "u", "operation": "POST /consumer/users"}, 201, {}),
    ("DELETE", "/outcomes", None, 200, {"removed": 1}),
    ("GET", "/faults", None, 200, {"faults": []}),
    ("POST", "/faults", FAULT, 201, {"id": "fault-3", **FAULT}),
    ("GET", "/faults/fault-3", None, 200, {"matched": 0, "fired": 0, **FAULT}),
    ("DELETE", "/faults/fault-3", None, 200, {"removed": 1}),
    ("DELETE", "/faults", None, 200, {"removed": 0}),
    ("GET", "/settings", None, 200, {"own": {}}),
    ("PATCH", "/settings", {"onDuplicate": "merge", "seed": 7}, 200, {"own": {"onDuplicate": "merge", "seed": 7}}),
    ("POST", "/settings", {"answers": "example"}, 200, {}),
    ("DELETE", "/settings", None, 200, {"own": {}}),
    ("POST", "/clock", {"freeze": "2026-01-01T00:00:00Z"}, 200, {"now": 1767225600000, "frozen": True}),
    ("GET", "/clock", None, 200, {"now": 1767225600000, "frozen": True}),
    ("GET", "/state", None, 200, {"users": {"consumer": 1, "business": 0}}),
    ("GET", "/state/users/consumer", None, 200, {"ids": ["u"]}),
    ("GET", "/state/transactions/transaction", None, 200, {"ids": []}),
    ("GET", STATE, None, 200, {"body": user(), "events": 0}),
    ("PUT", STATE, user(reasonForOpeningAccount=["x"]), 200, {"body": user(reasonForOpeningAccount=["x"])}),
    ("PUT", "/state/events/consumer/e", event(), 200, {"body": {"eventId": "e", **event()}}),
    ("POST", "/simulate/consumer/u", {"state": "BLOCKED"}, 200, {}),
    ("PUT", "/snapshots/s", None, 201, {"name": "s"}),
    ("POST", "/snapshots/t", None, 201, {"name": "t"}),
    ("GET", "/snapshots", None, 200, {}),
    ("POST", "/snapshots/s/restore", None, 200, {"restored": "s"}),
    ("DELETE", "/snapshots/s", None, 200, {"forgotten": "s"}),
    ("DELETE", STATE, None, 200, {"deleted": "u"}),
    ("POST", "/state/import", LINES, 200, {"imported": 1}),
    ("POST", "/state/generate", {"count": 2, "type": "business"}, 201, {"generated": 2}),
    ("POST", "/reset", None, 200, {"reset": "w"}),
    ("POST", "/worlds", {"name": "other"}, 201, {"name": "other", "key": "world-other"}),
    ("GET", "/worlds", None, 200, {"worlds": [{"name": "w"}, {"name": "other"}]}),
    ("DELETE", "/worlds/other", None, 200, {"deleted": "other"}),
]


def test_the_document_is_valid_and_served() -> None:
    """The admin API's document is OpenAPI 3.1, is what the route serves, and names each operation once."""
    OpenAPIV31SpecValidator(document()).validate()
    ids = [document()["paths"][path][method.lower()]["operationId"] for method, path in ROUTES]
    assert len(ids) == len(set(ids)) == len(ROUTES)
    assert own().get("/openapi.json") == json.loads(json.dumps(document()))


def test_every_route_answers_good_use() -> None:
    """Each route of the document, used as it is meant, does what it says with a status and body it declares."""
    admin = own()
    assert admin.api().post(USERS, user()).status == 201
    used = set()
    for method, path, body, status, excerpt in GOOD:
        if "{request}" in path:
            path = path.replace("{request}", admin.journal()[0]["id"])
        raw = body if isinstance(body, bytes) else None
        answer = admin.call(method, path, None if raw else body, content=raw)
        assert (method, path, answer.status) == (method, path, status), answer
        assert {name: answer.body.get(name) for name in excerpt} == excerpt, (method, path)
        used.add((method, path.partition("?")[0].split("/")[1]))
    assert admin.call("GET", "/state/export").status == 200
    assert {(method, path.split("/")[2]) for method, path in ROUTES} <= used


WRONG: list[tuple[str, str, Any, str]] = [  # method, path, body, what the detail says
    ("POST", "/outcomes", {"outcome": "blokced"}, "blocked"),
    ("POST", "/outcomes", {}, "outcome"),
    ("POST", "/outcomes", {"outcome": "clean", "user": "u"}, "user"),
    ("POST", "/outcomes", {"outcome": "clean", "times": 0}, "/times"),
    ("POST", "/outcomes", {"outcome": "clean", "times": "2"}, "/times"),
    ("POST", "/outcomes", {"outcome": "clean", "operation": "createConsumerUsr"}, "createConsumerUser"),
    ("POST", "/outcomes", {"outcome": "clean", "userId": ""}, "/userId"),
    ("POST", "/faults", {}, "effect"),
    ("POST", "/faults", {"effect": {}}, "/effect"),
    ("POST", "/faults", {"effect": {"status": 200}}, "/effect/status"),
    ("POST", "/faults", {"effect": {"wire": "EMPTY"}}, "/effect/wire"),
    ("POST", "/faults", {"effect": {"wire": "EMPTY_RESPONSE", "status": 500}}, "/effect"),
    ("POST", "/faults", {"effect": {"delay": {"type": "fixed"}}}, "/effect/delay/milliseconds"),
    ("POST", "/faults", {"effect": {"delay": {"type": "uniform", "lower": 2, "upper": 1}}}, "/effect/delay/upper"),
    ("POST", "/faults", {"effect": {"delay": {"type": "lognormal", "median": 1}}}, "/effect/delay/sigma"),
    ("POST", "/faults", {**FAULT, "probability": 1.1}, "/probability"),
    ("POST", "/faults", {**FAULT, "phase": "during"}, "/phase"),
    ("POST", "/faults", {**FAULT, "match": {"operation": "nothing"}}, "nothing"),
    ("POST", "/faults", {**FAULT, "match": {"header": {"a": 1}}}, "/match/header/a"),
    ("POST", "/faults", {**FAULT, "ttl": 1}, "ttl"),
    ("PATCH", "/settings", {"outcome": "nope"}, "nope"),
    ("PATCH", "/settings", {"answers": "Stored"}, "/answers"),
    ("PATCH", "/settings", {"seed": "1"}, "/seed"),
    ("PATCH", "/settings", {"seed": True}, "/seed"),
    ("PATCH", "/settings", {"on_duplicate": "merge"}, "onDuplicate"),
    ("POST", "/settings", [], "object"),
    ("POST", "/clock", {}, "body"),
    ("POST", "/clock", {"freeze": True, "advanceMs": 1}, "body"),
    ("POST", "/clock", {"freeze": "yesterday"}, "/freeze"),
    ("POST", "/clock", {"set": "2026-13-01T00:00:00Z"}, "/set"),
    ("POST", "/clock", {"set": True}, "/set"),
    ("POST", "/clock", {"advanceMs": "1"}, "/advanceMs"),
    ("POST", "/requests/count", {"urlPth": "/x"}, "urlPath"),
    ("POST", "/requests/count", [], "object"),
    ("POST", "/requests/find", {"bodyPatterns": [{"equalToXml": "<a/>"}]}, "equalToXml"),
    ("POST", "/requests/find", {"headers": {"X-Api-Key": {"equalTo": "k"}}}, "/headers/X-Api-Key"),
    ("POST", "/requests/wait", {"pattern": {"operation": "nope"}}, "nope"),
    ("POST", "/requests/wait", {"count": 0}, "/count"),
    ("POST", "/requests/wait", {"timeout": 5}, "timeout"),
    ("GET", "/requests?limit=-1", None, "limit"),
    ("GET", "/requests?operation=nope", None, "operation"),
    ("GET", "/requests?since=noon", None, "since"),
    ("POST", "/state/generate", {"count": 0}, "/count"),
    ("POST", "/state/generate", {"count": 10001}, "/count"),
    ("POST", "/state/generate", {"count": 1, "type": "firm"}, "/type"),
    ("PUT", STATE, {"userId": "other", "createdTimestamp": 1}, "/userId"),
    ("PUT", STATE, {"createdTimestamp": "now"}, "/createdTimestamp"),
    ("PUT", "/state/events/consumer/e", {"timestamp": 1}, "userId"),
    ("POST", "/snapshots/s/restore", {"form": "w"}, "from"),
    ("POST", "/worlds", {"name": ""}, "/name"),
    ("POST", "/worlds", {"name": " "}, "/name"),
    ("POST", "/worlds", {"name": "x" * 201}, "/name"),
    ("POST", "/simulate/consumer/u", {}, "body"),
    ("POST", "/simulate/consumer/u", {"state": "ASLEEP"}, "/state"),
]


@pytest.mark.parametrize(("method", "path", "body", "said"), WRONG, ids=str)
def test_a_wrong_body_or_query_is_a_422_that_says_what(method: str, path: str, body: Any, said: str) -> None:
    """What a route does not understand is a 422 whose detail names the place, and nothing is changed."""
    admin = fresh(clock=1767225600000)
    admin.api().post(USERS, user())
    before = admin.whole()
    status, detail = admin.problem(method, path, body)
    assert status == 422
    assert said in detail
    assert admin.whole() == before


NOT_JSON = [b"", b" ", b"{", b"\xff", b'{"a":1,"a":2}', b"NaN", b'{"count":1e400}', b"[" * 200, b'"\\ud800"']
WITH_BODY = [(m, p) for m, p in ROUTES if resolved(document()["paths"][p][m.lower()].get("requestBody", {}))]
JSON_ONLY = [(method, path) for method, path in WITH_BODY if path != "/__admin/state/import"]


def filled(path: str) -> str:
    """The path below /__admin, with ids in it."""
    known = {"{kind}": "users", "{type}": "consumer", "{id}": "u", "{name}": "n"}
    for name, value in known.items():
        path = path.replace(name, value)
    return path.removeprefix("/__admin")


@pytest.mark.parametrize(("method", "path"), JSON_ONLY)
def test_a_body_that_is_no_json_is_a_422(method: str, path: str) -> None:
    """Empty, cut, binary, ambiguous and too deep bodies are a 422 that says so, on each route that takes JSON."""
    admin = fresh()
    admin.api().post(USERS, user())
    optional = not resolved(document()["paths"][path][method.lower()]["requestBody"])["required"]
    for content in NOT_JSON:
        if optional and not content.strip():
            continue
        status, detail = admin.problem(method, filled(path), content=content)
        assert (content, status) == (content, 422)
        assert "body" in detail.lower()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_query_parameter_is_a_422(method: str, path: str) -> None:
    """Each route refuses a query parameter that it does not know, by name, and a blank world."""
    admin = fresh()
    status, detail = admin.problem(method, f"{filled(path)}?wrold=w")
    assert status == 422
    assert "wrold" in detail
    names = [resolved(entry)["name"] for entry in document()["paths"][path][method.lower()].get("parameters", ())]
    if "world" in names:
        for blank in ("", "%20"):
            status, detail = admin.of(None).problem(method, f"{filled(path)}?world={blank}")
            assert status == 422
            assert "world" in detail


UNKNOWN = [
    ("GET", "/requests/nothing", None),
    ("GET", "/requests/00000000-0000-0000-0000-000000000000", None),
    ("DELETE", "/outcomes/outcome-1", None),
    ("GET", "/faults/fault-1", None),
    ("DELETE", "/faults/fault-1", None),
    ("GET", "/state/users/consumer/u%2Fv", None),
    ("DELETE", "/state/events/business/u", None),
    ("GET", "/state/accounts/consumer", None),
    ("GET", "/state/users/firm", None),
    ("GET", "/state/users/transaction", None),
    ("GET", "/state/batches/transactions", None),
    ("POST", "/simulate/transaction/t", {"state": "BLOCKED"}),
    ("PUT", "/state/users/firm/u", {"createdTimestamp": 1}),
    ("POST", "/snapshots/s/restore", None),
    ("POST", "/snapshots/s/restore", {"from": "nowhere"}),
    ("DELETE", "/snapshots/s", None),
    ("DELETE", "/worlds/elsewhere", None),
    ("POST", "/simulate/consumer/u", {"state": "BLOCKED"}),
    ("POST", "/simulate/firm/u", {"state": "BLOCKED"}),
]


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
def test_an_unknown_id_is_a_404(method: str, path: str, body: Any) -> None:
    """What is not there is a problem of status 404."""
    admin = fresh()
    status, detail = admin.problem(method, path, body)
    assert status == 404
    assert detail


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/state/generate", {"count": 2.0}),
        ("POST", "/faults", {"effect": {"status": 503.0}, "times": 1.0}),
        ("POST", "/clock", {"advanceMs": 5.0}),
        ("POST", "/settings", {"seed": 1.0}),
        ("POST", "/requests/wait", {"count": 1.0, "timeoutMs": 0}),
        ("POST", "/outcomes", {"outcome": "clean", "times": 1.0}),
    ],
)
def test_a_whole_number_written_with_a_point_is_that_number(method: str, path: str, body: Any) -> None:
    """`2.0` is an integer to JSON Schema: a route that takes it works with it as with `2`."""
    told = []
    for sent in (body, json.loads(json.dumps(body).replace(".0", ""))):
        admin = own(clock=1767225600000)  # its own, since worlds' names are in the journal
        answer = admin.call(method, path, sent)
        assert answer.status in (200, 201), answer
        vendor = admin.api().post(USERS, user())
        told.append((answer.raw, vendor.status, vendor.raw, json.dumps(admin.get("/requests"))))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/__admin", 404),
        ("GET", "/__admin/nope", 404),
        ("GET", "/__admin/state/users", 404),
        ("PATCH", "/__admin/reset", 405),
        ("POST", "/__admin/health", 405),
    ],
)
def test_an_unknown_admin_route_is_a_problem_and_no_client_request(
    admin: Admin, method: str, target: str, status: int
) -> None:
    """A wrong path or method below /__admin is refused as the admin API refuses, and is in no world's journal."""
    default = admin.of("default")
    before = default.get("/requests")["meta"]["total"]
    answer = admin.raw(method, target)
    assert answer.status == status
    assert default.get("/requests")["meta"]["total"] == before
    assert answer.headers["content-type"] == "application/problem+json"
