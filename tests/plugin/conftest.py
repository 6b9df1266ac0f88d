from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

import mockserver
from mockserver.client import FlagrightMock
from mockserver.pytest_plugin.servers import MockServer, connect, start_embedded
from mockserver.server import Server
from tests.harness import running
from tests.plugin.inner import Inner

# A run inside a test forgets the modules that it imported first, which would then be there twice: all are there before.
for _module in pkgutil.walk_packages(mockserver.__path__, "mockserver."):
    if not _module.name.endswith(("__main__", ".metrics")):
        importlib.import_module(_module.name)

TOKEN = "a-token"
_numbers = count(1)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Server]:
    """A server as another process has it: with a token, and with settings that no test wants."""
    with running(admin_token=TOKEN, outcome="clean", validation="strict", seed=7, on_duplicate="reject") as server:
        yield server


@pytest.fixture(scope="session")
def embedded() -> Iterator[MockServer]:
    """A server in the process."""
    server = start_embedded(0)
    yield server
    server.close()


@pytest.fixture(scope="session")
def remote(elsewhere: Server) -> Iterator[MockServer]:
    """A server elsewhere."""
    server = connect(elsewhere.url, TOKEN)
    yield server
    server.close()


@pytest.fixture(params=["embedded", "remote"])
def used(request: pytest.FixtureRequest) -> MockServer:
    """Each of the two, for what must be the same with both."""
    server: MockServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def mock(used: MockServer, request: Any) -> Iterator[FlagrightMock]:
    """The handle of a world in either mode."""
    handle = used.open(request.node.name)
    yield handle
    used.finish(handle, request.node.nodeid)


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inner:
    """Whole pytest runs."""
    return Inner(pytester, monkeypatch)
