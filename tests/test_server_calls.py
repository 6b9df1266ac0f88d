"""How the server calls its application: in the loop or in threads, once, or again after a wait."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from mockserver.server import Server
from tests.test_server import LIMIT, PATIENCE, Echo, connect, read_all, read_answers, wait_until


class Calls(Echo):
    """An application that blocks, that waits for another request, and that lets happen what it waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.released = threading.Event(), threading.Event()
        self.watchers: list[Callable[[], object]] = []
        self.happened = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Is the WSGI application."""
        path = environ["PATH_INFO"]
        if path == "/block":
            self.entered.set()
            self.released.wait(PATIENCE)
        if path == "/tell":
            self.happened = True
            for told in self.watchers:
                told()
        if path in ("/wait", "/wait-for-myself") and not self.happened:
            environ["mockserver.wait"] = (self._watch, PATIENCE * 4)
            self.happened = path == "/wait-for-myself"
        return super().__call__(environ, start_response)

    def _watch(self, told: Callable[[], object]) -> Callable[[], None]:
        self.watchers.append(told)
        return lambda: self.watchers.remove(told)


@pytest.fixture
def app() -> Iterator[Calls]:
    """The application; whoever blocks in it at the end of a test is let go."""
    calls = Calls()
    yield calls
    calls.released.set()


def ask(stack: ExitStack, server: Server, *paths: str) -> socket.socket:
    """A connection of its own on which these paths have been asked for."""
    sock = stack.enter_context(closing(connect(server)))
    sock.sendall(b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() for path in paths))
    return sock


def test_a_wait_is_watched_from_the_call_on(app: Calls) -> None:
    """What another request does in the same turn of the loop as the waiting one is not missed."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(app, "127.0.0.1", 0, LIMIT))
        ask(stack, server, "/block")
        assert app.entered.wait(PATIENCE)
        waiting, telling = ask(stack, server, "/wait"), ask(stack, server, "/tell")
        app.released.set()
        assert [read_answers(each, 1)[0][0] for each in (waiting, telling)] == ["HTTP/1.1 200 OK"] * 2
    assert app.watchers == []


def test_in_threads_a_blocked_call_holds_up_nobody(app: Calls) -> None:
    """With threads others are answered while a call blocks, each connection in its order, and a wait ends in time."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(app, "127.0.0.1", 0, LIMIT, threads=2))
        blocked = ask(stack, server, "/block", "/behind")
        paths = ["/delay/20", *(f"/{number}" for number in range(10))]
        seen = [json.loads(body) for _, _, body in read_answers(ask(stack, server, *paths), len(paths))]
        assert [each["PATH_INFO"] for each in seen] == paths
        assert seen[0]["wsgi.multithread"] is True
        waiting = ask(stack, server, "/wait")
        wait_until(lambda: bool(app.watchers))
        read_answers(ask(stack, server, "/tell"), 1)
        assert read_answers(waiting, 1)[0][0] == "HTTP/1.1 200 OK"
        assert read_all(ask(stack, server, "/wire/EMPTY_RESPONSE")) == b""
        assert "/behind" not in app.calls
        app.released.set()
        answered = [json.loads(body)["PATH_INFO"] for _, _, body in read_answers(blocked, 2)]
    assert answered == ["/block", "/behind"]
    assert app.watchers == []


def test_in_threads_nothing_is_missed_between_a_call_and_its_watch(app: Calls) -> None:
    """What happens while the waiting call itself runs, and tells nobody, is seen: the application is asked again."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(app, "127.0.0.1", 0, LIMIT, threads=1))
        assert read_answers(ask(stack, server, "/wait-for-myself"), 1)[0][0] == "HTTP/1.1 200 OK"
    assert app.calls == ["/wait-for-myself"] * 2
    assert app.watchers == []


def test_a_stop_does_not_wait_for_a_blocked_thread(app: Calls) -> None:
    """A call that hangs in its store keeps no server from stopping, and its client is cut off."""
    with ExitStack() as stack:
        server = Server(app, "127.0.0.1", 0, LIMIT, threads=1).start()
        blocked, queued = ask(stack, server, "/block"), ask(stack, server, "/queued")
        assert app.entered.wait(PATIENCE)
        stopper = threading.Thread(target=server.stop, daemon=True)
        stopper.start()
        stopper.join(3)
        assert not stopper.is_alive()
        for each in (blocked, queued):
            with suppress(ConnectionResetError):  # it may not even have been accepted
                assert read_all(each) == b""
    app.released.set()
    assert "/queued" not in app.calls
