"""The SDK against the running sandbox, in a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.server import Server
from tests.sdk.client import Sdk


@pytest.fixture(params=["sync", "async"])
def sdk(request: Any, server: Server, key: str) -> Iterator[Sdk]:
    """`Flagright` and `AsyncFlagright`, one after the other."""
    with Sdk(server.url, key, asynchronous=request.param == "async") as client:
        yield client


@pytest.fixture
def sync_sdk(server: Server, key: str) -> Iterator[Sdk]:
    """`Flagright` alone, where there are many cases and the wire is what counts."""
    with Sdk(server.url, key, asynchronous=False) as client:
        yield client


@pytest.fixture(params=["consumer", "business"])
def kind(request: Any) -> str:
    """Both kinds of user."""
    return str(request.param)
