"""The SDK against the running sandbox, in a world of its own for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.server import Server
from tests.sdk.client import Sdk

NODE = Path(__file__).parent / "node"


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


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which npm has installed the vendor's SDK; skips where it cannot."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not both installed")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, folder)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm ci took longer than a minute")
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
        pytest.skip(f"npm ci failed: {reason[:200]}")
    return folder
