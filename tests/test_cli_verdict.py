"""`mockserver verdict`: what a person reads, what a pipeline reads, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from mockserver.cli import main
from mockserver.cli.findings import KINDS, findings
from mockserver.cli.junit import junit
from mockserver.server import Server
from tests.admin.client import USERS, user
from tests.harness import Api, over_http, running

HOSTILE = "]]>&<\"'\x00\x1b[31m\r\n\x85\ud800\ufffe\u202e\U0001f600"
BAD = {"userId": 7, "createdTimestmap": 1}


def verdict(url: str, key: str = "", *words: str, **variables: str) -> Any:
    """The command, in process; `key` names the world."""
    world = ["--world", key.removeprefix("world-")] if key else []
    clean = {"MOCKSERVER_ADMIN_TOKEN": None, **variables}
    return CliRunner().invoke(main, ["verdict", "--url", url, *world, *words], env=clean)


def play(server: Server, key: str) -> Api:
    """A client that does most things wrong: 6 violations in 3 requests, a warning, an unmatched request."""
    api = Api(over_http(server.url), key)
    for body in (user(), user(nickname="x"), BAD, BAD, BAD):
        api.post(USERS, body)
    api.get("/consumer/userz")
    return api


def suite(content: str | bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """The numbers of a JUnit report and its cases by class and name."""
    root = ElementTree.fromstring(content)
    [one] = root.findall("testsuite")
    cases = {(case.attrib["classname"], case.attrib["name"]): case for case in one}
    counted = [len(one.findall(path)) for path in ("testcase", "testcase/failure", "testcase/skipped")]
    numbers = {name: one.attrib[name] for name in ("tests", "failures", "skipped")}
    assert [int(number) for number in numbers.values()] == counted
    assert len(cases) == counted[0], "readers take two cases of one name for one"
    return numbers, {f"{group} {name}": case for (group, name), case in cases.items()}


def test_a_clean_world_ends_with_0_and_tells_what_was_met(server: Server, key: str) -> None:
    """All that was right: exit 0, and the operations with their statuses, outcomes and what was never used."""
    Api(over_http(server.url), key).post(USERS, user())
    done = verdict(server.url, key)
    assert (done.exit_code, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("clean: world ")
    assert "  createConsumerUser  201 x 1" in rest
    assert "  outcomes: example x 1" in rest
    assert [line for line in rest if line.startswith("  never: getConsumerUser, ")]


def test_each_mistake_is_one_line_with_its_count_and_the_first_request(server: Server, key: str) -> None:
    """Equal mistakes are one line: how often, where, what is allowed, and the first request that made it; exit 1."""
    play(server, key)
    done = verdict(server.url, key)
    assert (done.exit_code, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("requests 6, violations 3, warnings 1, unmatched 1")
    [wrong] = [line for line in lines if "/userId" in line]
    assert wrong.startswith("  3x createConsumerUser /userId: must be a string (sent 7); first: POST /consumer/users 4")
    [missing] = [line for line in lines if "is required" in line]
    assert "did you mean createdTimestamp?" in missing
    assert [line for line in lines if line.startswith("  1x createConsumerUser /nickname: ")]
    assert [line for line in lines if line.startswith("  1x no operation takes GET /consumer/userz; the nearest is ")]
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("ignored", "code", "failures"),
    [
        ([], 1, 4),
        (["warnings"], 1, 3),
        (["violations", "unmatched"], 1, 1),
        ([*KINDS], 0, 0),
    ],
)
def test_what_is_ignored_does_not_count(
    server: Server, key: str, tmp_path: Path, ignored: list[str], code: int, failures: int
) -> None:
    """--ignore KIND, as often as wanted: still shown, no failure, and exit 0 where nothing else is wrong."""
    play(server, key)
    report = tmp_path / "out.xml"
    done = verdict(server.url, key, "--junit", str(report), *(word for kind in ignored for word in ("--ignore", kind)))
    numbers, cases = suite(report.read_bytes())
    assert (done.exit_code, numbers["failures"], numbers["skipped"]) == (code, str(failures), str(4 - failures))
    assert [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" (ignored)")] == sorted(
        ignored, key=[*KINDS].index
    )
    assert any(name.endswith(".met createConsumerUser") for name in cases)
    assert [path.name for path in tmp_path.iterdir()] == ["out.xml"], "nothing half-written stays"


def test_json_is_the_server_s_own(server: Server, key: str) -> None:
    """--json prints the verdict as the route gives it, and nothing else, with the same exit code."""
    play(server, key)
    done = verdict(server.url, key, "--json")
    body = json.loads(done.stdout)
    assert (done.exit_code, body["counts"]["violations"], body["clean"]) == (1, 3, False)


def test_what_the_journal_lost_is_a_failure(tmp_path: Path) -> None:
    """Without details the counts judge: exit 1, a line and a failure that say how many are not held."""
    with running(journal_size=0) as server:
        play(server, "world-w")
        done = verdict(server.url, "world-w", "--junit", str(tmp_path / "out.xml"), "--ignore", "warnings")
    assert done.exit_code == 1
    assert "3 whose details the journal does not hold (see --journal-size)" in done.stdout
    assert suite((tmp_path / "out.xml").read_bytes())[0] == {"tests": "5", "failures": "2", "skipped": "1"}


def test_a_world_without_a_request_is_clean_and_pointed_out(server: Server, key: str) -> None:
    """A misspelt world is not silently clean: standard error names the worlds that there are."""
    Api(over_http(server.url), key).post(USERS, user())
    done = verdict(server.url, f"{key}-misspelt")
    assert done.exit_code == 0
    assert "no request came to the world" in done.stderr
    assert "worlds there are: " in done.stderr


def test_hostile_text_reaches_neither_terminal_nor_xml(server: Server, key: str, tmp_path: Path) -> None:
    """Whatever a client puts into names, ids and paths: the report is XML, and the terminal obeys nothing of it."""
    api = Api(over_http(server.url), key)
    name = HOSTILE.replace("\ud800", "")
    api.post(USERS, {**user(), name: 1})
    api.post(USERS, {"userId": {name: name}, "createdTimestamp": name})
    api.post(USERS, raw=json.dumps({HOSTILE: HOSTILE}).encode())
    api.get(f"/{quote(name)}/]]>")
    done = verdict(server.url, key, "--junit", str(tmp_path / "out.xml"))
    assert done.exit_code == 1
    assert all(line.isprintable() for line in done.stdout.splitlines()), done.stdout
    assert suite((tmp_path / "out.xml").read_bytes())[0]["failures"] == "5"


def test_junit_holds_with_any_text() -> None:
    """A verdict with hostile text in each of its places is a report that parses, `]]>` and all."""
    request = {"id": HOSTILE, "at": 10**20, "operation": HOSTILE, "method": HOSTILE, "url": HOSTILE, "status": 400}
    entry = {"in": HOSTILE, "pointer": HOSTILE, "rule": HOSTILE, "message": HOSTILE, "sent": HOSTILE, "hint": HOSTILE}
    body = {
        "world": HOSTILE,
        "counts": {"requests": 3, "violations": 9, "warnings": 1, "unmatched": 1},
        "violations": [{**request, "violations": [entry, entry]}],
        "warnings": [{**request, "warnings": [entry]}],
        "unmatched": [{**request, "message": HOSTILE}],
        "met": {"operations": {HOSTILE: {"201": 1}}, "outcomes": {HOSTILE: 1}, "missing": []},
    }
    numbers, cases = suite(junit(body, findings(body)))
    assert numbers == {"tests": "6", "failures": "4", "skipped": "0"}
    assert all("]]>&<\"'\\x00\\x1b[31m\\r\\n\\x85\\ud800\\ufffe\\u202e\U0001f600" in name for name in cases)


class _Other(BaseHTTPRequestHandler):
    """Something else than a sandbox."""

    def do_GET(self) -> None:
        """One answer to all."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}' if "json" in self.path else b"<html>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Nothing."""


@contextmanager
def _other() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{other.server_port}"
        finally:
            other.shutdown()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "admin token"),
        (["--token", "wrong"], "another token"),
        (["--token", "a\nb"], "--token"),
        (["--token", "tökén"], "--token"),
        (["--world", " "], "--world"),
        (["--junit", "{tmp}"], "is a directory"),
        (["--junit", "{tmp}/nowhere/out.xml"], "no such file or directory"),
        (["--url", "{url}/%"], "/%"),
    ],
)
def test_what_is_in_the_way_is_one_clear_line(words: list[str], said: str, tmp_path: Path) -> None:
    """A wrong token, a world or a report that cannot be: one line on standard error that names it, exit 2."""
    if said == "admin token":
        said = "give --token or MOCKSERVER_ADMIN_TOKEN"
    with running(admin_token="t") as server:
        token = {"MOCKSERVER_ADMIN_TOKEN": "t"} if "--junit" in words else {}
        play(server, "world-w")
        filled = [word.replace("{tmp}", str(tmp_path)).replace("{url}", server.url) for word in words]
        done = verdict(server.url, "world-w", *filled, **token)
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1), done.output
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("dead", "nothing answers at"),
        ("no admin", "has no admin API"),
        ("html", "is no flagright-mockserver"),
        ("json", "is no flagright-mockserver"),
        ("not a URL", "--url"),
    ],
)
def test_who_cannot_be_asked_is_said(kind: str, said: str) -> None:
    """Nobody there, no admin API, another server, no URL at all: one line that says which, exit 2."""
    with running(admin="off") as server, _other() as other:
        urls = {"no admin": server.url, "html": other, "json": f"{other}/json", "not a URL": "127.0.0.1:4080"}
        done = verdict(urls.get(kind, "http://127.0.0.1:1"))
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.output
    assert said in done.stderr


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_alone(server: Server, key: str, variables: dict[str, str], coloured: bool) -> None:
    """In a terminal the result has its colour, unless NO_COLOR is set."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "mockserver", "verdict", "--url", server.url, "--world", key]
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(words, stdout=theirs, env={**clean, **variables}, check=False)
    os.close(theirs)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    assert (done.returncode, "\x1b[" in text) == (0, coloured)
    assert "clean" in text
