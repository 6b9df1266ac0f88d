"""A thin client of the admin API: a method for what a test needs, `call` for the rest.

Every error names what was asked and what the server said; a token or a password in the URL is never shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from requests import ConnectionError as NoConnection
from requests import RequestException, Response, Session, Timeout

from mockserver.client.transport import BaseUrlSession, is_loopback
from mockserver.errors import MockserverError

__tracebackhide__ = True

PREFIX = "/__admin"
_TIMEOUT = 30.0  # seconds; of an answer that is not waited for on purpose


class FlagrightMockError(MockserverError):
    """The sandbox cannot do what a test asks of it; the text says why."""


class AdminError(FlagrightMockError):
    """The admin API refused: `status`, and its `detail`, which names what is allowed."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Unreachable(FlagrightMockError):
    """No admin API answers at the URL, or not to us; one line says why and what to do."""


class AdminClient:
    """The admin API at `url`, with `token` where it asks for one; `session` is how it is reached (a `requests` one)."""

    def __init__(self, url: str, token: str | None = None, session: Session | None = None) -> None:
        self.url = url.rstrip("/")
        self._shown = shown_url(self.url)
        self._session = session or BaseUrlSession(self.url, {}, trust_env=not is_loopback(url))
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        world: str | None = None,
        query: Sequence[tuple[str, str]] = (),
        timeout: float = _TIMEOUT,
    ) -> Any:
        """The JSON that a route answers (None where it has no body); `path` stands below /__admin.

        `body` goes as JSON, or as it stands where it is bytes. Raises AdminError and Unreachable. A 422 of the
        verdict is an answer, no error.
        """
        response = self._send(method, path, body, world, query, timeout)
        if response.status_code >= 400 and not (response.status_code == 422 and path == "/verdict"):
            raise AdminError(response.status_code, f"{method} {PREFIX}{path}: {_detail(response)}")
        return response.json() if response.content else None

    def health(self, timeout: float = 5.0) -> Mapping[str, Any]:
        """What GET health answers; Unreachable where it does not, with the reason and the way out."""
        response = self._send("GET", "/health", None, None, (), timeout)
        if response.status_code == 401:
            told = "another admin token than the one given" if self._headers else "its admin token"
            raise Unreachable(f"the server at {self._shown} asks for {told}: set FLAGRIGHT_MOCK_ADMIN_TOKEN")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict) and response.status_code == 200 and answer.get("status") == "healthy":
            return answer
        if isinstance(answer, dict) and "No operation has the path" in str(answer.get("message")):
            raise Unreachable(f"the server at {self._shown} has no admin API: it runs with --admin off")
        raise Unreachable(
            f"what answers at {self._shown} is no flagright-mockserver: GET {PREFIX}/health gave {response.status_code}"
        )

    def make_world(self, name: str, **beginning: Any) -> str:
        """Make a world anew and give its key; `beginning` are world, clock and settings as POST worlds takes them."""
        return str(self.call("POST", "/worlds", {"name": name, **beginning})["key"])

    def finish_world(self, name: str, note: str) -> None:
        """Take a world away for good; `note` says to whoever comes late whose it was."""
        self.call("POST", f"/worlds/{quote(name, safe='')}/finish", {"note": note[:500]})

    def late_worlds(self) -> list[dict[str, Any]]:
        """The finished worlds whose keys were used afterwards: name, note, calls."""
        return list(self.call("GET", "/worlds/late")["worlds"])

    def requests(self, world: str, query: Sequence[tuple[str, str]] = ()) -> tuple[list[dict[str, Any]], str]:
        """The journal, oldest first, and what of it is missing, in words.

        `query` filters as GET requests does. Raises FlagrightMockError where the server keeps no journal.
        """
        response = self._send("GET", "/requests", None, world, query, _TIMEOUT)
        if response.status_code >= 400:
            raise AdminError(response.status_code, _detail(response))
        answer = response.json()
        if answer["requestJournalDisabled"]:
            raise FlagrightMockError(f"the server at {self._shown} keeps no journal: it runs with --journal-size 0")
        return answer["requests"][::-1], response.headers.get("X-Mockserver-Incomplete", "")

    def wait(self, world: str, pattern: Mapping[str, Any], count: int, seconds: float) -> int:
        """Wait until `count` requests match, at most so many seconds; how many do."""
        body = {"pattern": dict(pattern), "count": count, "timeoutMs": max(seconds, 0) * 1000}
        answer = self.call("POST", "/requests/wait", body, world=world, timeout=seconds + _TIMEOUT)
        return int(answer["count"])

    def verdict(self, world: str) -> Mapping[str, Any] | None:
        """What the client got wrong in the world, as GET verdict answers; None where all is clean."""
        found: Mapping[str, Any] | None = self.call("GET", "/verdict", world=world)
        return found

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        world: str | None,
        query: Sequence[tuple[str, str]],
        timeout: float,
    ) -> Response:
        pairs = [*query, *([("world", world)] if world is not None else [])]
        target = f"{self.url}{PREFIX}{path}"
        if pairs:
            target += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        data, headers = body, dict(self._headers)
        if body is not None and not isinstance(body, bytes):
            try:
                data = json.dumps(body).encode()
            except (TypeError, ValueError, RecursionError) as error:
                raise FlagrightMockError(f"what is given is no JSON: {error}") from None
            headers["Content-Type"] = "application/json"
        patience = (min(5.0, timeout), timeout)  # seconds to connect, and to answer
        try:
            return self._session.request(
                method, target, data=data, headers=headers, timeout=patience, allow_redirects=False
            )
        except Timeout:
            raise Unreachable(f"the server at {self._shown} does not answer within {timeout:g} s") from None
        except NoConnection as error:
            raise Unreachable(f"nothing answers at {self._shown} ({_reason(error)}): is the server running?") from None
        except (RequestException, UnicodeError, ValueError) as error:
            raise Unreachable(f"{self._shown} cannot be asked: {type(error).__name__}") from None


def shown_url(url: str) -> str:
    """The URL without what lets one in."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _detail(response: Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    told = answer.get("detail") or answer.get("message") if isinstance(answer, dict) else None
    return str(told or f"status {response.status_code}")


def _reason(error: BaseException) -> str:
    """Why there is no connection, in the words of the system; requests wraps them four deep."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror.lower()
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        seen = inner if isinstance(inner, BaseException) and inner is not seen else seen.__cause__ or seen.__context__
    return "no connection"
