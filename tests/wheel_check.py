"""Serve from an installed wheel, elsewhere: `python -m tests.wheel_check BIN`, with BIN an environment's bin folder.

Called by `make wheel-check` on an empty environment, and by a test on this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence


def check(command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Start the command with `serve --port 0` in an empty folder, get a documented user, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*command, "serve", "--port", "0"], cwd=folder, env=environ, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        try:
            first = process.stdout.readline()
            assert "listens on http://127.0.0.1:" in first, first
            url = first.split()[-1]
            request = urllib.request.Request(f"{url}/consumer/users/userId", headers={"x-api-key": "any"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert json.load(answer)["userId"] == "userId"
        finally:
            process.terminate()
            assert process.wait(5) == 0
            process.stdout.close()


if __name__ == "__main__":
    folder_of_commands = sys.argv[1]
    for words in (["mockserver"], ["flagright-mockserver"], ["python", "-m", "mockserver"]):
        check([f"{folder_of_commands}/{words[0]}", *words[1:]])
        sys.stdout.write(f"{' '.join(words)}: serves\n")
