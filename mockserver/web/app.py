"""The Flask application: an ordinary WSGI application over the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from mockserver import errors
from mockserver.config import Settings
from mockserver.contract.openapi import bundled_document
from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes
from mockserver.engine import Call, Engine, Reply, error_reply
from mockserver.engine.line import unknown_path
from mockserver.web.docs import docs_blueprint
from mockserver.web.ids import IdConverter
from mockserver.web.log import RequestLog, failure
from mockserver.web.probes import probes_blueprint


def create_app(engine: Engine, log: RequestLog, settings: Settings) -> Flask:
    """The application that serves the engine's contract, its admin API, its probes and its docs page."""
    contract = engine.contract
    app = Flask("mockserver", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.extensions["mockserver"] = engine
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.converters["id"] = IdConverter

    for operation in contract.operations.built:
        rule = operation.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(rule, operation.id, _vendor_view(engine, operation), methods=[operation.method])

    @cache  # made when it is first asked for: a start need not wait for it
    def document() -> bytes:
        return json_bytes(bundled_document(contract, profile=settings.validation))

    app.add_url_rule("/openapi.json", "openapi", lambda: _response(Reply(200, (), document())), methods=["GET"])

    app.register_blueprint(probes_blueprint(engine))
    app.register_blueprint(docs_blueprint(admin=settings.admin == "on"))

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        refusal = _as_api_error(error, engine)
        if isinstance(error, NotFound | MethodNotAllowed):
            try:
                return _response(engine.refuse(_call(None, ""), refusal))
            except errors.Unavailable as away:
                refusal = away
        return _response(error_reply(refusal))

    if settings.admin == "on":
        app.wsgi_app = _beside_admin(app.wsgi_app, engine, settings)  # type: ignore[method-assign]  # as below
    app.wsgi_app = log.around(app.wsgi_app)  # type: ignore[method-assign,assignment]  # the documented way
    return app


def _beside_admin(app: Any, engine: Engine, settings: Settings) -> Any:
    """The application, with the admin API as one of its own: made at its first use, since few starts need it."""

    @cache
    def admin() -> Any:
        from mockserver.web.admin import create_admin

        return create_admin(engine, settings)

    def either(environ: dict[str, Any], start_response: Any) -> Any:
        inside = environ["PATH_INFO"].startswith("/__admin")
        return (admin() if inside else app)(environ, start_response)

    return either


class _Response(Response):
    """A JSON answer."""

    default_mimetype = "application/json"


def _response(reply: Reply) -> Response:
    """The engine's reply as Flask's response; what is for log and server goes by the environ."""
    environ = request.environ
    environ["mockserver.notes"] = reply.notes
    environ["mockserver.outcome"] = reply.outcome
    if reply.delay_ms:
        environ["mockserver.delay_ms"] = reply.delay_ms
    if reply.fault:
        environ["mockserver.fault"] = reply.fault
    if reply.wire:
        environ["mockserver.wire"] = reply.wire
    response = _Response(reply.body, reply.status)
    for name, value in reply.headers:
        response.headers.add(name, value)
    return response


def _vendor_view(engine: Engine, operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        asked = next(iter(path.values()), "")
        call = _call(operation, asked)
        if "\ufffd" in asked and not _is_utf8(request.environ["PATH_INFO"]):
            return _response(engine.refuse(call, errors.BadRequest("The path is not UTF-8"), operation.id))
        return _response(engine.handle(call))

    return view


def _is_utf8(path: str) -> bool:
    """Whether a path, as WSGI gives it (each byte a character), is UTF-8."""
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _call(operation: Operation | None, asked: str) -> Call:
    """The request as the engine takes it."""
    environ = request.environ
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return Call(
        operation,
        environ.get("HTTP_X_API_KEY"),
        asked,
        environ.get("QUERY_STRING", ""),
        environ["wsgi.input"].read(length) if length else b"",
        environ.get("mockserver.body_bytes", 0),
        environ["REQUEST_METHOD"],
        environ.get("mockserver.raw_path") or quote(environ["PATH_INFO"].encode("latin-1")),
        environ["mockserver.headers"] if "mockserver.headers" in environ else _headers(environ),
    )


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    """The headers by their names in lower case, where our server has not made them already."""
    return {
        name[5:].replace("_", "-").lower() if name[:5] == "HTTP_" else "content-type": value
        for name, value in environ.items()
        if name[:5] == "HTTP_" or name == "CONTENT_TYPE"
    }


def _as_api_error(error: Exception, engine: Engine) -> errors.ApiError:
    """Any error in the vendor's shape; one that nobody foresaw is a 500 that shows nothing of itself."""
    if isinstance(error, errors.ApiError):
        return error
    path = request.path
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return errors.MethodNotAllowed(
            f"{request.method} is not a method of {path[:200]!r}: allowed: {allowed}",
            headers=[("Allow", allowed)],
        )
    if isinstance(error, NotFound):
        return unknown_path(path, engine.contract)
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return errors.BadRequest(f"The request cannot be read: {error.name}")
    sys.stderr.write(failure(error))
    return errors.InternalError("The mock server failed; its log says why")
