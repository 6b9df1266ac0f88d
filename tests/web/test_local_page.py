"""docs/local.md shows what really happens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from mockserver.cli.serve import serve
from mockserver.config import load
from mockserver.errors import WorldError
from mockserver.world.content import initial_content
from tests.harness import NOW, ROOT, contract
from tests.test_docs import FENCE
from tests.web.test_request_lines import USERS, arm, written

PAGE = (ROOT / "docs" / "local.md").read_text()
BLOCKS = FENCE.findall(PAGE)
COMMANDS = [line for kind, code in BLOCKS if kind == "sh" for line in code.splitlines() if line.startswith("mocks")]
LINES, REFUSAL = (code for kind, code in BLOCKS if kind == "text")
[WORLD] = [code for kind, code in BLOCKS if kind == "json"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one_that_serve_takes(command: str) -> None:
    """Every `mockserver serve` of the page has flags that exist, with values that are allowed."""
    name, subcommand, *words = shlex.split(command, comments=True)
    assert (name, subcommand) == ("mockserver", "serve")
    with click.Context(serve) as context:
        serve.parse_args(context, words)
    flags = dict(context.params)
    flags.pop("show")
    load(flags, {})


def test_the_request_lines_are_the_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests that the page shows give its lines, to the column, but for the time that they take."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    api, stream = written(terminal=True)
    api.get(f"{USERS}/userId")
    api.post(USERS, {"userId": ""})
    body = {"userId": "u", "createdTimestamp": NOW, "usrDetails": {}}
    api.post(USERS, body, headers={"prefer": "outcome=blocked, delay=250"})
    arm(api, {"match": {}, "effect": {"status": 503}})
    api.get(f"{USERS}/ada-1")
    real = [line for line in stream.getvalue().splitlines() if "/__admin" not in line]
    assert [_timeless(line) for line in real] == [_timeless(line) for line in LINES.splitlines()]


def test_the_world_of_the_page_is_taken() -> None:
    """The world's file that the page shows gives its three entries."""
    assert len(initial_content(contract(), WORLD)) == 3


def test_the_refusal_of_the_page_is_the_real_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is wrong as the page says is refused in the page's words."""
    first = WORLD.splitlines()[0]
    late = json.loads(first)
    late["body"] |= {"userId": "ada-2", "createdTimestamp": "yesterday"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.jsonl").write_text("\n".join([first, json.dumps(late), first]))
    with pytest.raises(WorldError) as refused:
        initial_content(contract(), "users.jsonl")
    assert [f"mockserver: {line}" for line in str(refused.value).splitlines()] == REFUSAL.splitlines()


def _timeless(line: str) -> str:
    return re.sub(r" +[\d.]+ ms", " ms", line)
