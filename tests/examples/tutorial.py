"""A tutorial's page, taken apart: the files that it shows, the commands that it gives, and what they print."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.harness import ROOT

EXAMPLES = ROOT / "examples"
USUAL = "http://127.0.0.1:4080"  # where the pages have the sandbox
_FENCE = re.compile(
    r"^(?:`(?P<file>[\w./-]+)`:\n\n)?```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
_OURS = ("PYTEST_", "FLAGRIGHT_", "MOCKSERVER_", "PIP_CONSTRAINT", "NODE_")


def files(page: Path) -> Mapping[str, str]:
    """The files that a page shows, by the name that stands before the block."""
    return {found["file"]: found["code"] for found in _FENCE.finditer(page.read_text()) if found["file"]}


def show_files(page: Path) -> None:
    """Write the files anew into the blocks that show them: `make docs`."""

    def shown(found: re.Match[str]) -> str:
        name = found["file"]
        return f"`{name}`:\n\n```{found['language']}\n{(page.parent / name).read_text()}```" if name else found[0]

    page.write_text(_FENCE.sub(shown, page.read_text()))


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """Language and text of the blocks that are no files, in their order."""
    found = [(block["language"], block["code"]) for block in _FENCE.finditer(page.read_text()) if not block["file"]]
    return [(language, code) for language, code in found if not languages or language in languages]


def session(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of the page's console blocks, with what it prints."""
    for _, code in blocks(page, "console"):
        for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed


def environ(**more: str) -> dict[str, str]:
    """The environment of a person who has none of this run's settings, and no proxy before their own machine."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {name: value for name, value in mine.items() if not name.lower().endswith("_proxy")} | more


def served_url(process: subprocess.Popen[str]) -> str:
    """Where a `mockserver serve` that was just started listens, as it says itself."""
    assert process.stdout
    first = process.stdout.readline()
    assert "listens on http://127.0.0.1:" in first, first
    return first.split()[-1]


def run(command: str, cwd: Path, env: Mapping[str, str]) -> str:
    """What a shell command prints, which must succeed."""
    shell = ["bash", "-euc", command]
    done = subprocess.run(shell, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
    return done.stdout
