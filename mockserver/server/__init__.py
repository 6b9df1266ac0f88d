"""The one server of all three forms: uvicorn's HTTP protocol in front of a WSGI application.

The application is called once the body of its request is complete: in the event loop, or in `threads`. Besides
the keys of PEP 3333 it finds in its environ `mockserver.raw_path` (str), the path as it stood in the request
line, and `mockserver.body_bytes` (int), the size of the body: `wsgi.input` holds at most `max_body_bytes + 1` of
them, and the application answers 413 itself. Before it returns it may leave there how the answer is performed:
`mockserver.delay_ms` (float), a wait that holds up nobody else; `mockserver.wire`, a name out of `WIRE`; or
`mockserver.wait`, (watch, seconds): the application is called again once `watch` tells or the time is over.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from signal import SIG_DFL, SIGINT, SIGTERM, signal
from typing import Any, Self, cast

from mockserver.server.adapter import Adapter, App
from mockserver.server.limits import limited
from mockserver.server.protocol import make_protocol
from mockserver.server.wire import GARBAGE, WIRE

__all__ = ["GARBAGE", "UVICORN", "WIRE", "BindError", "Server"]

DRAIN, BACKLOG = 64 * 1024 * 1024, 2048
UVICORN: dict[str, Any] = {"loop": "asyncio", "interface": "asgi3", "ws": "none", "lifespan": "off"}
UVICORN |= {"server_header": False, "date_header": False}  # equal requests have equal answers
UVICORN |= {
    "log_config": None,
    "access_log": True,
}  # True leaves uvicorn's loggers alone; make_protocol is silent
UVICORN |= {"timeout_keep_alive": 75}  # seconds: longer than clients keep a connection, so that none is cut in use
UVICORN |= {"workers": 1, "proxy_headers": False}  # no look at environment variables


class BindError(OSError):
    """The address cannot be listened on; the text is one line that says why and what to do."""


class Server:
    """Serves `app` on `host` and `port`; port 0 picks a free one, which a restart keeps.
    The application sees at most `max_body_bytes` of a body and one byte more. Up to `drain_bytes` of a larger
    one are read and thrown away, since a client does not read its answer before it has sent everything. With
    `threads` the application is called in that many threads, since it may wait for a disk or a network.
    """

    def __init__(
        self, app: App, host: str, port: int, max_body_bytes: int, drain_bytes: int = DRAIN, threads: int = 0
    ) -> None:
        self.app, self.host, self.port, self.threads = app, host, port, threads
        self.max_body_bytes, self.drain_bytes = max_body_bytes, max(drain_bytes, max_body_bytes)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._halt: Callable[[], object] | None = None  # ends the loop, from any thread

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def bind(self) -> None:
        """Listens, so that `port` and `url` are known; clients that come now wait until the server runs."""
        if self._socket is None:
            self._socket = _listen(self.host, self.port)
            self.port = self._socket.getsockname()[1]

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serves in this thread until SIGINT, SIGTERM or `stop()`; `on_ready` precedes the first answer."""
        serve, before = self._prepare(on_ready or (lambda: None)), {}
        if threading.current_thread() is threading.main_thread():
            before = {each: signal(each, lambda *_: self.stop()) for each in (SIGINT, SIGTERM)}
        try:
            serve()
        finally:
            for each, handler in before.items():
                signal(each, SIG_DFL if handler is None else handler)

    def start(self) -> Self:
        """Serves in a daemon thread; whoever connects after the return is answered."""
        self._thread = threading.Thread(target=self._prepare(lambda: None), name="mockserver", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops, cuts off what is still open and frees the port; on a stopped server it does nothing."""
        if self._halt is not None:
            self._halt()
        elif self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._thread is not None:
            self._thread.join(5.0)
            self._thread = None

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self, on_ready: Callable[[], None]) -> Callable[[], None]:
        """Does all that can fail; returns what serves, uvicorn.Server without its ticks and second signals."""
        import asyncio

        from uvicorn.config import Config
        from uvicorn.server import ServerState

        if self._halt is not None:
            raise RuntimeError(f"{self.url} is served already")
        self.bind()
        pool = ThreadPoolExecutor(self.threads, "mockserver-call") if self.threads else None
        adapter = Adapter(self.app, self.host, self.port, self.max_body_bytes, self.drain_bytes, pool)
        config = Config(adapter.call, **UVICORN)  # which is called by our protocol, never by uvicorn's
        protocol, state = limited(make_protocol(adapter)), ServerState()
        runner, halted = asyncio.Runner(loop_factory=config.get_loop_factory()), asyncio.Event()
        loop, listening = runner.get_loop(), cast(socket.socket, self._socket)

        async def accept_until_halted() -> None:
            new = partial(protocol, config=config, server_state=state, app_state={})
            listener = await loop.create_server(new, sock=listening, backlog=BACKLOG)
            await halted.wait()
            listener.close()
            for _ in range(3):  # whom asyncio has just accepted is among the connections then
                await asyncio.sleep(0)
            while state.connections or state.tasks:
                for connection in state.connections:
                    connection.transport.abort()
                for task in state.tasks:
                    task.cancel()
                await asyncio.sleep(0)

        def serve() -> None:
            try:
                with runner:
                    on_ready()
                    runner.run(accept_until_halted())
            finally:
                listening.close()
                self._socket = self._halt = None
                if pool is not None:
                    pool.shutdown(wait=False, cancel_futures=True)

        self._halt = lambda: loop.is_closed() or loop.call_soon_threadsafe(halted.set)
        return serve


def _listen(host: str, port: int) -> socket.socket:
    ports = "choose another with --port (0 picks a free one)"
    hosts = "choose another with --host (127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses)"
    if not 0 <= port <= 65535:
        raise BindError(f"port {port} does not exist, the highest is 65535: {ports}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: a name that cannot even be encoded
        raise BindError(f"host {host!r} cannot be resolved: {hosts}") from None
    why = {errno.EADDRINUSE: "is in use: stop the other process or", errno.EACCES: "is not permitted:"}
    for family, *_, address in found:
        try:  # create_server sets SO_REUSEADDR, but not on Windows, where it would share the port
            bound = socket.create_server(address, family=family, backlog=BACKLOG)
            # asyncio sets TCP_NODELAY only where it sees IPPROTO_TCP; without, answers wait 40 ms for an ACK
            return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, bound.detach())
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                reason = why.get(error.errno or 0, f"cannot be used ({error}):")
                raise BindError(f"port {port} on {host} {reason} {ports}") from None
    raise BindError(f"{host} is not an address of this machine: {hosts}")
