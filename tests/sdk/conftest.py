"""The SDK against the running sandbox, in a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import typing_extensions
from flagright.core import serialization

from mockserver.server import Server
from tests.sdk.client import Sdk


@cache
def _type_hints(model: Any, **more: Any) -> dict[str, Any]:
    """What typing says of one of the SDK's models: the same each time, and slow to find out."""
    return typing_extensions.get_type_hints(model, **more)


@pytest.fixture(scope="module", autouse=True)
def type_hints_once() -> Iterator[None]:
    """The SDK reads the type hints of a model anew for every object; remembered, they are two thirds of the time."""
    remembered = SimpleNamespace(**{**vars(typing_extensions), "get_type_hints": _type_hints})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "typing_extensions", remembered)
        yield


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
