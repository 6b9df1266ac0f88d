"""A real browser for a test: Chromium without a window, driven over a pipe by its DevTools protocol."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

FOUND = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--disable-sync", "--remote-debugging-pipe",
]  # fmt: skip


class Page:
    """One page; `asked` are the URLs it requested, `complaints` what stands in its console."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._rest = b""
        self._number = 0
        self._session: dict[str, str] = {}
        self.asked: list[str] = []
        self.complaints: list[str] = []

    def open(self, url: str) -> None:
        """Go to the URL in a page of its own."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        answer = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": answer["sessionId"]}
        for domain in ("Network", "Runtime", "Log", "Page"):
            self._call(f"{domain}.enable")
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 30) -> Any:
        """The first true value of the expression."""
        until = f"new Promise(done => {{ const look = () => {{ const seen = {script};"
        until += "if (seen) done(seen instanceof Node || seen); else setTimeout(look, 30); }; look(); })"
        limit = f"new Promise(done => setTimeout(() => done(null), {seconds * 1000}))"
        value = self.run(f"Promise.race([{until}, {limit}])")
        assert value, f"it never came: {script}"
        return value

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": given, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear(40)
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                result: dict[str, Any] = heard["result"]
                return result
            self._note(heard.get("method", ""), heard.get("params", {}))

    def _note(self, event: str, given: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])
        elif event in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(given)[:500])

    def _hear(self, seconds: float) -> dict[str, Any]:
        end = monotonic() + seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - monotonic()))
            part = os.read(self._read, 1 << 16) if ready else b""
            assert part, "the browser says nothing"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(line)
        return heard


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser whose profile lies in the folder."""
    assert FOUND
    there, write = os.pipe()
    read, back = os.pipe()
    # Chromium reads from 3 and writes to 4; numbers above both cannot be in the way.
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (there, back)]
    words = ["bash", "-c", f'exec "$0" "$@" 3<&{high[0]} 4>&{high[1]}', FOUND, *FLAGS, f"--user-data-dir={folder}"]
    process = subprocess.Popen(words, pass_fds=high, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in (there, back, *high):
        os.close(end)
    try:
        yield Page(write, read)
    finally:
        process.kill()
        process.wait(10)
        os.close(write)
        os.close(read)
