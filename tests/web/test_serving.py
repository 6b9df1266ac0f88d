"""`mockserver serve` in a person's hands: --open, a terminal that closes, output that nobody takes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import webbrowser
from pathlib import Path

import pytest
import requests

from mockserver.cli.browser import _open, reachable
from tests.test_cli import CLEAN, COMMAND, serving


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here to be a full disk")
def test_open_shows_the_docs_and_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    """--open shows a page that is served already; output that cannot be written changes neither answers nor exit."""
    told, script = tmp_path / "told", tmp_path / "browser"
    os.mkfifo(told)
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}\n')
    script.chmod(0o700)
    hears = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--host", "0.0.0.0", "--open"],
            env={**CLEAN, "BROWSER": str(script)}, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    try:
        assert select.select([hears], [], [], 20)[0], "no browser was called"
        url = os.read(hears, 1000).decode()
        assert url.startswith("http://127.0.0.1:")
        assert "<title>" in requests.get(url, timeout=5).text
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[1] == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait(5)
        os.close(hears)


def test_the_end_is_clean_however_it_is_asked_for() -> None:
    """A terminal that closes ends it with 0, and Ctrl-C pressed again and again changes nothing of that."""
    with serving() as (process, _):
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        assert process.communicate(timeout=10)[1] == ""
        assert process.returncode == 0


@pytest.mark.parametrize(("given", "shown"), [
    (("0.0.0.0", "http://0.0.0.0:80"), "http://127.0.0.1:80"),
    (("::", "http://[::]:80"), "http://[::1]:80"),
    (("::1", "http://[::1]:80"), "http://[::1]:80"),
    (("localhost", "http://localhost:80"), "http://localhost:80"),
])  # fmt: skip
def test_the_page_has_an_address_that_can_be_opened(given: tuple[str, str], shown: str) -> None:
    """Where every address is listened on, the browser is sent to this machine."""
    assert reachable(*given) == shown


@pytest.mark.parametrize("found", ["none", "text", "broken"])
def test_no_browser_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: str
) -> None:
    """Without a browser, with lynx alone or with one that does not start, a line says where the docs are."""

    def get() -> webbrowser.BaseBrowser:
        if found == "none":
            raise webbrowser.Error("could not locate runnable browser")
        kind = webbrowser.GenericBrowser if found == "text" else webbrowser.BackgroundBrowser
        return kind("/no/such/browser")

    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(webbrowser, "get", get)
    _open("http://127.0.0.1:1/docs")
    assert capsys.readouterr().err == (
        "mockserver: no browser could be opened here; the docs are at http://127.0.0.1:1/docs\n"
    )
