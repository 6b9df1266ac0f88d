"""A sandbox without a socket: its WSGI application called in this process, and a session that knows its base URL.

What the server would perform is performed here as far as it can be without a connection: a delay is slept, and in
place of a connection fault the caller gets the error that a cut connection gives.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

__tracebackhide__ = True

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_WSGI: Environ = {"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1"}
_WSGI |= {"wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}


class InProcess:
    """The application of a sandbox as an ordinary WSGI application, for `httpx.WSGITransport` or a test client.

    A connection fault raises ConnectionResetError.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request, as in PEP 3333."""
        environ = {**environ, "PATH_INFO": _wsgi_path(environ.get("PATH_INFO", ""))}
        started, body = _answer(self._app, environ)
        if delay := environ.get("mockserver.delay_ms"):
            time.sleep(delay / 1000)
        if "mockserver.wire" in environ:
            raise ConnectionResetError(f"The connection fault {environ['mockserver.wire']}")
        start_response(*started)
        return [body]


class WsgiAdapter(BaseAdapter):
    """A `requests` adapter that calls a WSGI application: `session.mount(url, WsgiAdapter(app))`."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the interface of an adapter
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002 - as above
        cert: Any = None,  # noqa: ARG002 - as above
        proxies: Any = None,  # noqa: ARG002 - as above
    ) -> requests.Response:
        """One request. Raises ReadTimeout and ConnectionError where a real connection would."""
        environ = _environ(request)
        (status, headers, *_), body = _answer(self._app, environ)
        delay, patience = environ.get("mockserver.delay_ms", 0) / 1000, _patience(timeout)
        if delay:
            time.sleep(min(delay, patience))
        if delay > patience:
            raise requests.ReadTimeout(f"Read timed out (read timeout={patience})", request=request)
        if "mockserver.wire" in environ:
            raise requests.ConnectionError(f"The connection fault {environ['mockserver.wire']}", request=request)
        response = requests.Response()
        response.status_code, response.reason = int(status[:3]), status[4:]
        response.headers = CaseInsensitiveDict(_joined(headers))
        response.request, response.url = request, request.url or ""
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.raw = BytesIO(b"" if request.method == "HEAD" else body)
        return response

    def close(self) -> None:
        """Nothing is open."""


class BaseUrlSession(requests.Session):
    """A `requests.Session` to which a path is enough: `session.get("/consumer/users/u-1")`."""

    def __init__(self, url: str, headers: Mapping[str, str], *, trust_env: bool = True) -> None:
        super().__init__()
        self.base_url, self.trust_env = url, trust_env
        self.headers.update(headers)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        """As `requests.Session.request`; what is not a whole URL is a path below the base URL."""
        target = url.decode() if isinstance(url, bytes) else url
        if not urlsplit(target).scheme:
            target = f"{self.base_url}/{target.removeprefix('/')}"
        return super().request(method, target, *args, **more)


def is_loopback(url: str) -> bool:
    """Whether the URL is of this machine, which no proxy is asked for."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _environ(request: requests.PreparedRequest) -> Environ:
    path, _, query = request.path_url.partition("?")
    raw = _raw(request.body)
    url = urlsplit(request.url or "")
    environ = _WSGI | {
        "REQUEST_METHOD": request.method or "GET",
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": BytesIO(raw),
        "wsgi.errors": sys.stderr,
        "mockserver.raw_path": path,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _text(value)
    return environ


def _raw(body: Any) -> bytes:
    """A request's body as requests takes it: bytes, text, a file, or an iterator of bytes."""
    if body is None or isinstance(body, bytes | str):
        return body.encode() if isinstance(body, str) else body or b""
    return bytes(body.read() if hasattr(body, "read") else b"".join(body))


def _text(value: Any) -> str:
    """A header's value, which requests takes as bytes too."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _answer(app: App, environ: Environ) -> tuple[tuple[Any, ...], bytes]:
    """Call the application; what it gave to start_response, and the body. Its wishes stand in the environ."""
    started: list[tuple[Any, ...]] = []
    parts = app(environ, lambda *given: started.append(given))
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return started[-1], body


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _patience(timeout: Any) -> float:
    """The seconds that requests would wait for an answer."""
    read = timeout[1] if isinstance(timeout, tuple) else getattr(timeout, "read_timeout", timeout)
    return float(read) if isinstance(read, int | float) else float("inf")


def _wsgi_path(path: str) -> str:
    """A path as PEP 3333 has it, each byte a character; httpx gives the text itself."""
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return path.encode("utf-8", "surrogateescape").decode("latin-1")
    return path
