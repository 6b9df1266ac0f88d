"""The Flask application: an ordinary WSGI application over the engine."""

from __future__ import annotations

import sys
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
from mockserver.web.sandbox import Answers, Environ, Sandbox, response


def create_app(engine: Engine, log: RequestLog, settings: Settings) -> Flask:
    """The application that serves the engine's contract, its admin API, its probes and its docs page."""
    contract = engine.contract
    app = Sandbox()
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.extensions["mockserver"] = engine
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.converters["id"] = IdConverter

    for operation in contract.operations.built:
        rule = operation.path.replace("{", "<id:").replace("}", ">")
        app.add_operation(rule, operation.id, operation.method, _answers(engine, operation))

    @cache  # made when it is first asked for: a start need not wait for it
    def document() -> bytes:
        return json_bytes(bundled_document(contract, profile=settings.validation))

    app.add_url_rule("/openapi.json", "openapi", lambda: response(Reply(200, (), document())), methods=["GET"])

    app.register_blueprint(probes_blueprint(engine))
    app.register_blueprint(docs_blueprint(admin=settings.admin == "on"))

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        refusal = _as_api_error(error, engine)
        if isinstance(error, NotFound | MethodNotAllowed):
            try:
                return response(engine.refuse(_call(request.environ, None, ""), refusal))
            except errors.Unavailable as away:
                refusal = away
        return response(error_reply(refusal))

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


def _answers(engine: Engine, operation: Operation) -> Answers:
    def answers(environ: Environ, asked: str) -> Reply:
        call = _call(environ, operation, asked)
        try:
            if "\ufffd" in asked and not _is_utf8(environ["PATH_INFO"]):
                return engine.refuse(call, errors.BadRequest("The path is not UTF-8"), operation.id)
            return engine.handle(call)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets the vendor's body
            return error_reply(_as_api_error(error, engine))

    return answers


def _is_utf8(path: str) -> bool:
    """Whether a path, as WSGI gives it (each byte a character), is UTF-8."""
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _call(environ: Environ, operation: Operation | None, asked: str) -> Call:
    """The request as the engine takes it."""
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
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return errors.MethodNotAllowed(
            f"{request.method} is not a method of {request.path[:200]!r}: allowed: {allowed}",
            headers=[("Allow", allowed)],
        )
    if isinstance(error, NotFound):
        return unknown_path(request.path, engine.contract)
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return errors.BadRequest(f"The request cannot be read: {error.name}")
    sys.stderr.write(failure(error))
    return errors.InternalError("The mock server failed; its log says why")
