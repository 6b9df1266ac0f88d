"""The command, run as a person or a pipeline runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from mockserver.cli import main
from mockserver.config import SETTINGS
from tests.harness import NOW, contract

COMMAND = [sys.executable, "-m", "mockserver"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}


@contextmanager
def serving(*flags: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`mockserver serve` on a free port; gives the process and its URL."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *flags],
        env={**CLEAN, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    try:
        greeting = process.stderr if "json" in flags else process.stdout  # JSON lines stand alone on stdout
        yield process, greeting.readline().split()[-1]
    finally:
        process.kill()
        process.wait(5)
        process.stdout.close()
        process.stderr.close()


def ended(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [*COMMAND, *words], env={**CLEAN, **variables}, capture_output=True, text=True, check=False, timeout=30
    )


def invoke(*words: str, stdin: str = "", **variables: str) -> Any:
    """A command that ends by itself, in process."""
    unset = {name: None for name in os.environ if name not in CLEAN}
    return CliRunner().invoke(main, words, input=stdin, env={**unset, **variables})


@pytest.fixture
def shared_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in process take the contract that is loaded already; the commands in processes of their own load it."""
    monkeypatch.setattr("mockserver.contract.Contract", contract)
    monkeypatch.setattr("mockserver.web.factory.Contract", contract)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_and_stops_when_told(number: signal.Signals) -> None:
    """Serve prints the real port and a curl to paste, answers, and ends with 0 on SIGINT and SIGTERM."""
    with serving() as (process, url):
        assert process.stdout
        assert f"curl {url}/consumer/users/userId" in process.stdout.readline()
        assert requests.get(f"{url}/consumer/users/userId", headers={"x-api-key": "k"}, timeout=5).status_code == 200
        process.send_signal(number)
        assert process.wait(5) == 0


def test_request_lines_show_violations_and_no_values() -> None:
    """Each request is one line with its violations under it; no value of a body stands in the terminal."""
    with serving() as (process, url):
        body = {"userId": "secret-user-name", "createdTimestamp": "secret-time", "usrDetails": "secret-word"}
        requests.post(f"{url}/consumer/users", json=body, headers={"x-api-key": "secret-key"}, timeout=5)
        process.terminate()
        output = "".join(process.communicate(timeout=5))
        assert "POST /consumer/users 400 " in output
        assert "    /createdTimestamp: must be a number" in output
        assert "secret" not in output


def test_json_request_lines_are_json() -> None:
    """With --log-format json each request is one JSON object; with off there is none."""
    with serving("--log-format", "json") as (process, url):
        requests.get(f"{url}/consumer/users/%0D%0Anope?x=1", headers={"x-api-key": "k"}, timeout=5)
        process.terminate()
        last = process.communicate(timeout=5)[0].splitlines()[-1]
        entry = json.loads(last)
        assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/consumer/users/%0D%0Anope?x=1", 404)
    with serving(MOCKSERVER_LOG_FORMAT="off") as (process, url):
        requests.get(f"{url}/livez", timeout=5)
        process.terminate()
        assert "livez" not in process.communicate(timeout=5)[0]


def test_a_busy_port_is_one_line_and_exit_1() -> None:
    """A port that is taken is said in one clear line, with exit status 1 and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ended("serve", "--port", str(port))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr


BAD_SETTINGS: list[tuple[list[str], Mapping[str, str], str]] = [
    (["--port", "eighty"], {}, '--port: "eighty" is not a whole number from 0 to 65535'),
    ([], {"MOCKSERVER_VALIDATION": "strikt"}, 'did you mean "strict"?'),
    (["--answers", "examples"], {}, "is not one of stored, example, generated"),
    (["--clock", "yesterday"], {}, "is no instant"),
    (["--outcomes", '{"a": {"then": "clean"}}'], {}, "the setting outcomes: /a: must have results, or when and then"),
    (["--outcomes", '{"a": {"when": {}, "then": "cleen"}}'], {}, "/a/then"),
    (["--outcomes", '{"a": {"results": {"hitRules": 5}}}'], {}, "/a/results/hitRules"),
    (["--outcome", "cleen"], {}, "did you mean clean?"),
    (["--world", "/nowhere/at/all.jsonl"], {}, "No such file"),
    (["--world", '{"kind": "user", "type": "consumer", "body": {"userId": 5}}'], {}, "line 1: /body/userId"),
]


@pytest.mark.usefixtures("shared_contract")
@pytest.mark.parametrize(("flags", "variables", "said"), BAD_SETTINGS)
def test_a_bad_setting_is_said_and_exit_2(flags: list[str], variables: Mapping[str, str], said: str) -> None:
    """A setting that cannot be used ends the command with exit status 2, naming it and what is allowed."""
    # A server that started by mistake would end at once: this address is nobody's (RFC 5737).
    done = invoke("serve", "--host", "192.0.2.1", *flags, **variables)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_a_bad_setting_shows_no_traceback() -> None:
    """The command itself, as a person runs it, says one thing about a setting that cannot be used, and ends with 2."""
    done = ended("serve", "--outcome", "cleen")
    assert done.returncode == 2
    assert "did you mean clean?" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_variable_is_reported_with_the_nearest() -> None:
    """A misspelt MOCKSERVER_ variable is reported with the real name, and the server starts."""
    with serving(MOCKSERVER_OUTCOMME="clean") as (process, url):
        assert url.startswith("http://")
        process.terminate()
        assert "MOCKSERVER_OUTCOME" in process.communicate(timeout=5)[1]


def test_every_setting_has_its_flag_and_help() -> None:
    """Serve --help names every setting's flag, variable and default."""
    text = " ".join(invoke("serve", "--help").output.split())
    for setting in SETTINGS:
        assert setting.flag in text
        assert setting.variable in text


@pytest.mark.usefixtures("shared_contract")
@pytest.mark.parametrize("name", ["createConsumerUser", "consumer_users.create", "POST /consumer/users"])
def test_an_operation_has_three_names(name: str) -> None:
    """An operation is named by its id, by the SDK's name, or by its request."""
    assert invoke("validate", name, "-", stdin=json.dumps({"userId": "a", "createdTimestamp": NOW})).exit_code == 0


@pytest.mark.usefixtures("shared_contract")
def test_validate_prints_every_violation() -> None:
    """Validate prints all violations of a payload and exits with 1; warnings do not count."""
    done = invoke("validate", "createConsumerUser", "-", stdin='{"userId": "", "usrDetails": 1}')
    assert done.exit_code == 1
    assert "/userId" in done.output
    assert "/createdTimestamp: is required" in done.output
    done = invoke(
        "validate", "createConsumerUser", "-", stdin=json.dumps({"userId": "a", "createdTimestamp": NOW, "x": 1})
    )
    assert done.exit_code == 0
    assert "warning: /x" in done.output


@pytest.mark.usefixtures("shared_contract")
@pytest.mark.parametrize(("words", "status", "said"), [
    (["validate", "createConsumerUser", "-"], 1, "empty"),
    (["validate", "getConsumerUser", "-"], 2, "takes no body"),
    (["validate", "creatConsumerUser", "-"], 2, "did you mean createConsumerUser?"),
    (["validate", "createConsumerUser", "nowhere.json"], 2, "nowhere.json"),
    (["example", "nonsense-of-a-name"], 2, "mockserver routes"),
    (["example", "getConsumerUser", "--request"], 2, "takes no body"),
])  # fmt: skip
def test_wrong_use_is_told(words: list[str], status: int, said: str) -> None:
    """A command used wrongly says what is wrong and what is right."""
    done = invoke(*words)
    assert done.exit_code == status
    assert said in done.output


@pytest.mark.usefixtures("shared_contract")
@pytest.mark.parametrize("operation", contract().operations.built, ids=lambda entry: entry.id)
def test_example_prints_the_documented_body(operation: Any) -> None:
    """Example prints the body of `answers=example`, and with --request one that validate takes."""
    assert json.loads(invoke("example", operation.id).output) == operation.example
    if operation.request is not None:
        request = invoke("example", operation.id, "--request").output
        assert invoke("validate", operation.id, "-", stdin=request).exit_code == 0


def test_validate_looks_into_a_batch() -> None:
    """A batch is checked record by record, each violation with the place of its record."""
    record = {"userId": "u", "createdTimestamp": 1.1}
    batch = json.dumps({"data": [record, {**record, "userId": ""}, {**record, "oops": 1}]})
    told = invoke("validate", "createConsumerUsersBatch", "-", stdin=batch)
    assert (told.exit_code, "/data/1/userId: must hold" in told.output) == (1, True)
    assert "/data/2/oops" in told.output
    assert invoke("validate", "createConsumerUsersBatch", "-", stdin=json.dumps({"data": [record]})).exit_code == 0


@pytest.mark.usefixtures("shared_contract")
def test_routes_lists_all_24_operations() -> None:
    """Routes lists every operation of the vendor's public API, with the evidence for it."""
    rows = [json.loads(line) for line in invoke("routes", "--json").output.splitlines()]
    assert len(rows) == 24
    assert {row["evidence"] for row in rows} == {"documented", "sdk"}
    assert "GET" in invoke("routes").output


def test_openapi_prints_the_served_document() -> None:
    """Openapi prints the document that /openapi.json serves."""
    with serving() as (_, url):
        assert json.loads(invoke("openapi").output) == requests.get(f"{url}/openapi.json", timeout=5).json()


def test_version_and_bare_command() -> None:
    """--version names the distribution, and the bare command shows its help."""
    assert "flagright-mockserver" in invoke("--version").output
    assert "serve" in invoke().output
