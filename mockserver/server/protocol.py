"""uvicorn's HTTP protocol, with a WSGI application in the place of its ASGI one.

uvicorn keeps the connections: it parses, times out, pauses and refuses. What is ours is the request: a body is
gathered, the application called in the loop as soon as it is whole, and the answer written at once. Only an answer
that waits (a delay, a watch, a client that does not read, its turn behind another one) has a task of its own; where
the application is called in threads, each answer waits for one.
"""

from __future__ import annotations

from typing import Any, cast

from mockserver.server.adapter import Adapter, Answer, Environ, answer_bytes
from mockserver.server.wire import cut

_PAUSE = 0.005  # seconds
_PERFORMED = ("mockserver.wait", "mockserver.delay_ms", "mockserver.wire")  # what an application may wish


class Exchange:
    """One request of a connection, and whether it is answered."""

    __slots__ = ("body", "declared", "environ", "kept", "size", "whole")

    def __init__(self, environ: Environ, *, keep_alive: bool) -> None:
        self.environ = environ
        self.kept = keep_alive  # whether the connection goes on behind the answer
        self.declared = int(environ.get("CONTENT_LENGTH", 0))
        self.body: bytes | bytearray = b""  # what is kept of it
        self.size = 0  # bytes of the body that came
        self.whole = False  # nothing more is read: the body is there, or too large to be read

    def take(self, part: bytes, adapter: Adapter) -> None:
        """A part of the body: kept up to the limit, then thrown away, then not read at all."""
        if not self.size:
            self.body = part  # nearly every body comes in one part, and is not copied
        elif self.size <= adapter.limit:
            if isinstance(self.body, bytes):
                self.body = bytearray(self.body)
            self.body += part
        self.size += len(part)

    def answer(self, adapter: Adapter) -> Answer:
        """The application's answer."""
        body = bytes(self.body)[: adapter.limit + 1]
        return adapter.call(self.environ, body, max(self.size, self.declared))

    def forget(self) -> None:
        """Let go of what the answer was made from: the connection may live on for long."""
        self.environ, self.body = {}, b""


def make_protocol(adapter: Adapter) -> Any:
    """The protocol class for an application; made when a server starts, since uvicorn is heavy to import."""
    import asyncio
    import contextlib
    import logging

    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.logger, self.access_log = logging.getLogger(__name__), False
            self.exchange: Exchange | None = None  # the request that is read
            self.answering: Exchange | None = None
            self.gone = False  # the client, or the connection by our own doing
            self.idle_since: float | None = None  # the loop's time of the last answer; None while there is work

        def on_message_begin(self) -> None:
            self.url, self.headers, self.expect_100_continue = b"", [], False

        def on_headers_complete(self) -> None:
            self.exchange = None
            if self.gone:
                return
            method, version = self.parser.get_method(), self.parser.get_http_version()
            if self.parser.should_upgrade() and method != b"CONNECT":
                return  # read again below
            url = parse_url(self.url)
            client = self.client[0] if self.client else ""
            environ = adapter.environ(method, url.path, url.query or b"", version, client, self.headers)
            keep_alive = version != "1.0" and self.parser.should_keep_alive()
            self.exchange = exchange = Exchange(environ, keep_alive=keep_alive)
            if exchange.declared > adapter.drain:
                self._too_large(exchange)
            elif self.answering is None:
                self._go_on()

        def _go_on(self) -> None:
            """Tell a client to send its body, if it asked and nothing before it waits for an answer."""
            if self.expect_100_continue and self.exchange is not None and not self.exchange.whole:
                self.expect_100_continue = False
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

        def on_body(self, body: bytes) -> None:
            exchange = self.exchange
            if exchange is None or exchange.whole:
                return
            exchange.take(body, adapter)
            if exchange.size > adapter.drain:
                self._too_large(exchange)

        def on_message_complete(self) -> None:
            exchange = self.exchange
            if exchange is not None and not exchange.whole:
                exchange.whole = True
                self._begin(exchange)

        def _too_large(self, exchange: Exchange) -> None:
            """Answer without the rest of the body, which nobody reads: the connection ends with the answer."""
            exchange.whole, exchange.kept = True, False
            self._begin(exchange)

        def _begin(self, exchange: Exchange) -> None:
            """Answer now, or when those before it are answered."""
            if self.gone:
                return
            if self.answering is not None:
                self.flow.pause_reading()
                self.pipeline.appendleft(cast(Any, (exchange, adapter)))  # uvicorn hands it back, see below
            elif self.flow.write_paused or adapter.pool is not None:
                self._start_asgi_task(exchange, adapter)
            else:
                self.answering = exchange
                answer = exchange.answer(adapter)
                if any(wish in exchange.environ for wish in _PERFORMED):
                    self._in_a_task(self._perform(exchange, answer, self._watching(exchange)))
                else:
                    self._end(exchange, answer)

        def _start_asgi_task(self, exchange: Any, _: Any) -> None:  # uvicorn calls it for the next of its pipeline
            self.answering = exchange
            self._in_a_task(self._answer_later(exchange))

        def _in_a_task(self, work: Any) -> Any:
            task = self.loop.create_task(work)
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
            return task

        async def _answer_later(self, exchange: Exchange) -> None:
            await self.flow.drain()
            if not self.gone:
                answer = await self._called(exchange)
                await self._perform(exchange, answer, self._watching(exchange))

        async def _called(self, exchange: Exchange) -> Answer:
            if adapter.pool is None:
                return exchange.answer(adapter)
            return await self.loop.run_in_executor(adapter.pool, exchange.answer, adapter)

        async def _perform(self, exchange: Exchange, answer: Answer, watched: Any) -> None:
            """What the application wished: to be called again, to be late, or to have the connection spoilt."""
            environ = exchange.environ
            while watched is not None:
                if adapter.pool is not None:  # another thread may have been quicker than the watch: look again
                    answer = await self._called(exchange)
                    if "mockserver.wait" not in environ:
                        watched.cancel()
                        break
                    environ.pop("mockserver.wait")
                await watched
                answer = await self._called(exchange)
                watched = self._watching(exchange)
            if "mockserver.delay_ms" in environ:
                await asyncio.sleep(environ["mockserver.delay_ms"] / 1000)
            if self.gone:
                return
            if "mockserver.wire" in environ:
                self.gone = True
                cut(self.transport, environ["mockserver.wire"])
            else:
                await self.flow.drain()
                self._end(exchange, answer)

        def _watching(self, exchange: Exchange) -> Any:
            """What ends when the application may be called again, None if it did not ask for that.

            It watches from now on, before anything else can happen, and not from when a task comes to it.
            """
            if "mockserver.wait" not in exchange.environ:
                return None
            watch, seconds = exchange.environ.pop("mockserver.wait")
            happened = asyncio.Event()
            end = watch(lambda: self.loop.call_soon_threadsafe(happened.set))

            async def until_told() -> None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await happened.wait()
                        await asyncio.sleep(_PAUSE)  # what else comes now is looked at in one go

            watched = self._in_a_task(until_told())
            watched.add_done_callback(lambda _: end())
            return watched

        def _end(self, exchange: Exchange, answer: Answer) -> None:
            if self.gone:
                return
            is_head = exchange.environ["REQUEST_METHOD"] == "HEAD"
            self.transport.write(answer_bytes(answer, is_head=is_head, keep_alive=exchange.kept))
            self.answering = None
            exchange.forget()
            if not exchange.kept:
                self.gone = True
                self.transport.close()
            else:
                self._go_on()
            self.on_response_complete()

        def on_response_complete(self) -> None:
            """As uvicorn's, but a connection has one timer for its life instead of a new one with each answer."""
            if self.transport.is_closing():
                return
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
                return
            if self.exchange is None or self.exchange.whole:
                self.idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

        def _close_if_idle(self) -> None:
            now = self.loop.time()
            left = self.timeout_keep_alive - (now - (now if self.idle_since is None else self.idle_since))
            if left > 0:
                self.timeout_keep_alive_task = self.loop.call_later(left, self._close_if_idle)
            elif not self.gone:
                self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self.gone, self.exchange = True, None
            self.pipeline.clear()
            self._unset_keepalive_if_required()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            """Ignores offered upgrades (RFC 9110, 7.8): Java offers h2c, httptools then drops the body."""
            self.idle_since = None
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
