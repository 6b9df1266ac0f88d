"""The application is an ordinary Flask application to whoever extends it, and pays for that only then."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request, request_started

from mockserver.config import Settings
from mockserver.web.factory import application
from tests.harness import NOW, Answer, contract, in_process

USER = f'{{"userId": "u1", "createdTimestamp": {NOW}}}'.encode()
REQUESTS = [
    ("POST", "/consumer/users", USER),
    ("POST", "/consumer/users", b'{"userId": 7}'),
    ("POST", "/consumer/users?lockCraRiskLevel=perhaps", USER),
    ("GET", "/consumer/users/u1", None),
    ("HEAD", "/consumer/users/u1", None),
    ("GET", "/consumer/users/%C3%BC%2F/x", None),
    ("GET", "/consumer/users/%FF", None),
    ("GET", "//consumer/users/u1", None),
    ("GET", "/consumer/users/", None),
    ("DELETE", "/consumer/users/u1", None),
    ("GET", "/nowhere", None),
    ("GET", "/livez", None),
]


def answers(app: Flask) -> list[Answer]:
    """What a fresh sandbox answers to the requests, one after another."""
    send = in_process(app)
    return [send(method, target, body, {"x-api-key": "k"}) for method, target, body in REQUESTS]


def sandbox() -> Flask:
    """A sandbox of its own."""
    return application(Settings(log_format="off"), contract=contract())


def test_a_hook_is_called_for_every_request_and_changes_no_answer() -> None:
    """Who registers a hook is told of each request, and the answers are the same, byte for byte."""
    hooked, seen = sandbox(), []
    hooked.before_request(lambda: seen.append(request.path))
    assert answers(hooked) == answers(sandbox())
    assert len(seen) == len(REQUESTS)


def test_a_signal_is_sent_when_somebody_listens() -> None:
    """A receiver of Flask's signals is told of operations too."""
    app, seen = sandbox(), []

    def told(sender: Any, **_: Any) -> None:
        seen.append(sender)

    with request_started.connected_to(told, app):
        answers(app)
    assert seen == [app] * len(REQUESTS)
    answers(app)
    assert len(seen) == len(REQUESTS)


def test_a_middleware_sees_every_request() -> None:
    """`app.wsgi_app` can be wrapped, the documented way."""
    app, seen = sandbox(), []
    inner = app.wsgi_app

    def around(environ: Any, start_response: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    app.wsgi_app = around  # type: ignore[method-assign]  # the documented way
    assert len(answers(app)) == len(seen)


@pytest.mark.parametrize("hooked", [False, True])
def test_a_defect_is_the_vendors_500(hooked: bool, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """Whatever fails inside, the client gets the vendor's body, and stderr the place without any value."""
    app = sandbox()
    if hooked:
        app.before_request(lambda: None)

    value = "a value of the body"

    def fail(*_: Any, **__: Any) -> None:
        raise LookupError(value)

    monkeypatch.setattr("mockserver.engine.line.Engine.handle", fail)
    [answer, *_] = answers(app)
    assert (answer.status, answer.body["message"]) == (500, "The mock server failed; its log says why")
    told = capsys.readouterr().err
    assert "LookupError" in told
    assert value not in told
