"""The tutorial from its first line, as a new user has it: `python -m tests.examples.fresh`, called by `make examples`.

A copy of the example and of what the wheel is made of, an empty environment, and then each command of the page in its
order. pip takes the declared dependencies, in the versions that requirements/dev.txt pins. With FLAGRIGHT_MOCK_URL the
server of the page is that one, a container say, and none is started; it must have been started as the page says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.examples.tutorial import EXAMPLES, USUAL, blocks, environ, run, served_url, session
from tests.harness import ROOT

SOURCES = ("mockserver", "schemas", "fixtures", "pyproject.toml", "README.md", "LICENSE", "examples/onboarding")
PAGE = EXAMPLES / "onboarding" / "README.md"


def _copy(away: Path) -> Path:
    """Copy what the page needs; the example's folder there."""
    ignored = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info", "build")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, away / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, away / name)
    return away / "examples" / "onboarding"


def _pins(away: Path) -> Path:
    """The pinned versions without their hashes, which pip would ask of our own folders too."""
    pinned = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    constraints = away / "constraints.txt"
    constraints.write_text("\n".join(pinned) + "\n")
    return constraints


@contextmanager
def _serving(command: str, env: Mapping[str, str]) -> Iterator[str]:
    """The URL of a server that runs during the block, on a port that is free."""
    words = [*command.split(), "--port", "0", "--log-format", "off"]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield served_url(server)
        finally:
            server.terminate()


def main() -> None:
    """Do what the page says; the first command that fails, or prints something else, ends it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as at_the_end:
        away = Path(folder)
        here = _copy(away)
        venv.create(away / "venv", with_pip=True)
        path = f"{away / 'venv' / 'bin'}:{environ()['PATH']}"
        env = environ(PATH=path, PIP_CONSTRAINT=str(_pins(away)), PIP_QUIET="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
        elsewhere = os.environ.get("FLAGRIGHT_MOCK_URL", "").rstrip("/")
        url = elsewhere or USUAL
        for _, code in blocks(PAGE, "sh"):
            command = code.strip().replace(USUAL, url)
            sys.stdout.write(f"$ {command}\n")
            sys.stdout.flush()
            if not command.startswith("mockserver serve"):
                sys.stdout.write("\n".join(run(command, here, env).splitlines()[-1:]) + "\n")
            elif not elsewhere:
                url = at_the_end.enter_context(_serving(command, env))
        for command, printed in session(PAGE):
            assert run(command.replace(USUAL, url), here, env) == printed, command
        sys.stdout.write("the tutorial does what it says\n")


if __name__ == "__main__":
    main()
