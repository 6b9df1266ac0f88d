"""The server that a run uses: one in this process, or one elsewhere, behind the same face."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from mockserver.client.admin import AdminClient, AdminError, FlagrightMockError, Unreachable, shown_url
from mockserver.client.handle import FlagrightMock
from mockserver.client.stored import CREATED
from mockserver.client.transport import BaseUrlSession, WsgiAdapter
from mockserver.pytest_plugin.options import Choices

if TYPE_CHECKING:
    from mockserver.server import Server

_CLOCK = CREATED  # where the clock of each test stands: 2026-01-01T00:00:00Z
_LONGEST_SLUG = 60


class MockServer:
    """The server of this run: `url`, `admin`, whether it is `remote`, and `open` for a world of any other scope."""

    def __init__(self, admin: AdminClient, server: Server | None = None) -> None:
        self.admin, self.url, self.remote = admin, admin.url, server is None
        self._server = server
        self._numbers = count(1)
        # Two runs may share a server, and workers of one run share it: neither meets the other's worlds. It is no
        # draw of `random`, which suites seed.
        self.run = f"pytest-{secrets.token_hex(4)}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

    def __repr__(self) -> str:
        return f"<MockServer {shown_url(self.url)}>"

    def open(self, name: str, choices: Choices | None = None) -> FlagrightMock:
        """A handle for a new world, whose name has `name` in it; give it to `finish` when it is over."""
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:_LONGEST_SLUG].strip("-")
        return self.begin(f"{self.run}-{next(self._numbers)}" + (f"-{slug}" if slug else ""), choices)

    def begin(self, world: str, choices: Choices | None = None) -> FlagrightMock:
        """A handle for the world of this name, which begins anew."""
        chosen = choices or Choices()
        # All is said, whatever a server elsewhere was started with; the one in this process was started so.
        beginning: dict[str, Any] = {"world": chosen.world}
        if self.remote:
            beginning |= {"settings": {**chosen.settings, "onDuplicate": "replace"}, "clock": _CLOCK}
        elif changed := _changed(chosen):
            beginning["settings"] = changed
        key = self.admin.make_world(world, **beginning)
        return FlagrightMock(self.admin, world, key, None if self._server is None else self._server.app)

    def finish(self, handle: FlagrightMock, note: str) -> None:
        """Take the handle's world away; whoever uses its key from now on gets a 401 with the note."""
        handle.close()
        self.admin.finish_world(handle.world, note)

    def late(self) -> list[tuple[str, int]]:
        """The notes of this run's worlds that were used after their end, and how often."""
        return [(e["note"], e["calls"]) for e in self.admin.late_worlds() if e["name"].startswith(self.run + "-")]

    def close(self) -> None:
        """Stop what was started."""
        self.admin.close()
        if self._server is not None:
            self._server.stop()


def start_embedded(port: int) -> MockServer:
    """A server in a thread of this process. Raises FlagrightMockError where the port cannot be had."""
    from mockserver.config import Settings
    from mockserver.server import BindError, Server
    from mockserver.web.factory import application

    settings = Settings(port=port, log_format="off", world="empty", clock=_CLOCK)
    server = Server(application(settings), settings.host, settings.port, settings.max_body_bytes)
    try:
        server.start()
    except BindError as error:
        reason = str(error).partition(": ")[0]
        raise FlagrightMockError(
            f"{reason}: stop the other process, or leave the ini option flagright_mock_port at 0, a free port "
            "(xdist's workers cannot share one)"
        ) from None
    # The admin API is called without a socket.
    session = BaseUrlSession(server.url, {}, trust_env=False)
    session.mount(server.url, WsgiAdapter(server.app))
    return MockServer(AdminClient(server.url, session=session), server)


def connect(url: str, token: str | None) -> MockServer:
    """A server that runs elsewhere, asked whether tests can use it. Raises Unreachable, in one line."""
    url = url.rstrip("/")
    admin = AdminClient(url, token)
    try:
        admin.health()
        server = MockServer(admin)
        server.finish(server.open("probe"), "the look whether this server can be used")
    except AdminError as error:
        admin.close()
        raise Unreachable(f"the server at {shown_url(url)} cannot be used by tests: {error.detail}") from None
    except FlagrightMockError:
        admin.close()
        raise
    return server


def _changed(choices: Choices) -> Mapping[str, Any]:
    """The settings that differ from those that the server in the process has."""
    usual = Choices().settings
    return {name: value for name, value in choices.settings.items() if value != usual[name]}
