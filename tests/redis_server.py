"""A Redis server for the tests: Debian's, on a free port of the loopback, gone with the process that started it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest


def binary() -> str:
    """The server's path; the test is skipped where it is not installed, and fails where it must be."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        reason = "needs redis-server: apt-get install redis-server"
        if os.environ.get("TEST_REQUIRE_REDIS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(folder: Path, port: int = 0, *arguments: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server that keeps what it keeps in the folder, until the end of the block."""
    port = port or free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--daemonize", "no"]
    server = subprocess.Popen([binary(), *options, *arguments], stdout=subprocess.DEVNULL)
    try:
        await_port(port)
        yield port, server
    finally:
        server.kill()
        server.wait()


def await_port(port: int) -> None:
    """Return when the server answers."""
    end = monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass
        if monotonic() > end:
            raise TimeoutError(f"no Redis answers on port {port}")
        sleep(0.01)
