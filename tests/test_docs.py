"""The documentation says what the code does: its tables are compared, its commands are run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.config import SETTINGS
from mockserver.contract.admin import load_admin
from mockserver.server import Server
from mockserver.world.outcomes import Outcomes
from tests.harness import ROOT, contract, running
from tests.plugin.inner import NAMED
from tests.plugin.tables import TABLES as PLUGIN_TABLES

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = FENCE.findall(README)
CURLS = [
    code
    for page in PAGES
    for language, code in FENCE.findall(page.read_text())
    if language == "sh" and code.startswith("curl")
]
BIN = Path(sys.executable).parent


def _section(name: str) -> tuple[Path, str]:
    """The page that has a generated table, and the table as it stands there."""
    for page in PAGES:
        text = page.read_text()
        found = re.search(rf"<!-- {name}: generated, a test compares -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
        if found:
            return page, found[1]
    raise AssertionError(f"no page has the table {name}")


def operations_table() -> str:
    """The operations as the README shows them."""
    lines = ["| operation | request | in the SDKs | evidence |", "|---|---|---|---|"]
    for entry in contract().operations.built:
        lines.append(f"| `{entry.id}` | `{entry.method} {entry.path}` | `{entry.sdk_name}` | {entry.evidence} |")
    return "\n".join(lines) + "\n"


def settings_table() -> str:
    """The settings as the README shows them."""
    lines = ["| flag | variable | default | |", "|---|---|---|---|"]
    for entry in SETTINGS:
        choices = f" One of {', '.join(f'`{choice}`' for choice in entry.choices)}." if entry.choices else ""
        lines.append(f"| `{entry.flag}` | `{entry.variable}` | `{entry.default}` | {entry.help}{choices} |")
    return "\n".join(lines) + "\n"


def outcomes_table() -> str:
    """The outcomes and the magic values that choose them."""
    outcomes = Outcomes(contract())
    magic = {persona.then: persona.magic for persona in outcomes.personas.values() if persona.over == "user"}
    names = "last name (consumer) or legal name (business)"
    lines = [f"| outcome | what it says | of a transaction | {names} | id begins with |", "|---|---|---|---|---|"]
    for entry in outcomes.outcomes.values():
        values = magic.get(entry.name, {})
        name, prefix = (f"`{values[key]}`" if key in values else "" for key in ("lastName", "userId"))
        status = f"`{entry.transaction['status']}`" if entry.transaction else ""
        lines.append(f"| `{entry.name}` | {entry.description} | {status} | {name} | {prefix} |")
    return "\n".join(lines) + "\n"


def routes_table() -> str:
    """The routes of the admin API."""
    _, document = load_admin(contract().models)
    lines = ["| route | does |", "|---|---|"]
    for path, item in document["paths"].items():
        for method, facts in item.items():
            lines.append(f"| `{method.upper()} {path}` | {facts['summary']} |")
    return "\n".join(lines) + "\n"


TABLES = {
    "operations": operations_table,
    "settings": settings_table,
    "outcomes": outcomes_table,
    "routes": routes_table,
    **PLUGIN_TABLES,
}


def regenerate() -> None:
    """Write the generated tables into the pages: `make docs`."""
    for name, table in TABLES.items():
        page, stands = _section(name)
        begin, end = f"<!-- {name}: generated, a test compares -->\n", f"<!-- /{name} -->"
        page.write_text(page.read_text().replace(f"{begin}{stands}{end}", f"{begin}{table()}{end}"))


@pytest.mark.parametrize("name", TABLES)
def test_generated_tables_are_current(name: str) -> None:
    """The README's tables are those of the contract and of the settings; `make docs` writes them."""
    assert _section(name)[1] == TABLES[name]()


@pytest.fixture
def documented() -> Iterator[Server]:
    """A fresh server for the README's curls."""
    with running() as server:
        yield server


@pytest.mark.parametrize("code", CURLS, ids=lambda code: code.splitlines()[0][:60])
def test_documented_curls_succeed(code: str, documented: Server) -> None:
    """Each curl of the README and docs, pasted into a shell, succeeds and answers with JSON, twice in a row."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    script = code.replace("http://127.0.0.1:4080", documented.url).replace("curl ", "curl -sS --fail-with-body ", 1)
    for _ in range(2):
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert isinstance(json.loads(done.stdout), dict)


def test_readme_refusal_is_shown_as_it_is(documented: Server) -> None:
    """The refusal that the README shows is, to the letter, what the server answers."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    [block] = [code for language, code in BLOCKS if language == "console"]
    command, shown = block.split("\n", 1)
    script = command.removeprefix("$ ").replace("http://127.0.0.1:4080", documented.url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == shown.strip("\n")


def test_readme_python_runs(documented: Server) -> None:
    """The README's Python, with the real SDK, runs against the server."""
    [code] = [code for language, code in BLOCKS if language == "python" and "base_url" in code]
    script = code.replace("http://127.0.0.1:4080", documented.url)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "ada-2\n", done.stderr


def test_readme_test_passes(tmp_path: Path) -> None:
    """The README's test, put into a file, passes with the plugin alone."""
    [code] = [code for language, code in BLOCKS if language == "python" and "flagright_mock" in code]
    (tmp_path / "test_readme.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *NAMED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_readme_pipe_runs() -> None:
    """The README's pipe of example into validate finds the example valid."""
    [code] = [code for language, code in BLOCKS if language == "sh" and code.startswith("mockserver")]
    done = subprocess.run(
        ["bash", "-c", code.replace("mockserver ", f"{BIN}/mockserver ")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("valid")


def test_every_command_is_documented() -> None:
    """Each command of `mockserver` stands in the README."""
    from mockserver.cli import main

    for name in main.commands:
        assert f"`mockserver {name}" in README, name


def test_world_line_of_the_readme_is_taken() -> None:
    """The line of a world file that the README shows starts a world."""
    [line] = [code for language, code in BLOCKS if language == "json"]
    with running(world=line) as server:
        assert server.port


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link of the README and docs is a file of the project, and its anchor a heading there."""
    for link, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text()):
        if not link.startswith("http"):
            target = page.parent / link if link else page
            assert target.is_file(), link
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert not anchor or anchor in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
