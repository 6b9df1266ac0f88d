"""The admin API in process and over HTTP, each test with a world of its own."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.server import Server
from tests.admin.client import Admin
from tests.harness import in_process, over_http


@pytest.fixture(params=["in process", "over HTTP"])
def admin(request: Any, server: Server, key: str) -> Admin:
    """The controls of a fresh world, in process and over real HTTP."""
    transport = in_process(server.app) if request.param == "in process" else over_http(server.url)
    return Admin(transport, key.removeprefix("world-"))
