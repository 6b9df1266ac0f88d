"""Who is measured, and how each is started. Names of peers are used to say what was measured, and no more."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.bodies import KEY, STORED, compact, full_user
from benchmarks.machine import SERVER_CORE, Missing, Unfit

ROOT = Path(__file__).parent.parent
NODE = Path(__file__).parent / "node"
_PATIENCE = 30.0  # seconds for a start


@dataclass(frozen=True)
class Contender:
    """A server to measure; `command` takes the path of the OpenAPI document and a port."""

    name: str
    version: str
    validates: bool
    keeps: bool  # state
    command: Callable[[Path, int], Sequence[str]]


@dataclass(frozen=True)
class Running:
    """A contender that answers."""

    contender: Contender
    url: str
    pid: int
    started: float  # seconds from exec to the first answer


def ours(*flags: str) -> Contender:
    """The sandbox as a user starts it, default settings unless flags say otherwise."""
    return Contender(
        "flagright-mockserver",
        version("flagright-mockserver"),
        True,
        True,
        lambda _, port: [sys.executable, "-m", "mockserver", "serve", "--port", str(port), *flags],
    )


def limit() -> Contender:
    """Fixed bytes on our own server."""
    return Contender(
        "raw WSGI app, same server",
        f"uvicorn {version('uvicorn')}",
        False,
        False,
        lambda _, port: [sys.executable, "-m", "benchmarks.raw", str(port)],
    )


def peers() -> tuple[Contender, ...]:
    """The peers on Node, as their users would start them for speed."""
    prism, backend = _node("@stoplight/prism-cli"), _node("openapi-backend")
    cli = str(NODE / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js")
    quiet = ("--errors", "-m", "false", "-v", "silent")
    return (
        Contender(
            "Prism", prism, True, False,
            lambda document, port: ["node", cli, "mock", str(document), "-p", str(port), *quiet],
        ),
        Contender(
            "openapi-backend", backend, True, False,
            lambda document, port: ["node", str(NODE / "openapi_backend.mjs"), str(document), str(port)],
        ),
    )  # fmt: skip


def _node(package: str) -> str:
    """The version of an installed npm package."""
    path = NODE / "node_modules" / package / "package.json"
    if not path.exists():
        raise Missing(f"{package}: npm install --no-package-lock --prefix benchmarks/node (make bench does it)")
    found: str = json.loads(path.read_text())["version"]
    return found


@contextlib.contextmanager
def running(contender: Contender, document: Path) -> Iterator[Running]:
    """The contender on a core and a free port of its own; it is stopped at the end. Its output goes nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = ["taskset", "-c", str(SERVER_CORE), *contender.command(document, port)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > _PATIENCE:
                raise Unfit(f"{contender.name} did not start: {' '.join(command)}")
            time.sleep(0.002)
        yield Running(contender, f"http://127.0.0.1:{port}", process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def prepare(server: Running) -> None:
    """Store the user that is read and changed; raises Unfit where the server does not do what its row says."""
    port, name = int(server.url.rpartition(":")[2]), server.contender.name
    status = _request(port, "POST", "/consumer/users", compact(full_user(STORED)))
    if status not in (200, 201):
        raise Unfit(f"{name} refused the full user with {status}")
    status = _request(port, "POST", "/consumer/users", compact({**full_user(STORED), "userDetails": 7}))
    if (status < 400) == server.contender.validates:
        raise Unfit(f"{name} answered a wrong body with {status}")


def _answers(port: int) -> bool:
    try:
        return _request(port, "GET", "/consumer/users/userId") > 0
    except OSError:
        return False


def _request(port: int, method: str, path: str, body: str | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        headers = {"x-api-key": KEY, **({"content-type": "application/json"} if body else {})}
        connection.request(method, path, body.encode() if body else None, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
