"""Flask, where a request pays for what is used of it and for nothing else.

The operations' routes are Flask's and are matched by Flask's map. Flask's request, contexts, session and signals are
made only where somebody asks for them: for every other route, after an error of the routing, and for all requests as
soon as a hook is registered or a signal has a receiver. The answer is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from flask import Flask, Response, request, signals
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import MapAdapter

from mockserver.engine import Reply

Environ = dict[str, Any]
Answers = Callable[[Environ, str], Reply]  # from a request's environ and the id in its path

_SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.appcontext_pushed,
    signals.appcontext_tearing_down,
    signals.appcontext_popped,
)


class Sandbox(Flask):
    """A Flask application with operations: routes that are answered from the environ alone."""

    def __init__(self) -> None:
        super().__init__("mockserver", static_folder=None)
        self._operations: dict[str, Answers] = {}

    def add_operation(self, rule: str, name: str, method: str, answers: Answers) -> None:
        """Add the route of an operation; `rule` may hold one id."""

        def view(**path: str) -> Response:
            return response(answers(request.environ, next(iter(path.values()), "")))

        self.add_url_rule(rule, name, view, methods=[method])
        self._operations[name] = answers

    def wsgi_app(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """See Flask."""
        if self._is_hooked():
            return super().wsgi_app(environ, start_response)
        path = environ["PATH_INFO"]
        if not path.isascii():  # WSGI gives bytes as latin-1
            path = path.encode("latin-1").decode("utf-8", "replace")
        try:
            name, ids = self._routes.match(path, environ["REQUEST_METHOD"])
            answers = self._operations[name]
        except (HTTPException, KeyError):  # no such route, or one of Flask's own
            return super().wsgi_app(environ, start_response)
        return send(answers(environ, next(iter(ids.values()), "")), environ, start_response)

    def _is_hooked(self) -> bool:
        """Whether anybody wants to be told of requests, so that Flask must handle them in full."""
        return bool(
            self.before_request_funcs
            or self.after_request_funcs
            or self.teardown_request_funcs
            or self.teardown_appcontext_funcs
            or self.url_value_preprocessors
            or any(signal.receivers for signal in _SIGNALS)
        )

    @cached_property
    def _routes(self) -> MapAdapter:
        """Flask's map, bound once: no route here depends on the host."""
        return self.url_map.bind("")


def send(reply: Reply, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """The engine's reply as a WSGI answer; what is for log and server goes by the environ."""
    _tell(reply, environ)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(reply.body))), *reply.headers]
    start_response(f"{reply.status} {HTTP_STATUS_CODES.get(reply.status, 'UNKNOWN')}", headers)
    return () if environ["REQUEST_METHOD"] == "HEAD" else (reply.body,)


def response(reply: Reply) -> Response:
    """The engine's reply as Flask's response."""
    _tell(reply, request.environ)
    made = Response(reply.body, reply.status, content_type="application/json")
    for name, value in reply.headers:
        made.headers.add(name, value)
    return made


def _tell(reply: Reply, environ: Environ) -> None:
    environ["mockserver.notes"], environ["mockserver.outcome"] = reply.notes, reply.outcome
    if reply.delay_ms:
        environ["mockserver.delay_ms"] = reply.delay_ms
    if reply.fault:
        environ["mockserver.fault"] = reply.fault
    if reply.wire:
        environ["mockserver.wire"] = reply.wire
