"""The pytest plugin: hooks and fixtures. It loads in every pytest run of its environment, so it imports nothing but
pytest until a test uses it. PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from mockserver.pytest_plugin.options import MARKER, add_options
from mockserver.pytest_plugin.session import Run, uses_mock

if TYPE_CHECKING:
    from mockserver.client.handle import FlagrightMock
    from mockserver.pytest_plugin.servers import MockServer

_RUN = pytest.StashKey[Run]()
_HANDLE = pytest.StashKey[Any]()
_LATE = "flagright_mock_late"  # what a worker tells its controller
_USAGE_ERROR = int(pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def flagright_mock_server(request: pytest.FixtureRequest) -> MockServer:
    """The server of this run, in the process or elsewhere: `url`, `admin`, `remote`, `open` and `finish`."""
    from mockserver.errors import MockserverError

    try:
        return request.config.stash[_RUN].server()
    except MockserverError as error:
        _give_up(request.session, str(error))


@pytest.fixture
def flagright_mock(
    request: pytest.FixtureRequest,
    flagright_mock_server: MockServer,  # noqa: ARG001 - it starts the server
) -> Iterator[FlagrightMock]:
    """A sandbox of the Flagright API for this test alone: `url`, `api_key`, `client()` and all that a test controls."""
    from mockserver.client.admin import FlagrightMockError, Unreachable

    run, item = request.config.stash[_RUN], request.node
    with pytest.MonkeyPatch.context() as patch:
        try:
            handle = item.stash[_HANDLE] = run.begin(item, patch)
            yield handle
            del item.stash[_HANDLE]
            run.end(item, handle)
        except Unreachable as error:
            _give_up(request.session, str(error))
        except FlagrightMockError as error:
            pytest.fail(f"flagright_mock: {error}", pytrace=False)  # a choice that only the server can judge


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Read the options; clients that a conftest or an application makes at import find the environment set."""
    from_line = early_config.known_args_namespace
    run = early_config.stash[_RUN] = Run(early_config)
    worker = "PYTEST_XDIST_WORKER" in os.environ
    controls = not worker and bool(getattr(from_line, "numprocesses", None) or getattr(from_line, "tx", None))
    if run.choices.isolation == "reset" and not (from_line.help or from_line.version):
        from mockserver.errors import MockserverError

        try:
            run.prepare_imports(controls=controls)
        except MockserverError as error:
            raise pytest.UsageError(f"flagright_mock: {error}") from None


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; where the plugin came late (`-p`), read the options."""
    config.addinivalue_line("markers", f"{MARKER}(outcome, validation, ...): how the world of flagright_mock begins")
    if _RUN not in config.stash:
        config.stash[_RUN] = Run(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which server is used, where it is not our own."""
    url = config.stash[_RUN].choices.url
    return f"flagright_mock: {url.rpartition('@')[2]}" if url else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """What controls workers asks the server elsewhere once, so that they need not all say that it is dead."""
    config = session.config
    if config.stash[_RUN].choices.url and _distributes(config) and _runs(config):
        _check(config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Check the markers; a marked test has a world whether it asks for it or not, and it is set up first."""
    config = session.config
    run = config.stash[_RUN]
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is None:
            continue
        if item.get_closest_marker(MARKER) is not None:
            run.chosen(item)
            if "flagright_mock" not in names:
                names.insert(0, "flagright_mock")
        if run.choices.env and "flagright_mock" in names:
            names.remove("flagright_mock")
            names.insert(0, "flagright_mock")  # fixtures that build the app read the environment
    if run.choices.url and _runs(config) and uses_mock(items):
        _check(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that went well fails for what its client got wrong; one that failed has failed already."""
    result = yield
    handle = item.stash.get(_HANDLE, None)
    if handle is not None:
        item.config.stash[_RUN].judge(item, handle)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's report has the last requests."""
    report = yield
    handle = item.stash.get(_HANDLE, None)
    if handle is not None and report.failed:
        from mockserver.errors import MockserverError

        try:
            text = handle.last_requests() or "no request came"
        except MockserverError as error:
            text = f"the requests are not known: {error}"
        report.sections.append(("flagright_mock: last requests", text))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server; a worker tells its controller what came late."""
    run = session.config.stash[_RUN]
    run.finish()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_LATE] = run.late


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker is done."""
    output = getattr(node, "workeroutput", None) or {}
    node.config.stash[_RUN].late += [(note, calls) for note, calls in output.get(_LATE, ())]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests were over when somebody still used their keys."""
    late = config.stash[_RUN].late
    if late:
        terminalreporter.section("flagright_mock: calls after the end of their test")
        for note, calls in late:
            terminalreporter.line(f"{note}: {calls} call{'' if calls == 1 else 's'}")
        terminalreporter.line("A client, a thread or a cache outlives its test; each of these calls was answered 401.")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Where the run ended before it began (a usage error, say) the server still stops."""
    run = config.stash.get(_RUN, None)
    if run is not None:
        run.finish()


def _check(config: pytest.Config) -> None:
    """Raise UsageError, one line, where the server elsewhere cannot be used."""
    from mockserver.errors import MockserverError

    try:
        config.stash[_RUN].server()
    except MockserverError as error:
        raise pytest.UsageError(f"flagright_mock: {error}") from None


def _runs(config: pytest.Config) -> bool:
    """Whether this process is the one that starts tests; an editor that only collects them needs no server."""
    return not hasattr(config, "workerinput") and not config.getoption("collectonly")


def _distributes(config: pytest.Config) -> bool:
    """Whether xdist runs the tests in other processes."""
    return config.getoption("dist", "no") != "no" or bool(config.getoption("tx", None))


def _give_up(session: pytest.Session, reason: str) -> NoReturn:
    """End the run with one line: no other test could do better."""
    if hasattr(session.config, "workerinput"):
        session.shouldstop = f"flagright_mock: {reason}"  # what the controller shows
    pytest.exit(f"flagright_mock: {reason}", returncode=_USAGE_ERROR)
