"""One pytest run, or one worker of it: the server when it is needed, a handle for each test, the environment."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.pytest_plugin.options import MARKER, TOKEN_VARIABLE, Choices, read_ini, read_marker

if TYPE_CHECKING:
    from mockserver.client.handle import FlagrightMock
    from mockserver.pytest_plugin.servers import MockServer

FIXTURES = ("flagright_mock", "flagright_mock_server")


class Run:
    """What the plugin knows in this process. `worker` is whether it is one of xdist's."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.choices = read_ini(config, os.environ)
        self.environment = pytest.MonkeyPatch()
        self.late: list[tuple[str, int]] = []  # notes of tests whose key was used after their end, how often
        self._server: MockServer | None = None
        self._shared: FlagrightMock | None = None  # with isolation=reset
        # How often each mistake was told of the test that runs; None until it is judged, or where it failed.
        self._told: dict[tuple[str, str], int] | None = None

    def server(self) -> MockServer:
        """The server, started or asked for at first use. Raises MockserverError in one line."""
        if self._server is None:
            from mockserver.pytest_plugin.servers import connect, start_embedded

            token = os.environ.get(TOKEN_VARIABLE, "").strip() or None
            self._server = connect(self.choices.url, token) if self.choices.url else start_embedded(self.choices.port)
        return self._server

    def prepare_imports(self, *, controls: bool) -> None:
        """With one key for all tests, set the environment before any test module is imported.

        A process that only `controls` workers needs no server: its variables lead nowhere, so that modules which
        read them at import can be imported.
        """
        if self.choices.isolation != "reset" or not self.choices.env:
            return
        if controls:
            self._set(self.environment, "http://flagright-mock.invalid", "world-of-a-worker", "of-a-worker")
        else:
            handle = self._share()
            self._set(self.environment, handle.url, handle.api_key, handle.world)

    def begin(self, item: pytest.Item, patch: pytest.MonkeyPatch) -> FlagrightMock:
        """The handle of a test, and its environment, which `patch` undoes."""
        choices, self._told = self.chosen(item), None
        if self.choices.isolation == "reset":
            shared, server = self._share(), self.server()
            handle = server.begin(shared.world, choices)
        else:
            handle = self.server().open(item.name, choices)
        self._set(patch, handle.url, handle.api_key, handle.world)
        return handle

    def end(self, item: pytest.Item, handle: FlagrightMock) -> None:
        """The test is over, and its world with it, unless the next one has the same.

        What fixtures that use it did on their way out is judged as well.
        """
        try:
            if self._told is not None:
                self.judge(item, handle)
        finally:
            self._close(item, handle)

    def _close(self, item: pytest.Item, handle: FlagrightMock) -> None:
        if self.choices.isolation == "reset":
            handle.close()
        else:
            self.server().finish(handle, f"the test {item.nodeid}")

    def chosen(self, item: pytest.Item) -> Choices:
        """What is chosen for a test."""
        return read_marker(item.iter_markers(MARKER), self.choices, self.config.rootpath, item.nodeid)

    def judge(self, item: pytest.Item, handle: FlagrightMock) -> None:
        """Say what the client got wrong, once: fail the test for what fails it, and warn of the rest."""
        from mockserver.client.contract import FAIL_ON
        from mockserver.errors import FlagrightContractWarning

        fail_on = self.chosen(item).fail_on
        told, self._told = self._told or {}, None
        found = handle.mistakes()
        mistakes = [mistake for mistake in found if mistake.count > told.get((mistake.kind, mistake.text), 0)]
        failing = [mistake for mistake in mistakes if mistake.kind in FAIL_ON[fail_on]]
        path, line, _ = item.location
        place = str(Path(self.config.rootpath, path)), (line or 0) + 1
        for mistake in mistakes:
            if mistake not in failing:
                warnings.warn_explicit(FlagrightContractWarning(str(mistake)), None, *place)
        if failing:
            lines = [f"the client got the API wrong (flagright_mock_fail_on = {fail_on}):"]
            pytest.fail("\n".join([*lines, *(f"  {mistake}" for mistake in failing)]), pytrace=False)
        self._told = {(mistake.kind, mistake.text): mistake.count for mistake in found}

    def finish(self) -> None:
        """The run is over: what came late is noted, the shared world deleted, the server stopped."""
        self.environment.undo()
        if self._server is None:
            return
        from mockserver.errors import MockserverError

        try:
            if self._shared is not None:
                self._server.finish(self._shared, "the pytest run")
            self.late += self._server.late()
        except MockserverError:
            pass  # it went away before us; the tests that needed it have said so
        self._server.close()
        self._server = None

    def _share(self) -> FlagrightMock:
        if self._shared is None:
            server = self.server()
            self._shared = server.begin(server.run, self.choices)
        return self._shared

    def _set(self, patch: pytest.MonkeyPatch, url: str, api_key: str, world: str) -> None:
        values: dict[str, Any] = {"{url}": url, "{api_key}": api_key, "{world}": world}
        for name, template in self.choices.env:
            text = template
            for placeholder, value in values.items():
                text = text.replace(placeholder, value)
            patch.setenv(name, text)


def uses_mock(items: list[pytest.Item]) -> bool:
    """Whether a test that was collected uses the sandbox."""
    return any(name in FIXTURES for item in items for name in getattr(item, "fixturenames", ()))
