"""examples/onboarding: the tutorial shows what is there, and its tests pass with either kind of sandbox."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.examples.tutorial import EXAMPLES, blocks, environ, files, run
from tests.harness import ROOT

HERE = EXAMPLES / "onboarding"
PAGE = HERE / "README.md"
# Without the other plugins of this environment, and without what this run is configured with. `make examples` has the
# suite found and run as its user has it, xdist included.
PYTEST = "-m pytest -q -c pyproject.toml -p no:cacheprovider -p mockserver.pytest_plugin"


def test_the_tutorial_shows_the_files() -> None:
    """Each block of the tutorial that has a file's name is that file, and no file of the example is left out."""
    shown = files(PAGE)
    there = {str(path.relative_to(HERE)) for path in [HERE / "pyproject.toml", *HERE.glob("*/*.py")]}
    assert set(shown) == there - {"onboarding/__init__.py"}  # that one is its docstring
    for name, code in shown.items():
        assert code == (HERE / name).read_text(), name


@pytest.mark.parametrize("mode", ["embedded", "against a server"])
def test_the_suite_passes(request: pytest.FixtureRequest, mode: str) -> None:
    """The example's tests pass, all of them, with a sandbox in the process and against a running server."""
    remote = f"--flagright-mock-url {request.getfixturevalue('served')}" if mode != "embedded" else ""
    env = environ(PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    printed = run(f"{shlex.quote(sys.executable)} {PYTEST} {remote}", HERE, env)
    assert re.fullmatch(r"\d\d passed in .*", printed.splitlines()[-1]), printed


def test_every_block_is_run() -> None:
    """The tutorial has no kind of block but files, the commands that `make examples` runs."""
    assert {language for language, _ in blocks(PAGE)} == {"sh", "console"}


@pytest.mark.parametrize("page", sorted(EXAMPLES.glob("*/README.md")), ids=lambda page: page.parent.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link of an example's page is a file of the project."""
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / link).is_file(), link
