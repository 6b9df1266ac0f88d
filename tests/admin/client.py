"""A client of the admin API: every answer is checked against the admin API's own OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from mockserver.contract.admin import load_admin
from tests.harness import NOW, Answer, Api, contract, in_process, made

USERS, EVENTS = "/consumer/users", "/events/consumer/user"


class Admin:
    """A client of one world's controls: `call` by operationId's method and path, without the prefix."""

    def __init__(self, transport: Any, world: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.transport = transport
        self.world = world
        self.headers = dict(headers or {})

    def of(self, world: str | None) -> Admin:
        """The controls of another world."""
        return Admin(self.transport, world, self.headers)

    def api(self, key: str | None = None) -> Api:
        """A client of the vendor's API in this world."""
        return Api(self.transport, key or f"world-{self.world}")

    def raw(self, method: str, target: str, content: bytes | None = None) -> Answer:
        """One request, unchecked; `target` is the whole request target."""
        headers = {**self.headers, **({"content-type": "application/json"} if content is not None else {})}
        return self.transport(method, target, content, headers)

    def call(self, method: str, path: str, body: Any = None, *, content: bytes | None = None) -> Answer:
        """One request to this world's `path` below /__admin, checked."""
        if body is not None:
            content = json.dumps(body).encode()
        target = f"/__admin{path}"
        if self.world is not None and takes_world(method, target):
            target += ("&" if "?" in path else "?") + f"world={quote(self.world, safe='')}"
        answer = self.raw(method, target, content)
        check(method, target, answer)
        return answer

    def get(self, path: str) -> Any:
        """What a GET answers, which must go well."""
        return self._good("GET", path)

    def post(self, path: str, body: Any = None, *, content: bytes | None = None) -> Any:
        """What a POST answers, which must go well."""
        return self._good("POST", path, body, content)

    def put(self, path: str, body: Any = None) -> Any:
        """What a PUT answers, which must go well."""
        return self._good("PUT", path, body)

    def delete(self, path: str) -> Any:
        """What a DELETE answers, which must go well."""
        return self._good("DELETE", path)

    def problem(self, method: str, path: str, body: Any = None, *, content: bytes | None = None) -> tuple[int, str]:
        """Status and detail of a refusal."""
        answer = self.call(method, path, body, content=content)
        assert answer.status >= 400, answer
        return answer.status, answer.body["detail"]

    def export(self) -> bytes:
        """The world's users and events as JSON lines."""
        answer = self.call("GET", "/state/export")
        assert answer.status == 200, answer
        return answer.raw

    def count(self, **pattern: Any) -> int:
        """How many requests match."""
        return self.post("/requests/count", pattern)["count"]

    def find(self, **pattern: Any) -> list[dict[str, Any]]:
        """The requests that match, oldest first."""
        return self.post("/requests/find", pattern)["requests"]

    def journal(self) -> list[dict[str, Any]]:
        """The journal, oldest first, each with why it was answered so."""
        return self.get("/requests")["requests"][::-1]

    def whole(self) -> dict[str, Any]:
        """Everything that the admin API tells of a world, but for its name; the clock must stand still."""
        faults = [self.get(f"/faults/{fault['id']}") for fault in self.get("/faults")["faults"]]
        records = {
            f"{kind}/{entity}/{one}": self.get(f"/state/{kind}/{entity}/{quote(one, safe='')}")
            for kind in ("users", "events")
            for entity in ("consumer", "business")
            for one in self.get(f"/state/{kind}/{entity}")["ids"]
        }
        told = {path: self.get(path) for path in ("/state", "/requests", "/settings", "/clock", "/outcomes")}
        told["/state"].pop("world")
        return {**told, "faults": faults, "records": records, "export": self.export()}

    def _good(self, method: str, path: str, body: Any = None, content: bytes | None = None) -> Any:
        answer = self.call(method, path, body, content=content)
        assert answer.status in (200, 201), (method, path, answer)
        return answer.body


def own(name: str = "w", **settings: Any) -> Admin:
    """The controls of a sandbox in process, with these settings, all to itself."""
    return Admin(made(**settings).transport, name)


_numbers = count(1)


@cache
def _shared(settings: frozenset[tuple[str, Any]]) -> Any:
    return made(**dict(settings)).transport


def fresh(**settings: Any) -> Admin:
    """The controls of a fresh world in a sandbox in process that all tests of these settings share."""
    return Admin(_shared(frozenset(settings.items())), f"fresh-{next(_numbers)}")


def around(app: Any, world: str = "w") -> Admin:
    """The controls of an application, in process."""
    return Admin(in_process(app), world)


def user(user_id: str = "u", **more: Any) -> dict[str, Any]:
    """A consumer user."""
    return {"userId": user_id, "createdTimestamp": NOW, **more}


def event(user_id: str = "u", **more: Any) -> dict[str, Any]:
    """A consumer user's event."""
    return {"userId": user_id, "timestamp": NOW, **more}


@cache
def document() -> dict[str, Any]:
    """The admin API's OpenAPI document."""
    return load_admin(contract().models)[1]


def route_of(method: str, target: str) -> tuple[str, Mapping[str, Any]]:
    """Path and facts of the operation that the document has for a request; the one with fewest parameters."""
    path = target.partition("?")[0]
    found = []
    for template, item in document()["paths"].items():
        if method.lower() in item:
            last = template.endswith("/{id}")
            pattern = re.sub(r"\{\w+\}", "[^/]+", template.removesuffix("/{id}")) + ("/.+" if last else "")
            if re.fullmatch(pattern, path, re.DOTALL):
                found.append((template.count("{"), -len(template), template))
    assert found, f"the admin document has no {method} {path}"
    return min(found)[2], document()["paths"][min(found)[2]][method.lower()]


def takes_world(method: str, target: str) -> bool:
    """Whether the document gives the route the query parameter world."""
    names = [resolved(entry)["name"] for entry in route_of(method, target)[1].get("parameters", ())]
    return "world" in names


def resolved(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference into the components leads to."""
    if "$ref" not in entry:
        return entry
    _, _, section, name = entry["$ref"].split("/")
    return document()["components"][section][name]


def check(method: str, target: str, answer: Answer) -> None:
    """Fail unless status and content type are declared, and the body is as the document says."""
    template, facts = route_of(method, target)
    where = f"{method} {template} answered {answer.status}"
    content_type = answer.headers.get("content-type", "")
    if answer.status >= 400:
        assert content_type == "application/problem+json", f"{where}, {content_type}, {answer.raw[:200]!r}"
        assert answer.body["status"] == answer.status, where
        assert answer.body["title"], where
        assert answer.body["detail"].strip(), where
    declared = facts["responses"]
    assert str(answer.status) in declared, f"{where}; declared are {', '.join(declared)}: {answer.raw[:200]!r}"
    content = resolved(declared[str(answer.status)])["content"]
    assert content_type in content, f"{where}, {content_type}; declared are {', '.join(content)}"
    if "json" in content_type and "ndjson" not in content_type:
        schema = {**content[content_type]["schema"], "components": document()["components"]}
        problems = [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(answer.body)]
        assert not problems, (where, problems)
