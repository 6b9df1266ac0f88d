"""`mockserver serve` as a process of its own, for what only processes can show: shared stores, kills, restarts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import Api, over_http

COMMAND = (sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log-format", "off", "--outcome", "clean")


@dataclass
class Served:
    """A server that runs: its address and its process."""

    url: str
    process: subprocess.Popen[str]

    def api(self, key: str = "any") -> Api:
        """A client with a connection of its own."""
        return Api(over_http(self.url), key)

    def kill(self) -> None:
        """End it as a power cut would, for the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def end(self) -> int:
        """End it as a supervisor does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def started(*flags: str, **options: Any) -> Served:
    """A server with these flags, once it listens."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("MOCKSERVER_")}
    process = subprocess.Popen(
        [*COMMAND, *flags], stdout=subprocess.PIPE, text=True, env={**environ, "NO_COLOR": "1"}, **options
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    return Served(found[0], process)


@contextmanager
def served(*flags: str) -> Iterator[Served]:
    """A server with these flags, until the end of the block."""
    server = started(*flags)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
        assert server.process.stdout is not None
        server.process.stdout.close()


def refused(*flags: str) -> tuple[int, str]:
    """The exit status and standard error of a server that does not start."""
    done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr


def sqlite_url(folder: Path) -> str:
    """A file of its own."""
    return f"sqlite:///{folder}/worlds.db"
