"""Fixtures of all tests: one server for all, a world of its own for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mockserver.server import Server
from tests.harness import Api, in_process, over_http, running
from tests.redis_server import redis_server

_numbers = count(1)
NPM = Path(__file__).parent / "sdk" / "node"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running sandbox with the default settings."""
    with running() as one:
        yield one


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of the tests' own; a store keeps apart by its prefix."""
    with redis_server(tmp_path_factory.mktemp("redis")) as (port, _):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def key() -> str:
    """A key whose world no other test uses."""
    return f"world-test-{next(_numbers)}"


@pytest.fixture(params=["in process", "over HTTP"])
def api(request: Any, server: Server, key: str) -> Api:
    """A client of a fresh world, in process and over real HTTP."""
    transport = in_process(server.app) if request.param == "in process" else over_http(server.url)
    return Api(transport, key)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which npm has installed the vendor's SDK; skips where it cannot."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not both installed")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NPM / name, folder)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm ci took longer than a minute")
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
        pytest.skip(f"npm ci failed: {reason[:200]}")
    return folder
