"""`make fuzz`: Schemathesis against a server of its own, for as many seconds as are asked for.

Usage: python -m tests.fuzz [SECONDS] [PROFILE]. The profile is pages, the default of the sandbox. Under strict the
check of valid data fails: /openapi.json does not say that unknown properties are refused there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.stores.process import served

CONFIG = Path(__file__).with_name("schemathesis.toml")
ROOT = Path(__file__).parent.parent.parent
KEY = "a-key-that-is-allowed"  # with any key allowed there would be no wrong one


def fuzz(profile: str, seconds: int, seed: str) -> int:
    """Run every check and phase for some seconds against a server with this profile; the exit status."""
    sys.stdout.write(f"\n== profile {profile}, seed {seed}\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", "--no-color"]
    options = ["--header", f"x-api-key: {KEY}", "--max-time", str(seconds), "--seed", seed]
    # The documentation's own users are no users of the strict profile.
    world = "empty" if profile == "strict" else "documented"
    with served("--validation", profile, "--world", world, "--api-keys", KEY) as server:
        return subprocess.run(
            [*command, *options, f"{server.url}/openapi.json"],
            cwd=ROOT,
            env={**os.environ, "NO_PROXY": "*"},
            check=False,
        ).returncode


if __name__ == "__main__":
    given, profile = [*sys.argv[1:], *("120", "pages")[len(sys.argv) - 1 :]][:2]
    if not given.isdecimal() or int(given) < 20:
        sys.exit(f"fuzz: {given!r} is no whole number of seconds, 20 at least")
    if profile not in ("pages", "strict"):
        sys.exit(f"fuzz: {profile!r} is no profile with a document of its own: pages, strict")
    sys.exit(fuzz(profile, int(given), os.environ.get("FUZZ_SEED", "1")))
