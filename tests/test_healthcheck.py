"""`mockserver healthcheck`: what a container's health and a waiting script rest on."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver.cli import main
from tests.harness import running


def asked(*words: str, **variables: str) -> Any:
    """The command, in process; variables of the settings are those given here alone."""
    others = dict.fromkeys((name for name in os.environ if name.startswith("MOCKSERVER_")), None)
    return CliRunner().invoke(main, ["healthcheck", *words], env={**others, **variables})


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A listener that answers each connection with these bytes; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(raw)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_it_asks_where_serve_listens(host: str) -> None:
    """By the same variables as serve it finds the sandbox, also where that listens on every address."""
    with running() as server:
        done = asked(MOCKSERVER_HOST=host, MOCKSERVER_PORT=str(server.port), MOCKSERVER_SEED="not its concern")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.output.endswith(f":{server.port} is ready\n")


def test_a_url_may_be_given_with_or_without_its_last_slash() -> None:
    """--url takes the base URL as people write it, and waiting for what is ready costs nothing."""
    with running() as server:
        for url in (server.url, f"{server.url}/"):
            assert asked("--url", url, "--wait", "30").exit_code == 0


def test_it_waits_until_the_sandbox_comes() -> None:
    """With --wait, a sandbox that starts later is found when it is there."""
    with running() as first:
        port = first.port
    came: list[int] = []

    def later() -> None:
        with running(port=port):
            came.append(port)
            done.wait(10)

    done = threading.Event()
    timer = threading.Timer(0.2, later)
    timer.start()
    try:
        found = asked("--url", f"http://127.0.0.1:{port}", "--wait", "20")
    finally:
        done.set()
        timer.join(10)
    assert (found.exit_code, came) == (0, [port]), found.output


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "something else than a sandbox"),
        (b'HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', "/readyz answered 503"),
        (b"SSH-2.0-x\r\n", "does not speak HTTP"),
        (b"", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 20000, "something else than a sandbox"),
    ],
)  # fmt: skip
def test_what_is_no_ready_sandbox_is_told(raw: bytes, why: str) -> None:
    """Whatever else listens there is exit 1 and one line that says why, never a stack trace."""
    with answering(raw) as url:
        done = asked("--url", url)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"mockserver: {url} is not ready: ")
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_there_is_told_after_the_wait() -> None:
    """Where nothing listens it says so, and how long it has waited."""
    with running() as server:
        url = server.url
    done = asked("--url", url, "--wait", "0.3")
    assert done.exit_code == 1
    assert done.stderr == f"mockserver: {url} is not ready after 0.3 s: connection refused\n"


WRONG: list[tuple[list[str], Mapping[str, str], str]] = [
    (["--url", "127.0.0.1:4080"], {}, "must be as http://127.0.0.1:4080"),
    (["--url", "ftp://127.0.0.1"], {}, "must be as http://127.0.0.1:4080"),
    (["--url", "http://127.0.0.1:99999"], {}, "must be as http://127.0.0.1:4080"),
    (["--url", "http://[::1"], {}, "must be as http://127.0.0.1:4080"),
    (["--url", "http://me:secret@127.0.0.1"], {}, "must be as http://127.0.0.1:4080"),
    (["--url", ""], {}, "must be as http://127.0.0.1:4080"),
    (["--wait", "nan"], {}, "nan is not a number of seconds"),
    (["--wait", "-1"], {}, "--wait"),
    ([], {"MOCKSERVER_PORT": "eighty"}, 'MOCKSERVER_PORT: "eighty" is not a whole number'),
    ([], {"MOCKSERVER_PORT": "0"}, "--url"),
]


@pytest.mark.parametrize(("words", "variables", "said"), WRONG)
def test_wrong_use_is_exit_2(words: list[str], variables: Mapping[str, str], said: str) -> None:
    """A URL, a wait or a variable that cannot be used is exit 2, with what is allowed."""
    done = asked(*words, **variables)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "secret" not in done.stderr


def test_the_first_process_of_a_container_heeds_sigterm_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As process 1, which gets no signal it has no handler for, a command can be stopped while it still loads."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    try:
        CliRunner().invoke(main, ["routes"])
        assert callable(signal.getsignal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
