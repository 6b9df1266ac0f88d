"""The plugin in whole pytest runs: mistakes, options, environment, isolation, late calls, reports."""

from __future__ import annotations

import socket
from typing import Any

import flagright  # noqa: F401 - imported once for all inner runs, which takes a second
import httpx  # noqa: F401 - as above
import pytest

from mockserver.server import Server
from tests.harness import running
from tests.plugin.conftest import TOKEN
from tests.plugin.inner import Inner

pytest_plugins = ["pytester"]

POST = 'flagright_mock.session.post("/consumer/users", json={"userId": "u"%s})'
GOOD, REFUSED = POST % ', "createdTimestamp": 1641654664000', POST % ""
SMELLS = POST % ', "createdTimestamp": 1641654664000, "userdetails": {}'
MISTAKES = f"""
    import pytest

    def test_nothing(flagright_mock): pass
    def test_good(flagright_mock): {GOOD}
    def test_smells(flagright_mock): {SMELLS}
    def test_refused(flagright_mock): {REFUSED}
    def test_unmatched(flagright_mock): flagright_mock.session.get("/consumer/user/u")
    def test_unknown_id(flagright_mock): flagright_mock.session.get("/consumer/users/u")
    @pytest.mark.flagright_mock(fail_on="none")
    def test_forgiven(flagright_mock): flagright_mock.session.get("/consumer/user/u")
    def test_fails_itself(flagright_mock):
        flagright_mock.session.get("/consumer/user/u?api_key=secret", headers={{"authorization": "secret"}})
        assert False
"""
PARTS = ("", ".options", ".session")
ALWAYS = {"fails_itself"}


@pytest.mark.parametrize(
    ("fail_on", "failed", "warned"),
    [
        ("unmatched", {"unmatched"}, {"smells", "refused", "forgiven"}),
        ("violations", {"unmatched", "refused"}, {"smells", "forgiven"}),
        ("none", set(), {"smells", "refused", "unmatched", "forgiven"}),
    ],
)
def test_mistakes_fail_or_warn(inner: Inner, fail_on: str, failed: set[str], warned: set[str]) -> None:
    """What the client got wrong fails the test or is a warning, as fail_on says, and a test fails only once."""
    result = inner.run(MISTAKES, ini=f"flagright_mock_fail_on = {fail_on}")
    assert inner.failed(result) == failed | ALWAYS
    assert inner.warned(result) == warned
    text = result.stdout.str()
    if "refused" in warned:
        assert "FlagrightContractWarning: createConsumerUser was refused (400): /createdTimestamp: is required" in text
    if failed:
        result.stdout.fnmatch_lines([f"*the client got the API wrong (flagright_mock_fail_on = {fail_on}):"])
    result.stdout.fnmatch_lines(["*flagright_mock: last requests*", "GET /consumer/user/u -> 404 no such operation"])
    assert text.count("api_key=secret") == text.count('u?api_key=secret", headers')  # the source line alone


def test_warnings_are_filtered_as_any(inner: Inner) -> None:
    """-W error::mockserver.FlagrightContractWarning turns each of them into a failure."""
    result = inner.run(MISTAKES, "-W", "error::mockserver.FlagrightContractWarning")
    assert inner.failed(result) == {"smells", "refused", "unmatched", "forgiven"} | ALWAYS


@pytest.mark.parametrize(
    ("ini", "mark", "told"),
    [
        ("validation = stict", "", "_validation: 'stict' is not one of pages, strict, lenient; did you mean strict?"),
        ("fail_on = nothing", "", "flagright_mock_fail_on: 'nothing' is not one of unmatched, violations, none"),
        ("seed = 1_000", "", "ini option flagright_mock_seed: '1_000' is not a whole number of 64 bits"),
        ("port = 70000", "", "ini option flagright_mock_port: '70000' is not a port from 0 to 65535"),
        ("env = URL={ur}", "", "{ur} is not one of {url}, {api_key}, {world}; did you mean url?"),
        ("env = URL", "", "ini option flagright_mock_env: 'URL' is not of the form NAME={url}"),
        ("world = users.jsonl", "", "'users.jsonl': No such file or directory; it must be empty, documented, or a"),
        ("url = localhost:4080", "", "flagright_mock_url: 'localhost:4080' is no URL, as in http://127.0.0.1:4080"),
        ("", "outcom='clean'", "the marker flagright_mock has no argument 'outcom'; did you mean outcome?; there are"),
        ("", "'clean'", "test_it: the marker flagright_mock takes arguments by name: outcome,"),
        ("", "validation='all'", "marker flagright_mock(validation=...): 'all' is not one of pages, strict, lenient"),
        ("", "seed=True", "marker flagright_mock(seed=...): True is no value for it"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_clear_line(inner: Inner, ini: str, mark: str, told: str) -> None:
    """An option or a marker's argument that is not understood ends the run at once, with what is allowed."""
    suite = f"import pytest\n@pytest.mark.flagright_mock({mark})\ndef test_it(flagright_mock): pass"
    result = inner.run(suite, ini=f"flagright_mock_{ini}" if ini else "")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    [line] = [line for line in result.stderr.lines if line.strip()]
    assert line.startswith("ERROR: ")
    assert told in line


def test_marker_and_ini_choose_how_a_world_begins(inner: Inner) -> None:
    """The ini file's choices hold for all, the nearest mark goes first, and a mark alone is enough for a world."""
    inner.pytester.makefile(".jsonl", users='{"kind": "user", "type": "consumer", "body": '
                            '{"userId": "of-a-file", "createdTimestamp": 1641654664000}}')  # fmt: skip
    suite = """
        import os, pytest, requests
        pytestmark = pytest.mark.flagright_mock(validation="strict", world="documented")

        def test_module(flagright_mock):
            mine = flagright_mock.session
            answer = mine.get("/consumer/users/userId").json()
            assert answer["riskScoreDetails"]["kycRiskLevel"] == "LOW", "the ini file's outcome"
            with flagright_mock.expect_refusal("/oops", rule="additionalProperties"):
                mine.post("/consumer/users", json={"userId": "u", "createdTimestamp": 1641654664000, "oops": 1})

        @pytest.mark.flagright_mock(world="users.jsonl", outcome="blocked", answers="generated", seed=3)
        def test_nearest(flagright_mock):
            assert flagright_mock.consumer("of-a-file")
            assert flagright_mock.session.get("/consumer/users/new").json()["userDetails"]
            flagright_mock.reset()
            assert flagright_mock.consumer("of-a-file")
            settings = flagright_mock.admin.call("GET", "/settings", world=flagright_mock.world)["settings"]
            chosen = {"outcome": "blocked", "answers": "generated", "seed": 3, "validation": "strict"}
            assert {**settings, **chosen} == settings

        def test_marked_alone():
            headers = {"x-api-key": os.environ["KEY"]}
            answer = requests.get(os.environ["URL"] + "/consumer/users/userId", headers=headers)
            assert answer.status_code == 200

        @pytest.mark.flagright_mock(outcome="cleen")
        def test_unknown_outcome(flagright_mock): pass
    """
    result = inner.run(suite, ini="flagright_mock_outcome = clean\nflagright_mock_env = URL={url} KEY={api_key}")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*there is no outcome 'cleen'; did you mean clean?*"])


def test_the_environment_is_that_of_the_test(inner: Inner) -> None:
    """The variables are set before the fixtures that build the app, whatever the order of arguments, and undone."""
    suite = """
        import os, pytest

        @pytest.fixture
        def app(): return os.environ["APP"]
        def test_one(app, flagright_mock):
            assert app == f"{flagright_mock.url}|{flagright_mock.api_key}|{flagright_mock.world} x"
        def test_none(): assert os.environ["APP"] == "before"
    """
    inner.monkeypatch.setenv("APP", "before")
    inner.run(suite, ini="flagright_mock_env = 'APP={url}|{api_key}|{world} x'").assert_outcomes(passed=2)


CACHED = """
    import os, requests
    SESSION = requests.Session()
    SESSION.headers["x-api-key"] = os.environ.get("KEY", "")
    def create():
        SESSION.headers["x-api-key"] = SESSION.headers["x-api-key"] or os.environ["KEY"]
        body = {"userId": "u", "createdTimestamp": 1641654664000}
        return SESSION.post(os.environ["URL"] + "/consumer/users", json=body)
"""
CACHING = """
    import app, pytest
    @pytest.mark.parametrize("n", range(4))
    def test_it(flagright_mock, n):
        assert app.create().status_code == 201, app.create().json()["message"]
        assert len(flagright_mock.requests()) == 1
"""
ENV = "flagright_mock_env = URL={url} KEY={api_key}"


def test_a_call_after_the_end_of_its_test_says_so(inner: Inner) -> None:
    """With a key for each test, a client that outlives its test gets a 401 that names it, as does the end."""
    inner.pytester.makepyfile(app=CACHED)
    result = inner.run(CACHING, ini=ENV)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*Unauthorized: the test test_suite.py::test_it[[]0] is over, and its key with it*",
            "*= flagright_mock: calls after the end of their test =*",
            "the test test_suite.py::test_it[[]0]: 6 calls",
        ]
    )


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_one_key_for_clients_made_at_import(inner: Inner, workers: list[str]) -> None:
    """With isolation=reset a client that is made at import lives in every test, whose worlds begin anew each."""
    inner.pytester.makepyfile(app=CACHED.replace('.get("KEY", "")', '["KEY"]'))
    inner.pytester.makeconftest("import app")  # the earliest import there is
    result = inner.run(CACHING, *workers, ini=f"{ENV}\nflagright_mock_isolation = reset")
    result.assert_outcomes(passed=4)
    assert "KEY" not in inner.environ()


@pytest.mark.parametrize("mode", ["embedded", "remote"])
def test_the_same_suite_on_workers(inner: Inner, elsewhere: Server, mode: str) -> None:
    """Workers, each with a server or all with one, do not meet: mistakes and late calls are told, and told once."""
    inner.monkeypatch.setenv("FLAGRIGHT_MOCK_ADMIN_TOKEN", TOKEN)
    inner.pytester.makepyfile(app=CACHED, test_caching=CACHING)
    url = ["--flagright-mock-url", elsewhere.url] if mode == "remote" else []
    result = inner.run(MISTAKES, "-n", "2", "--dist", "loadfile", *url, ini=ENV)
    assert inner.failed(result) == {"unmatched"} | ALWAYS
    assert inner.warned(result) == {"smells", "refused", "forgiven"}
    result.stdout.fnmatch_lines(["the test test_caching.py::test_it[[]0]: 6 calls"])


def test_a_running_server_is_used_and_left_clean(inner: Inner, elsewhere: Server) -> None:
    """A URL in the environment and its token are enough; the header names it, nothing of the run stays there."""
    inner.monkeypatch.setenv("FLAGRIGHT_MOCK_ADMIN_TOKEN", TOKEN)
    inner.monkeypatch.setenv("FLAGRIGHT_MOCK_URL", elsewhere.url)
    inner.pytester.makepyfile(app=CACHED.replace('.get("KEY", "")', '["KEY"]'))
    result = inner.run(CACHING, ini=f"{ENV}\nflagright_mock_isolation = reset", quiet=False)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([f"flagright_mock: {elsewhere.url}"])
    from mockserver.client import AdminClient

    names = [world["name"] for world in AdminClient(elsewhere.url, TOKEN).call("GET", "/worlds")["worlds"]]
    assert not [name for name in names if "test_it" in name]


@pytest.fixture(scope="module")
def wrong(elsewhere: Server) -> Any:
    """Servers that cannot be used."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with running(admin="off") as off, running(tenancy="shared") as shared, running(api_keys=("a",)) as keys:
        yield {"dead": dead, "off": off.url, "shared": shared.url, "keys": keys.url, "token": elsewhere.url}


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("dead", "nothing answers at URL (connection refused): is the server running?"),
        ("off", "the server at URL has no admin API: it runs with --admin off"),
        ("shared", "the server at URL cannot be used by tests: POST /__admin/worlds: /name: no key leads there"),
        ("keys", "api-keys may let in others only"),
        ("token", "the server at URL asks for its admin token: set FLAGRIGHT_MOCK_ADMIN_TOKEN"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_used_is_one_clear_line(inner: Inner, wrong: Any, which: str, told: str) -> None:
    """A server that is dead or not to be used ends the run at once, before any test, with one line and status 4."""
    url = wrong[which]
    for workers in ([], ["-n", "2"]) if which == "dead" else ([],):
        result = inner.run(MISTAKES, "--flagright-mock-url", f"{url}/", *workers)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        [line] = [line for line in result.stderr.lines if line.strip()]
        assert line.startswith("ERROR: flagright_mock: ")
        assert told.replace("URL", url) in line


def test_a_taken_port_ends_the_run(inner: Inner) -> None:
    """A port that cannot be had is told once, with the way out; no test comes after it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = inner.run(MISTAKES, ini=f"flagright_mock_port = {port}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stdout.str()
    told = f"flagright_mock: port {port} on 127.0.0.1 is in use: stop the other process, or leave the ini option"
    assert text.count(told) == 1
    assert "Traceback" not in text


def test_a_server_that_goes_away_ends_the_run(inner: Inner) -> None:
    """A server that dies in the middle of a run is told once, and no further test tries."""
    suite = """
        import os, socket
        def test_one(flagright_mock): flagright_mock.admin._session = None or Dead(flagright_mock)
        class Dead:
            def __init__(self, mock): self.mock = mock
            def request(self, *args, **more): import requests; raise requests.ConnectionError()
            def close(self): pass
        def test_two(flagright_mock): pass
        def test_three(flagright_mock): pass
    """
    result = inner.run(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stdout.str().count("_pytest.outcomes.Exit: flagright_mock: nothing answers at") == 1


def test_an_unrelated_run_pays_nothing(inner: Inner) -> None:
    """A run without the fixture loads neither Flask nor requests nor any other part of the sandbox."""
    inner.pytester.makeconftest("""
        import sys
        def pytest_unconfigure():
            ours = {name for name in sys.modules if name.startswith("mockserver")}
            heavy = {"flask", "requests", "uvicorn", "jsonschema_rs", "yaml", "faker", "asyncio"} & set(sys.modules)
            print(sorted(heavy), sorted(ours))
    """)
    result = inner.run("def test_it(): pass", "-p", "no:xdist", "-s", subprocess=True)
    # The errors are there for the ini file's filter of FlagrightContractWarning.
    names = ["mockserver", "mockserver.errors", *(f"mockserver.pytest_plugin{part}" for part in PARTS)]
    assert f"[] {names}" in result.stdout.lines
