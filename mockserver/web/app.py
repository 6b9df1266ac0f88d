"""The Flask application: an ordinary WSGI application over the engine."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter

from mockserver import errors
from mockserver.contract import Contract
from mockserver.contract.openapi import bundled_document
from mockserver.contract.operations import Operation, Unbuilt
from mockserver.contract.parse import json_bytes
from mockserver.engine import Call, Engine, Reply, error_reply, unknown_path
from mockserver.web.log import RequestLog


class IdConverter(BaseConverter):
    """An id in a path: anything, slashes and line breaks included, as the Python SDK sends it unescaped."""

    regex = r"[\s\S]+"
    part_isolating = False


def create_app(engine: Engine, contract: Contract, log: RequestLog, *, profile: str = "pages") -> Flask:
    """The application that serves a contract through an engine; `profile` is the one the document shows."""
    app = Flask("mockserver", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.converters["id"] = IdConverter

    for operation in contract.operations.built:
        app.add_url_rule(_rule(operation), operation.id, _vendor_view(engine, operation), methods=[operation.method])
    for unbuilt in contract.operations.unbuilt:
        app.add_url_rule(_rule(unbuilt), unbuilt.id, _unbuilt_view(unbuilt), methods=[unbuilt.method])

    document = json_bytes(bundled_document(contract, profile=profile))
    app.add_url_rule("/openapi.json", "openapi", lambda: _response(Reply(200, (), document)), methods=["GET"])

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        return _response(error_reply(_as_api_error(error, contract)))

    app.wsgi_app = log.around(app.wsgi_app)  # type: ignore[method-assign,assignment]  # the documented way
    return app


class _Response(Response):
    """A JSON answer."""

    default_mimetype = "application/json"


def _response(reply: Reply) -> Response:
    """The engine's reply as Flask's response; what is for log and server goes by the environ."""
    environ = request.environ
    environ["mockserver.notes"] = reply.notes
    if reply.delay_ms:
        environ["mockserver.delay_ms"] = reply.delay_ms
    if reply.wire:
        environ["mockserver.wire"] = reply.wire
    response = _Response(reply.body, reply.status)
    for name, value in reply.headers:
        response.headers.add(name, value)
    return response


def _vendor_view(engine: Engine, operation: Operation) -> Callable[..., Response]:
    takes_body = operation.request is not None

    def view(**path: str) -> Response:
        environ = request.environ
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) if takes_body else b""
        call = Call(
            operation,
            environ.get("HTTP_X_API_KEY"),
            next(iter(path.values()), ""),
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_PREFER", ""),
            body,
            environ.get("mockserver.body_bytes", 0),
        )
        return _response(engine.handle(call))

    return view


def _unbuilt_view(operation: Unbuilt) -> Callable[..., Response]:
    def view(**_: str) -> Response:
        message = f"{operation.id} ({operation.sdk_name}) is not built into this sandbox yet"
        return _response(error_reply(errors.NotBuilt(message)))

    return view


def _rule(operation: Operation | Unbuilt) -> str:
    """The operation's path as Flask writes it."""
    return operation.path.replace("{", "<id:").replace("}", ">")


def _as_api_error(error: Exception, contract: Contract) -> errors.ApiError:
    """Any error in the vendor's shape; one that nobody foresaw is a 500 that shows nothing of itself."""
    if isinstance(error, errors.ApiError):
        return error
    path = request.path
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return errors.MethodNotAllowed(
            f"{request.method} is not a method of {path[:200]!r}: allowed are {allowed}",
            headers=[("Allow", allowed)],
        )
    if isinstance(error, NotFound):
        return unknown_path(path, contract)
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return errors.BadRequest(f"The request cannot be read: {error.name}")
    traceback.print_exception(error, file=sys.stderr)
    return errors.InternalError("The mock server failed; its log says why")
