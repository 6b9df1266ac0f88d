"""examples/node: the JavaScript example's tests pass against a running sandbox, where npm is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.examples.tutorial import EXAMPLES, USUAL, blocks, environ, run, session
from tests.harness import ROOT

HERE = EXAMPLES / "node"


@pytest.fixture
def example(installed: Path) -> Path:
    """The example where npm has installed the SDK: Node looks for packages in the folders above."""
    folder = installed / "example"
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    return folder


def test_the_example_has_the_tested_version() -> None:
    """The example asks for the version of the SDK that the project is tested with."""
    theirs, ours = (
        json.loads((folder / "package.json").read_text())["dependencies"]
        for folder in (HERE, ROOT / "tests" / "sdk" / "node")
    )
    assert theirs == ours


def test_the_suite_passes(served: str, example: Path) -> None:
    """`npm test` passes, and the program prints what the page shows."""
    commands = [code for _, code in blocks(HERE / "README.md", "sh")]
    assert commands == ["mockserver serve --outcome clean\n", "npm install\nnpm test\n"]
    printed = run("npm test", example, environ(FLAGRIGHT_URL=served))
    counts = dict(re.findall(r"^\S (pass|fail) (\d+)$", printed, re.MULTILINE))
    assert int(counts["pass"]) > 0 == int(counts["fail"])
    for command, shown in session(HERE / "README.md"):
        assert run(command.replace(USUAL, served), example, environ()) == shown
