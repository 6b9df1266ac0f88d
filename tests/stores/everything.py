"""`make test-stores`: the tests of behaviour, controls and the admin API once more, over each store that is shared."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.redis_server import redis_server

FOLDERS = ("tests/behaviour", "tests/admin", "tests/controls")
# What these two say is about the work of the process itself, and takes a store that never waits.
LEFT_OUT = ("a_hundred_waits_hold_up_nobody", "hostile_sizes", "ten_thousand_records")


def run(store: str, workers: str) -> int:
    """Run the tests over a store; pytest's exit status."""
    chosen = " and ".join(f"not {name}" for name in LEFT_OUT)
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses", workers, "-k", chosen, *FOLDERS]
    return subprocess.run(command, env={**os.environ, "TEST_STORE": store}, check=False).returncode


def main(workers: str) -> int:
    """Run them over both; 0 where all went well."""
    failed = run("sqlite", workers)
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as (port, _):
        return run(f"redis://127.0.0.1:{port}/0", workers) or failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
