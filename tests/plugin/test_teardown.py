"""What happens around a test: on its way out its fixtures are heard too, and who only looks needs no server."""

from __future__ import annotations

import pytest

from tests.plugin.inner import Inner

pytest_plugins = ["pytester"]


def test_what_fixtures_do_on_their_way_out_is_judged_once(inner: Inner) -> None:
    """A mistake in the teardown of a fixture fails or warns as one in the test does, and nothing is told twice."""
    suite = """
        import pytest

        @pytest.fixture
        def app(flagright_mock, request):
            yield
            flagright_mock.session.get("/consumer/user/" + request.node.name)
        def test_late(app): pass
        @pytest.mark.flagright_mock(fail_on="none")
        def test_warned(app, flagright_mock): flagright_mock.session.get("/consumer/user/early")
        def test_failed(app): assert False
        def test_after(flagright_mock): assert flagright_mock.requests() == []
    """
    result = inner.run(suite)
    result.assert_outcomes(passed=3, failed=1, errors=1, warnings=2)
    result.stdout.fnmatch_lines(["*the client got the API wrong*", "  GET /consumer/user/test_late (404): *"])
    text = result.stdout.str()
    assert [text.count(f"Warning: GET /consumer/user/{name}") for name in ("early", "test_warned")] == [1, 1]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_collecting_needs_no_server(inner: Inner, workers: list[str]) -> None:
    """An editor that lists the tests gets them, whether the server that they would use runs or not."""
    url = ["--flagright-mock-url", "http://127.0.0.1:1"]
    result = inner.run("def test_it(flagright_mock): pass", "--collect-only", *url, *workers)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["test_suite.py::test_it"])
