"""From uvicorn's request to a WSGI call, and from its answer back; what the application wishes is performed here."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from mockserver.server.wire import cut

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

WSGI: Environ = {"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
WSGI |= {"wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}
PAUSE = 0.005  # seconds
ERROR = b'{"message": "Internal error of the mock server"}'
ERROR_HEADERS = (b"content-type", b"application/json"), (b"content-length", b"%d" % len(ERROR))


def adapt(
    app: App, host: str, port: int, limit: int, drain: int, pool: Executor | None = None
) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """The ASGI application that uvicorn calls for each request, around a WSGI application.

    `limit` and `drain` are bytes: of a larger body `limit + 1` are kept, and up to `drain` read and thrown away.
    The application is called in a thread of `pool` where one is given, else in the loop.
    """
    import asyncio

    constant = WSGI | {"SERVER_NAME": host, "SERVER_PORT": str(port), "mockserver.can_wait": True}
    constant["wsgi.multithread"] = pool is not None

    async def called(environ: Environ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        if pool is None:
            return _call(app, environ)
        return await asyncio.get_running_loop().run_in_executor(pool, _call, app, environ)

    async def wait(watch: Callable[[Callable[[], object]], Callable[[], None]], seconds: float) -> None:
        """Until `watch` tells, or the time is over; it is watched before anything else can happen."""
        loop, happened = asyncio.get_running_loop(), asyncio.Event()
        end = watch(lambda: loop.call_soon_threadsafe(happened.set))
        try:
            async with asyncio.timeout(seconds):
                await happened.wait()
                await asyncio.sleep(PAUSE)  # what else comes now is looked at in one go
        except TimeoutError:
            pass
        finally:
            end()

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
            status, headers, content = await called(environ)
            while "mockserver.wait" in environ:
                await wait(*environ.pop("mockserver.wait"))
                status, headers, content = await called(environ)
            if "mockserver.delay_ms" in environ:
                await asyncio.sleep(environ["mockserver.delay_ms"] / 1000)
            if "mockserver.wire" in environ:
                cycle.disconnected = True  # uvicorn must not answer as well
                transport: asyncio.Transport = cycle.transport
                cut(transport, environ["mockserver.wire"])
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
    plain: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or b"_" in name:  # `x_api_key` would pass for `x-api-key`
            continue
        key, text = name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key
        if key not in environ:
            environ[key] = text
        elif name != b"x-api-key" or environ[key] != text:  # a proxy may say the same key again
            environ[key] += "," + text
        plain[name.decode("latin-1")] = environ[key]
    environ["mockserver.headers"] = plain
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
