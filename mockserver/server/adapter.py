"""From a request's head and body to a WSGI call, and from what the application says to the bytes of an answer."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
Headers = Sequence[tuple[bytes, bytes]]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

WSGI: Environ = {"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
WSGI |= {"wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}
ERROR = b'{"message": "Internal error of the mock server"}'
ERROR_HEADERS = ("Content-Type", "application/json"), ("Content-Length", str(len(ERROR)))
# What would end a header early, or is no text at all (RFC 9110, 5.5).
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class Answer:
    """What the application said: an HTTP status, its headers, the whole body."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Adapter:
    """A WSGI application and what is the same for each of its calls.

    `limit` and `drain` are bytes: of a larger body `limit + 1` are kept, and up to `drain` read and thrown away.
    `pool` has the threads in which the application is called; without one that is the loop's own.
    """

    def __init__(self, app: App, host: str, port: int, limit: int, drain: int, pool: Executor | None = None) -> None:
        self.limit, self.drain, self.pool = limit, drain, pool
        self._app = app
        self._constant = WSGI | {"SERVER_NAME": host, "SERVER_PORT": str(port), "mockserver.can_wait": True}
        self._constant["wsgi.multithread"] = pool is not None

    def environ(
        self,
        method: bytes,
        target: bytes,
        query: bytes,
        version: str,
        client: str,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> Environ:
        """The environ of a request whose body is not there yet; `target` is the path as it stood in its first line."""
        path = target.decode("latin-1")
        plain: dict[str, str] = {}
        environ = self._constant | {
            "wsgi.errors": sys.stderr,
            "REQUEST_METHOD": method.decode("ascii"),
            "SERVER_PROTOCOL": "HTTP/" + version,
            "REMOTE_ADDR": client,
            "PATH_INFO": unquote_to_bytes(target).decode("latin-1") if "%" in path else path,
            "QUERY_STRING": query.decode("latin-1"),
            "mockserver.raw_path": path,
            "mockserver.headers": plain,
        }
        for name, value in headers:
            key, shown = _names(name)
            if not key:
                continue
            text = value.decode("latin-1")
            if key not in environ:
                environ[key] = text
            elif shown != "x-api-key" or environ[key] != text:  # a proxy may say the same key again
                environ[key] += "," + text
            plain[shown] = environ[key]
        return environ

    def call(self, environ: Environ, body: bytes, size: int) -> Answer:
        """The application's answer to the request; a failure of the application is a 500 and a line on stderr."""
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        environ["mockserver.body_bytes"] = size
        started, parts = list[Any](), list[bytes]()

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[..., Any]:
            started[:] = int(status[:3]), headers
            return parts.append

        try:
            answer = self._app(environ, start_response)
            try:
                parts += answer
            finally:
                if hasattr(answer, "close"):
                    answer.close()
            status, headers = started
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            place = traceback.extract_tb(error.__traceback__)[-1]  # and no message: it may quote a body
            what = f"{type(error).__name__} at {place.filename.rpartition(os.sep)[2]}:{place.lineno}"
            sys.stderr.write(f"mockserver: {what}: {environ['REQUEST_METHOD']} {environ['mockserver.raw_path']}\n")
            return Answer(500, ERROR_HEADERS, ERROR)
        return Answer(status, headers, parts[0] if len(parts) == 1 else b"".join(parts))


def answer_bytes(answer: Answer, *, is_head: bool, keep_alive: bool) -> bytes:
    """The answer as it goes over the wire, head and body in one piece, which is one call of the system.

    The length is that of the body: what the application says about it is not asked, but for HEAD.
    """
    text = _status_line(answer.status)
    length = str(len(answer.body))
    for name, value in answer.headers:
        lower = name.lower()
        if lower == "content-length":
            length = value if is_head else length
        elif not _UNSAFE.search(value) and lower not in ("transfer-encoding", "connection"):
            text += f"{lower}: {value}\r\n"
    text += (
        f"content-length: {length}\r\n\r\n" if keep_alive else f"content-length: {length}\r\nconnection: close\r\n\r\n"
    )
    head = text.encode("latin-1", "replace")
    return head if is_head else head + answer.body


@lru_cache(maxsize=100)
def _status_line(status: int) -> str:
    try:
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    except ValueError:  # a status that has no phrase
        return f"HTTP/1.1 {status} \r\n"


@lru_cache(maxsize=1024)  # clients have few names for headers
def _names(name: bytes) -> tuple[str, str]:
    """A header's name in the environ and as text; ("", "") for one that the application must not see."""
    if name == b"transfer-encoding" or b"_" in name:  # `x_api_key` would pass for `x-api-key`
        return "", ""
    shown = name.decode("latin-1")
    key = shown.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key, shown
