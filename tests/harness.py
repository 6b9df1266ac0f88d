"""What every test uses: the sandbox in process and over real HTTP, with every answer checked against its schema."""

from __future__ import annotations

import atexit
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import jsonschema_rs
import requests

from mockserver.config import Settings
from mockserver.contract import Contract
from mockserver.contract.openapi import bundled_document
from mockserver.server import Server
from mockserver.web.factory import application, threads

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
QUIET = {"log_format": "off"}
NOW = 1641654664000  # the documentation's own createdTimestamp, in milliseconds


@cache
def contract() -> Contract:
    """The contract, loaded once for all tests."""
    return Contract()


def other_hash_seed() -> str:
    """A PYTHONHASHSEED that this process does not have, for one that must agree with it all the same."""
    return "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"


@dataclass(frozen=True)
class Answer:
    """What came back; `warnings` are the lines of X-Mockserver-Warning."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON of the answer; a key that stands twice in one object is a failure."""
        return json.loads(self.raw, object_pairs_hook=_once)

    @property
    def warnings(self) -> str:
        """The warnings, joined as HTTP joins repeated headers."""
        return self.headers.get("x-mockserver-warning", "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    assert len(value) == len(pairs), f"a key stands twice: {[name for name, _ in pairs]}"
    return value


class Api:
    """A client of one world: `post` and `get` by path, every answer checked against its schema."""

    def __init__(self, transport: Any, key: str = "test") -> None:
        self.transport = transport
        self.key = key

    def with_key(self, key: str) -> Api:
        """The same server, by another key."""
        return Api(self.transport, key)

    def call(
        self, method: str, target: str, body: Any = None, *, raw: bytes | None = None, headers: Any = None
    ) -> Answer:
        """One request; `target` is the request target as it goes over the wire, query included."""
        content = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        sent: dict[str, Any] = {
            "x-api-key": self.key,
            **({"content-type": "application/json"} if content is not None else {}),
        }
        sent |= headers or {}
        answer = self.transport(method, target, content, {k: v for k, v in sent.items() if v is not None})
        check_answer(method, target, answer)
        return answer

    def post(self, target: str, body: Any = None, **more: Any) -> Answer:
        """POST a JSON body, or `raw` bytes."""
        return self.call("POST", target, body, **more)

    def get(self, target: str, **more: Any) -> Answer:
        """GET a path."""
        return self.call("GET", target, **more)


def over_http(url: str) -> Any:
    """A transport over a real socket; the target is sent as it stands."""
    session = requests.Session()
    session.trust_env = False

    def send(method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = session.prepare_request(requests.Request(method, url, data=content, headers=dict(headers)))
        request.url = url + target  # as it stands: requests would normalise it
        response = session.send(request, timeout=30, allow_redirects=False)
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)

    return send


def in_process(app: Any) -> Any:
    """A transport that calls the WSGI application directly."""

    def send(method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "test",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(content or b"")),
            "wsgi.input": BytesIO(content or b""),
            "wsgi.errors": StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        started: list[Any] = []
        parts = app(environ, lambda status, head, exc=None: started.extend((status, head)))
        raw = b"".join(parts)
        joined: dict[str, str] = {}
        for name, value in started[1]:
            joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
        return Answer(int(started[0][:3]), joined, raw)

    return send


def store() -> str:
    """The setting `store` of a sandbox of its own: memory, or what TEST_STORE asks for (`make test-stores`)."""
    kind = os.environ.get("TEST_STORE", "memory")
    if kind == "sqlite":
        return f"sqlite:///{_folder()}/{uuid4()}.db"
    return f"{kind}?prefix={uuid4()}" if kind.startswith("redis:") else kind


@cache
def _folder() -> str:
    folder = tempfile.TemporaryDirectory(prefix="mockserver-test-")
    atexit.register(folder.cleanup)
    return folder.name


@contextmanager
def running(**settings: Any) -> Iterator[Server]:
    """A server of its own on a free port, with these settings."""
    chosen = Settings(**{**QUIET, "port": 0, "store": store(), **settings})
    app = application(chosen, contract=contract())
    server = Server(app, chosen.host, chosen.port, chosen.max_body_bytes, threads=threads(chosen))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def made(**settings: Any) -> Api:
    """A sandbox in process, with these settings, all to itself."""
    return Api(in_process(application(Settings(**{**QUIET, "store": store(), **settings}), contract=contract())))


def check_answer(method: str, target: str, answer: Answer) -> None:
    """Fail unless the answer is JSON and valid by the document: the operation's own schema, or the error body."""
    assert answer.headers.get("content-type") == "application/json", answer
    if method == "HEAD":
        return
    body = answer.body
    problems = [error.message for error in _validator(method, target, answer.status).iter_errors(body)]
    assert not problems, (method, target, answer.status, problems, body)
    if answer.status >= 400:
        assert isinstance(body["message"], str), body
        assert body["message"], body
        assert isinstance(body.get("validationErrors", ""), str), body


@cache
def document() -> dict[str, Any]:
    """The bundled OpenAPI document."""
    return bundled_document(contract())


@cache
def _paths() -> Sequence[tuple[str, re.Pattern[str], str]]:
    found = []
    for path, item in document()["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", r"[\\s\\S]+", path))
        found += [(method.upper(), pattern, path) for method in item if method in ("get", "post")]
    return found


def _validator(method: str, target: str, status: int) -> Any:
    path = target.partition("?")[0]
    for known, pattern, template in _paths():
        if known == method and pattern.fullmatch(path):
            return _compiled(method, template, status)
    return _compiled("", "", status)


@cache
def _compiled(method: str, template: str, status: int) -> Any:
    schema: Any = {"$ref": "#/components/schemas/ApiErrorResponse"} if status >= 400 else {}
    if template:
        responses = document()["paths"][template][method.lower()]["responses"]
        if str(status) in responses:
            response = responses[str(status)]
            if "$ref" in response:
                response = document()["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]
            schema = response["content"]["application/json"]["schema"]
        else:
            assert status >= 400, f"{method} {template} answered {status}, which the contract does not know"
    return jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]})
