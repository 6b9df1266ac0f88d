from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from mockserver.server import Server

HERE = Path(__file__).parent / "node"
CHECKS = [
    "create and get a/b",
    "create and get ü x",
    "create and get %2e%2e",
    "update",
    "event get",
    "rename",
    "bad request",
    "unknown user",
    "taken event id",
]
EXPECTED = [
    *((kind, name) for kind in ("consumer", "business") for name in CHECKS),
    ("consumer", "no key"),
    ("transaction", "verify, update and refuse"),
    ("batch", "send and page each kind"),
]


def test_the_lock_file_names_no_registry() -> None:
    """The lock file pins versions and hashes and no address, so that any registry will do."""
    lock = json.loads((HERE / "package-lock.json").read_text("utf-8"))
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert packages["node_modules/flagright"]["version"] == wanted["flagright"]
    assert [name for name, facts in packages.items() if "resolved" in facts] == []
    assert [name for name, facts in packages.items() if "integrity" not in facts] == []
    assert "://" not in json.dumps(lock)


def test_the_npm_sdk_drives_the_sandbox(server: Server, key: str, installed: Path) -> None:
    """The npm SDK drives users, transactions, events and batches, and gets its own typed errors."""
    quiet = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = ["node", str(HERE / "run.mjs"), server.url, key]
    done = subprocess.run(command, cwd=installed, env=quiet, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    passed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["kind"], line["passed"]) for line in passed] == EXPECTED


def test_the_npm_sdk_retries_a_status_and_no_reset(server: Server, key: str, installed: Path) -> None:
    """A 503 after the commit is retried by the SDK, a reset is not: sent again by hand, each event is there once."""
    quiet = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = ["node", str(HERE / "lost.mjs"), server.url, key, key.removeprefix("world-")]
    done = subprocess.run(command, cwd=installed, env=quiet, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {
        "status": {"outcome": "answered", "sent": 2},
        "reset": {"outcome": "cut", "sent": 1},
        "again": "u",
        "users": 1,
        "events": 2,
    }
