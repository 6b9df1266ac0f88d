"""What each step of the straight line costs, in process and without a server, so that a regression names its step.

The steps are called as the engine calls them, with what it would give them. Rounds of all steps alternate, and the
cheapest round of each counts, since others on the machine can only make a round dearer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.bodies import KEY, STORED, compact, event, full_user
from benchmarks.machine import description
from benchmarks.report import table
from mockserver.config import Settings
from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.contract.parse import read_body
from mockserver.controls.choice import Choice
from mockserver.engine import Call, Engine
from mockserver.engine.trail import Trail, note
from mockserver.web.app import create_app
from mockserver.web.factory import assembled
from mockserver.web.log import RequestLog
from mockserver.world import events, users
from mockserver.world.tenancy import DEFAULT
from mockserver.world.users import Effect, Wish

_ROUND = 200  # calls
_HEADERS = {"host": "127.0.0.1:4080", "x-api-key": KEY, "content-type": "application/json"}
_KINDS = {
    "createConsumerUser": ("/consumer/users", compact(full_user(STORED)).encode()),
    "getConsumerUser": (f"/consumer/users/{STORED}", b""),
    "createConsumerUserEvent": ("/events/consumer/user", compact(event(STORED)).encode()),
}
_STEPS = ("parse", "validate", "behave, with store", "render", "journal", "rest of the engine", "Flask and web", "log")

Steps = Mapping[str, Callable[[], object]]


def report(turns: int) -> str:
    """The table of all steps, in microseconds, in Markdown."""
    found = {name: _measured(_steps(name), turns) for name in _KINDS}
    rows = [["step, us", *_KINDS]]
    rows += [[step, *[f"{costs[step]:.1f}" if step in costs else "" for costs in found.values()]] for step in _STEPS]
    rows.append(["the whole application", *[f"{costs['logged']:.1f}" for costs in found.values()]])
    return table(rows) + f"\nThe cheapest of {turns} rounds of {_ROUND} calls; {description()}.\n"


def _measured(steps: Steps, turns: int) -> dict[str, float]:
    """Microseconds by step; what encloses others is given less them."""
    best = dict.fromkeys(steps, 1e9)
    for _ in range(turns):
        for name, step in steps.items():
            began = process_time()
            for _ in range(_ROUND):
                step()
            best[name] = min(best[name], (process_time() - began) / _ROUND * 1e6)
    parts = [name for name in steps if name in _STEPS]
    best["rest of the engine"] = best["engine"] - sum(best[name] for name in parts)
    best["Flask and web"] = best["unlogged"] - best["engine"]
    best["log"] = best["logged"] - best["unlogged"]
    return best


def _steps(operation_id: str) -> Steps:
    """The steps of one operation, over a world that holds the user."""
    settings = Settings()
    engine = assembled(settings, Contract())
    path, body = _KINDS["createConsumerUser"]
    engine.handle(_call(engine, "createConsumerUser", path, body))
    path, body = _KINDS[operation_id]
    call = _call(engine, operation_id, path, body)
    operation = call.operation
    assert operation is not None
    wish = _wish(engine, operation, call)
    effect, reply = _behave(engine, wish), engine.handle(call)
    trail = Trail(dials=engine.dials, operation=operation_id, profile="pages", answers="stored", outcome="example")
    trail.chosen_by, trail.before, trail.after = "setting", effect.before, effect.after
    trail.user_id = wish.body.get("userId")
    steps: dict[str, Callable[[], object]] = {}
    if body:
        check, value = engine.contract.check(operation, strict=False), wish.body
        steps["parse"] = lambda: read_body(body, size=len(body), largest=10**7, deepest=100)
        steps["validate"] = lambda: check.check(value)
    steps["behave, with store"] = lambda: _behave(engine, wish)
    steps["render"] = lambda: _render(engine, operation, effect)
    steps["journal"] = lambda: note(engine.store, call, reply, trail)
    steps["engine"] = lambda: engine.handle(call)
    quiet = create_app(engine, RequestLog("off"), settings)
    logged = create_app(engine, RequestLog("text", Path("/dev/null").open("w")), settings)  # noqa: SIM115 - to the end
    steps["unlogged"] = lambda: _over_wsgi(quiet, call)
    steps["logged"] = lambda: _over_wsgi(logged, call)
    return steps


def _call(engine: Engine, operation_id: str, path: str, body: bytes) -> Call:
    operation = next(entry for entry in engine.contract.operations.built if entry.id == operation_id)
    asked = STORED if operation.method == "GET" else ""
    return Call(operation, KEY, asked, "", body, len(body), operation.method, path, _HEADERS)


def _wish(engine: Engine, operation: Operation, call: Call) -> Wish:
    value, text = read_body(call.body, size=len(call.body), largest=10**7, deepest=100) if call.body else ({}, b"")
    choice = Choice(engine.outcomes, operation.id, None, (), "example", operation.entity)
    return Wish(operation, DEFAULT, call.id, value, text, {}, choice, engine.outcomes, "replace", False)


def _behave(engine: Engine, wish: Wish) -> Effect:
    if wish.operation.do == "create-user":
        return users.create_user(engine.store, wish)
    if wish.operation.do == "get-record":
        return users.get_record(engine.store, wish)
    return events.apply_event(engine.store, wish, lambda effect: _render(engine, wish.operation, effect))


def _render(engine: Engine, operation: Operation, effect: Effect) -> bytes:
    return engine.renderer.render(operation, effect, answers="stored", outcome="example", seed=0)


def _over_wsgi(app: Any, call: Call) -> bytes:
    """The call as the server's adapter would make it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": call.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "4080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(call.body),
        "CONTENT_LENGTH": str(len(call.body)),
        "HTTP_HOST": "127.0.0.1:4080",
        "HTTP_X_API_KEY": KEY,
        "mockserver.headers": _HEADERS,
        "mockserver.raw_path": call.path,
        "mockserver.body_bytes": len(call.body),
    }
    return b"".join(app(environ, lambda *_: None))
