"""The admin API at /__admin: HTTP around the actions of mockserver.controls."""

from __future__ import annotations

import hmac
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from urllib.parse import parse_qsl

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

import mockserver
from mockserver.config import Settings
from mockserver.contract.admin import AdminRoute, load_admin
from mockserver.contract.parse import json_bytes, parse_body
from mockserver.controls.actions import ACTIONS
from mockserver.controls.desk import Ask, Desk, Wait
from mockserver.controls.matchers import PatternError
from mockserver.engine import Engine
from mockserver.engine.call import header_text
from mockserver.errors import ApiError, Problem
from mockserver.web.ids import IdConverter
from mockserver.web.log import failure
from mockserver.world.content import initial_content

PREFIX = "/__admin"
_PROBLEM = "application/problem+json"


def create_admin(engine: Engine, settings: Settings) -> Flask:
    """The application of every route of `schemas/admin.yaml`."""
    app = Flask("mockserver-admin", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = IdConverter
    dials = engine.dials

    @lru_cache(maxsize=8)  # a test suite asks for the same few again and again
    def content(start: str) -> Mapping[str, bytes]:
        return initial_content(engine.contract, settings.world if start == "default" else start)

    desk = Desk(
        contract=engine.contract,
        store=engine.store,
        outcomes=engine.outcomes,
        defaults={
            "answers": dials.answers,
            "outcome": dials.outcome,
            "validation": dials.validation,
            "onDuplicate": dials.on_duplicate,
            "seed": dials.seed,
        },
        clock=dials.clock,
        variants=lambda: engine.renderer.variants,
        version=mockserver.__version__,
        key_of=engine.tenancy.key_of,
        content=content,
        journal=dials.journal,
    )
    routes, document = load_admin(engine.contract.models)
    described = json_bytes(document)
    for number, route in enumerate(routes):
        rule = re.sub(r"\{(id|name)\}", r"<id:\1>", route.path).replace("{", "<").replace("}", ">")
        view = _described(desk, route, described) if route.id == "document" else _view(desk, route)
        app.add_url_rule(rule, f"{route.id}-{number}", _guarded(view, settings.admin_token), methods=[route.method])

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        hint = "GET /__admin/openapi.json lists the routes"
        refusal = problem(Problem(error.code or 500, f"{request.method} {request.path[:200]}: {error.name}; {hint}"))
        for name, value in error.get_headers(request.environ):
            if name == "Allow":
                refusal.headers[name] = value
        return refusal

    return app


def problem(error: Problem) -> Response:
    """A refusal as application/problem+json; its detail stands under the request line."""
    request.environ["mockserver.notes"] = tuple(f"admin: {line}" for line in error.detail.splitlines())
    body = error.body(HTTPStatus(error.status).phrase)
    response = Response(json_bytes(body), error.status, content_type=_PROBLEM)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _guarded(view: Callable[..., Response], token: str) -> Callable[..., Response]:
    """The view, behind the token where one is set, and with problems as answers."""

    def guarded(**path: str) -> Response:
        try:
            if token != "none":  # noqa: S105 - the word for no token
                sent = request.environ.get("HTTP_AUTHORIZATION", "")
                given = sent[7:] if sent[:7].lower() == "bearer " else ""
                if not hmac.compare_digest(given.strip().encode(), token.encode()):
                    raise Problem(401, "This admin API asks for its token: Authorization: Bearer ...")
            return view(**path)
        except Problem as error:
            return problem(error)
        except PatternError as error:
            return problem(Problem(422, str(error)))
        except ApiError as error:
            return problem(Problem(422 if error.status == 400 else error.status, error.message, error.violations))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            sys.stderr.write(failure(error))
            failed = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
            return Response(json_bytes({**failed, "detail": "The mock server failed"}), 500, content_type=_PROBLEM)

    return guarded


def _described(desk: Desk, route: AdminRoute, document: bytes) -> Callable[..., Response]:
    def view() -> Response:
        _ask(desk, route, {})
        return Response(document, 200, content_type="application/json")

    return view


def _view(desk: Desk, route: AdminRoute) -> Callable[..., Response]:
    action = ACTIONS[route.id]

    def view(**path: str) -> Response:
        answer = action(_ask(desk, route, path))
        while isinstance(answer, Wait):
            environ = request.environ
            if "mockserver.can_wait" in environ:  # the server waits without holding anybody up, and calls again
                environ["mockserver.wait"] = (_watch(desk, answer.world), answer.seconds)
                return Response(b"", 200)
            _block(desk, answer)
            answer = action(_ask(desk, route, path))
        if answer.lines is not None:
            return Response(answer.lines, answer.status, content_type="application/x-ndjson")
        response = Response(json_bytes(answer.body), answer.status, content_type="application/json")
        if answer.status == HTTPStatus.NO_CONTENT:
            response = Response(b"", answer.status)
            del response.headers["Content-Type"]
        for name, value in answer.headers:
            response.headers.add(name, header_text(value))
        return response

    return view


def _ask(desk: Desk, route: AdminRoute, path: dict[str, str]) -> Ask:
    """The request, its query and body checked."""
    environ = request.environ
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    for name, value in pairs:
        if name not in route.query:
            allowed = ", ".join(sorted(route.query)) or "none"
            raise Problem(422, f"unknown query parameter {name[:80]!r}; allowed: {allowed}")
        if name == "world" and not value.strip():
            raise Problem(422, "the query parameter world is blank")
    if "mockserver.deadline" not in environ:
        environ["mockserver.deadline"] = monotonic()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["mockserver.raw"] = environ["wsgi.input"].read(length) if length else b""
    raw = environ["mockserver.raw"]
    if environ.get("mockserver.body_bytes", 0) > len(raw):
        raise Problem(413, f"The body of {environ['mockserver.body_bytes']} bytes is too large; see --max-body-bytes")
    memory = environ.setdefault("mockserver.memory", {})
    ask = Ask(desk, path, pairs, None, raw, monotonic() - environ["mockserver.deadline"], memory)
    if route.body is None or (not raw.strip() and not route.body.required):
        return ask
    body = parse_body(raw, size=len(raw), largest=len(raw), deepest=100)
    violations = route.body.report(body)
    if violations:
        raise Problem(422, violations[0].line, violations)
    return replace(ask, body=route.body.tidied(body))


def _watch(desk: Desk, world: str) -> Callable[[Callable[[], object]], Callable[[], None]]:
    return lambda told: desk.store.watch(world, told)


def _block(desk: Desk, wait: Wait) -> None:
    """Wait in this thread: only where the application is called without our server."""
    happened = threading.Event()
    end = desk.store.watch(wait.world, happened.set)
    try:
        happened.wait(min(wait.seconds, 0.05))
    finally:
        end()
