"""What the image promises, tried on the image itself: `python3 tests/image_check.py [--engine podman] IMAGE`.

Called by `make image-test` once the image is built. It needs an engine that is spoken to as Docker is, and nothing
but the standard library; inside the container only what the image has. Each container runs as a careful pipeline
would run it: root read-only, no capability, no network. Ends with 1 at the first promise that does not hold.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OWN_MEGABYTES = 90  # what our layers may add to the base image
STOP_SECONDS = 1.0
READY_SECONDS = 30
HARD = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none", "--pids-limit=64"]
UNITS = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}

# Run inside the container: a user is created and read, and what PID 1 may do is told.
TALK = """
import json, pathlib, urllib.request
def call(path, body=None):
    asked = urllib.request.Request("http://127.0.0.1:4080" + path, body, {"x-api-key": "any"})
    return json.load(urllib.request.urlopen(asked, timeout=5))
call("/consumer/users", b'{"userId": "ada", "createdTimestamp": 1641654664000}')
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/1/status").read_text().splitlines())
def writable(place):
    try:
        pathlib.Path(place, "x").write_text("x")
    except OSError:
        return False
    return True
print(json.dumps({
    "user": call("/consumer/users/ada"),
    "metrics": urllib.request.urlopen("http://127.0.0.1:4080/metrics", timeout=5).read().decode()[:6],
    "uid": status["Uid"].split()[0],
    "capabilities": status["CapEff"].strip(),
    "writable": [place for place in ("/", "/app", "/etc") if writable(place)],
}))
"""


class Engine:
    """Docker, or podman, which takes the same words."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine; what fails against `check` ends the whole with its own words."""
        done = subprocess.run([self.name, *words], capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode:
            sys.exit(f"FAIL: {self.name} {' '.join(words[:3])}: {done.stderr.strip()}")
        return done

    @contextmanager
    def container(self, image: str, *options: str) -> Iterator[str]:
        """Start the image as a service; gives the container's name and removes it at the end."""
        name = f"image-check-{uuid.uuid4().hex[:8]}"
        try:
            self.run("run", "--detach", "--name", name, *HARD, *options, image)
            yield name
        finally:
            self.run("rm", "--force", name, check=False)

    def inspect(self, what: str) -> Any:
        """What the engine knows of an image or a container."""
        return json.loads(self.run("inspect", what).stdout)[0]


def says_what_it_is(engine: Engine, image: str) -> str:
    """A numeric user, a health check and a start without a shell, the port, the labels, no registry's address."""
    facts = engine.inspect(image)
    config = facts["Config"]
    health = config.get("Healthcheck") or facts.get("Healthcheck") or facts.get("HealthCheck")
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", config.get("User", "")), f"user {config.get('User')}"
    assert (health or {}).get("Test") == ["CMD", "mockserver", "healthcheck"], health
    assert (config["Entrypoint"], config["Cmd"]) == (["mockserver"], ["serve"]), config
    assert list(config["ExposedPorts"]) == ["4080/tcp"], config["ExposedPorts"]
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    assert labels >= {"title", "description", "licenses", "version"}, labels
    leaked = re.findall(r"index-url|trusted-host|/simple|_authToken", json.dumps(facts))
    assert not leaked, leaked
    return f"user {config['User']}"


def is_small(engine: Engine, image: str) -> str:
    """The layers above the base image stay under their limit."""
    lines = engine.run("history", "--no-trunc", "--format", "{{.Size}}\t{{.CreatedBy}}", image).stdout.splitlines()
    labels = next(index for index, line in enumerate(lines) if "LABEL" in line and "flagright" in line)
    found = [re.match(r"([\d.]+) ?([kKMG]?B)", line) for line in lines[:labels]]
    megabytes = sum(float(size[1]) * UNITS[size[2]] for size in found if size) / 1e6
    assert 1 < megabytes < OWN_MEGABYTES, f"{megabytes:.1f} MB"
    return f"{megabytes:.1f} MB of {OWN_MEGABYTES}"


def serves_and_stops(engine: Engine, image: str) -> str:
    """It gets ready, answers, is healthy, has no rights, writes nowhere, and stops in time when it is told."""
    with engine.container(image, "--env", "MOCKSERVER_OUTCOME=clean") as name:
        begun = time.monotonic()
        engine.run("exec", name, "mockserver", "healthcheck", "--wait", str(READY_SECONDS))
        ready = time.monotonic() - begun
        told = json.loads(engine.run("exec", name, "python", "-c", TALK).stdout)
        assert told["user"]["hitRules"] == [], told["user"]
        assert told["metrics"] == "# HELP", told["metrics"]
        assert told["uid"] != "0", told
        assert int(told["capabilities"], 16) == 0, told
        assert told["writable"] == [], told
        deaf = engine.run("exec", name, "mockserver", "healthcheck", "--url", "http://127.0.0.1:1", check=False)
        assert deaf.returncode == 1, deaf
        begun = time.monotonic()
        engine.run("stop", "-t", "10", name)
        stopped = time.monotonic() - begun
        status = engine.inspect(name)["State"]["ExitCode"]
        assert (status, stopped < STOP_SECONDS) == (0, True), f"exit {status} after {stopped:.1f} s"
    return f"ready after {ready:.1f} s, stopped after {stopped:.1f} s"


def refuses_bad_settings(engine: Engine, image: str) -> str:
    """A setting that cannot be used is one clear line and exit 2, at once."""
    for setting, said in (
        ("MOCKSERVER_PORT=eighty", 'MOCKSERVER_PORT: "eighty" is not a whole number'),
        ("MOCKSERVER_OUTCOME=cleen", "did you mean clean?"),
        ("MOCKSERVER_WORLD=/nowhere.jsonl", "No such file"),
    ):
        done = engine.run("run", "--rm", *HARD, "--env", setting, image, check=False)
        assert done.returncode == 2, (setting, done)
        assert len(done.stderr.splitlines()) == 1, (setting, done.stderr)
        assert said in done.stderr, (setting, done.stderr)
    return "3 of 3"


def ignores_kubernetes(engine: Engine, image: str) -> str:
    """Beside a Service named mockserver it listens on its own port, and its health check asks there."""
    with engine.container(image, "--env", "MOCKSERVER_PORT=tcp://10.0.0.1:80") as name:
        engine.run("exec", name, "mockserver", "healthcheck", "--wait", str(READY_SECONDS))
    return "healthy"


CHECKS = (says_what_it_is, is_small, refuses_bad_settings, ignores_kubernetes, serves_and_stops)


def main() -> None:
    """Try every promise and say how it went, a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="docker", help="docker or podman")
    parser.add_argument("image")
    given = parser.parse_args()
    for check in CHECKS:
        what = (check.__doc__ or "").rstrip(".")
        try:
            how = check(Engine(given.engine), given.image)
        except (AssertionError, LookupError, ValueError, StopIteration, subprocess.TimeoutExpired) as error:
            sys.exit(f"FAIL: {what}: {type(error).__name__}: {error}")
        sys.stdout.write(f"ok: {what} ({how})\n")


if __name__ == "__main__":
    main()
