"""The one server of all three forms: uvicorn's HTTP protocol in front of a WSGI application.

The application is called in the event loop, once the body of its request is complete. Besides the keys of
PEP 3333 it finds in its environ `mockserver.raw_path` (str), the path as it stood in the request line, and
`mockserver.body_bytes` (int), the size of the body: `wsgi.input` holds at most `max_body_bytes + 1` of them,
and the application answers 413 itself. Before it returns it may leave there how the answer is performed:
`mockserver.delay_ms` (float), a wait that holds up nobody else, and `mockserver.wire`, a name out of `WIRE`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from io import BytesIO
from signal import SIG_DFL, SIGINT, SIGTERM, signal
from typing import Any, Self, cast
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

DRAIN, BACKLOG = 64 * 1024 * 1024, 2048
UVICORN: dict[str, Any] = {"loop": "asyncio", "interface": "asgi3", "ws": "none", "lifespan": "off"}
UVICORN |= {"server_header": False, "date_header": False}  # equal requests have equal answers
UVICORN |= {
    "log_config": None,
    "access_log": True,
}  # True leaves uvicorn's loggers alone; _protocol is silent
UVICORN |= {"workers": 1, "proxy_headers": False}  # no look at environment variables
WSGI: Environ = {"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
WSGI |= {"wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}
GARBAGE = bytes(range(128, 192))  # neither a status line nor the size of a chunk
WIRE: dict[str, bytes | None] = {  # WireMock's faults: what is sent before the close; None is a reset
    "EMPTY_RESPONSE": b"",
    "CONNECTION_RESET_BY_PEER": None,
    "MALFORMED_RESPONSE_CHUNK": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + GARBAGE,
    "RANDOM_DATA_THEN_CLOSE": GARBAGE,
}
RESET_ON_CLOSE = socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
ERROR = b'{"message": "Internal error of the mock server"}'
ERROR_HEADERS = (b"content-type", b"application/json"), (b"content-length", b"%d" % len(ERROR))


class BindError(OSError):
    """The address cannot be listened on; the text is one line that says why and what to do."""


class Server:
    """Serves `app` on `host` and `port`; port 0 picks a free one, which a restart keeps.
    The application sees at most `max_body_bytes` of a body and one byte more. Up to `drain_bytes` of a larger
    one are read and thrown away, since a client does not read its answer before it has sent everything.
    """

    def __init__(self, app: App, host: str, port: int, max_body_bytes: int, drain_bytes: int = DRAIN) -> None:
        self.app, self.host, self.port = app, host, port
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
        config, protocol, state = Config(_adapt(self), **UVICORN), _protocol(), ServerState()
        runner, halted = asyncio.Runner(loop_factory=config.get_loop_factory()), asyncio.Event()
        loop, listening = runner.get_loop(), cast(socket.socket, self._socket)

        async def accept_until_halted() -> None:
            new = partial(protocol, config=config, server_state=state, app_state={})
            listener = await loop.create_server(new, sock=listening, backlog=BACKLOG)
            await halted.wait()
            listener.close()
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


def _protocol() -> Any:
    import logging

    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.logger, self.access_log = logging.getLogger(__name__), False

        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self.scope["state"]["cycle"] = self.cycle

        def _should_upgrade(self) -> bool:  # True keeps uvicorn from starting what is read again below
            return self.parser.get_method() != b"CONNECT"

        def data_received(self, data: bytes) -> None:
            """Ignores offered upgrades (RFC 9110, 7.8): Java offers h2c, httptools then drops the body."""
            self._unset_keepalive_if_required()
            parts: list[bytes | memoryview] = [data]
            while parts:
                part = parts.pop()
                try:
                    self.parser.feed_data(part)
                except HttpParserUpgrade as offer:
                    parts += [memoryview(part)[offer.args[0] :], self._head_without_offer()]
                except HttpParserError:
                    self.send_400_response("Invalid HTTP request received.")
                    break

        def _head_without_offer(self) -> bytes:
            head = [self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()]
            kept = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            return b"\r\n".join([b" ".join(head), *kept, b"", b""])

    return Protocol


def _adapt(server: Server) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """The ASGI application that uvicorn calls for each request, around the WSGI application of `server`."""
    import asyncio

    app, limit, drain = server.app, server.max_body_bytes, server.drain_bytes
    constant = WSGI | {"SERVER_NAME": server.host, "SERVER_PORT": str(server.port)}

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        cycle = scope["state"].pop("cycle")  # popped, since the cycle holds the scope
        environ = constant | _describe(scope)
        declared, size, chunks, unread = int(environ.get("CONTENT_LENGTH", 0)), 0, list[bytes](), True
        try:
            while unread and size <= drain and declared <= drain:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                if size <= limit:
                    chunks.append(message["body"])
                size, unread = size + len(message["body"]), message["more_body"]
            body = (chunks[0] if len(chunks) == 1 else b"".join(chunks))[: limit + 1]
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
            environ["mockserver.body_bytes"] = max(size, declared)
            status, headers, content = _call(app, environ)
            if "mockserver.delay_ms" in environ:
                await asyncio.sleep(environ["mockserver.delay_ms"] / 1000)
            if "mockserver.wire" in environ:
                cycle.disconnected = True  # uvicorn must not answer as well
                transport: asyncio.Transport = cycle.transport
                if (sent := WIRE[environ["mockserver.wire"]]) is None:
                    transport.get_extra_info("socket").setsockopt(*RESET_ON_CLOSE)
                    transport.abort()
                else:
                    transport.write(sent)
                    transport.close()
                return
            if unread:
                headers.append((b"connection", b"close"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
        except asyncio.CancelledError:
            cycle.disconnected = True  # the server stops; uvicorn must not log that nothing was sent

    return answer


def _describe(scope: Any) -> Environ:
    raw: bytes = scope["raw_path"]
    environ = {
        "wsgi.errors": sys.stderr,
        "REQUEST_METHOD": scope["method"],
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "PATH_INFO": (unquote_to_bytes(raw) if b"%" in raw else raw).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "mockserver.raw_path": raw.decode("latin-1"),
    }
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or b"_" in name:  # `x_api_key` would pass for `x-api-key`
            continue
        key, text = name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _call(app: App, environ: Environ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    started, parts = list[Any](), list[bytes]()

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[..., Any]:
        started[:] = int(status[:3]), [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        return parts.append

    try:
        answer = app(environ, start_response)
        try:
            parts.extend(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        status, headers = started
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
        place = traceback.extract_tb(error.__traceback__)[-1]  # and no message: it may quote a body
        what = f"{type(error).__name__} at {place.filename.rpartition(os.sep)[2]}:{place.lineno}"
        sys.stderr.write(f"mockserver: {what}: {environ['REQUEST_METHOD']} {environ['mockserver.raw_path']}\n")
        parts, status, headers = [ERROR], 500, list(ERROR_HEADERS)
    return status, headers, parts[0] if len(parts) == 1 else b"".join(parts)
