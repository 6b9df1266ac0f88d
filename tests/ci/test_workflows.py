"""The workflows and the files of the image: parsed, and checked against what they call."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from mockserver.config import SETTINGS
from tests.harness import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
DEFAULTS = {setting.variable: setting for setting in SETTINGS}


@cache
def workflow(name: str) -> dict[Any, Any]:
    """A workflow; YAML reads its key `on` as true."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())


def steps(name: str) -> Iterator[dict[str, Any]]:
    """Every step of a workflow."""
    for job in workflow(name)["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("name", [path.stem for path in WORKFLOWS])
def test_a_workflow_calls_what_is_there(name: str) -> None:
    """Each command is a make target or a file of the project, each job that is waited for exists."""
    jobs = workflow(name)["jobs"]
    for job in jobs.values():
        assert job.get("needs", next(iter(jobs))) in jobs
        assert "uses" in job or job["timeout-minutes"] <= 60
        if str(job.get("uses", "")).startswith("./"):
            assert (ROOT / job["uses"]).is_file()
    for step in steps(name):
        words = shlex.split(step.get("run", ""))
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:.*## ", MAKEFILE, re.MULTILINE), step
        for word in words:
            if word.startswith((".ci/", "tests/")):
                assert (ROOT / word).is_file(), step


@pytest.mark.parametrize("name", [path.stem for path in WORKFLOWS])
def test_actions_are_pinned_by_major_version(name: str) -> None:
    """Every action is one of a major version, never of a moving branch."""
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@(release/)?v\d+", action), action


def test_no_job_may_do_more_than_it_needs() -> None:
    """Workflows may read; only the wheel's job may ask for an identity, only the image's may write packages."""
    for path in WORKFLOWS:
        assert workflow(path.stem)["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow("release")["jobs"].items() if "permissions" in job}
    assert more == {"pypi": {"id-token": "write"}, "image": {"contents": "read", "packages": "write"}}
    assert not [job for job in workflow("ci")["jobs"].values() if "permissions" in job]
    secrets = re.findall(r"secrets\.(\w+)", "".join(path.read_text() for path in WORKFLOWS))
    assert set(secrets) == {"GITHUB_TOKEN"}


def test_ci_runs_everything_and_tries_the_image_by_docker() -> None:
    """CI runs .ci/run, builds the image by Docker, tries its promises and waits for its own health check."""
    run = [step.get("run", "") for step in steps("ci")]
    [build] = [command for command in run if command.startswith("docker build")]
    [check] = [command for command in run if "image_check" in command]
    assert ".ci/run" in run
    assert build.split("--tag ")[1].split()[0] == check.split()[-1]
    assert any(command.startswith("docker compose up") and "--wait" in command for command in run)


def test_a_release_is_a_tag_that_passed_ci() -> None:
    """A tag vX.Y.Z alone releases, after CI: the wheel by trusted publishing, the image as X.Y.Z and X.Y."""
    release = workflow("release")
    assert release[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    jobs = release["jobs"]
    assert (jobs["build"]["needs"], jobs["pypi"]["needs"], jobs["image"]["needs"]) == ("ci", "build", "build")
    publish = {step["uses"].split("@")[0]: step.get("with", {}) for step in steps("release") if "uses" in step}
    assert "password" not in publish["pypa/gh-action-pypi-publish"]
    names = publish["docker/metadata-action"]
    assert re.findall(r"pattern=(\S+)", names["tags"]) == ["{{version}}", "{{major}}.{{minor}}"]
    image = json.loads((ROOT / "docs" / "ci" / "image.json").read_text())["image"]
    assert names["images"] == image.replace("OWNER", "${{ github.repository_owner }}")
    assert publish["docker/build-push-action"]["platforms"] == "linux/amd64,linux/arm64"


def test_the_image_listens_where_the_settings_say() -> None:
    """The image's own variables are settings with usable values, and the port is the default one."""
    own = dict(re.findall(r"(MOCKSERVER_\w+)=(\S+)", DOCKERFILE))
    assert own == {"MOCKSERVER_HOST": "0.0.0.0", "MOCKSERVER_PORT": DEFAULTS["MOCKSERVER_PORT"].default}
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [own["MOCKSERVER_PORT"]]
    assert len(set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))) == 1, "built on what it runs on"


def test_the_image_is_made_of_what_it_copies() -> None:
    """What the Dockerfile copies exists and is let through by .dockerignore; all that is installed has a hash."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source.split("/")[0]
        for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in words.split()[:-1]
    }
    assert copied == let_in
    for name in copied:
        assert (ROOT / name).exists(), name
    for command in re.findall(r"pip .*?install .*?(?= &&|$)", DOCKERFILE, re.MULTILINE):
        assert "--require-hashes" in command or "--no-deps /dist/" in command, command
    for name in re.findall(r"requirements/\S+\.txt", DOCKERFILE):
        assert "--hash=sha256:" in (ROOT / name).read_text()


def test_compose_tries_the_image_as_it_is_meant_to_run() -> None:
    """compose.yaml builds here, opens the port to this machine alone, and takes every right away."""
    [service] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    port = DEFAULTS["MOCKSERVER_PORT"].default
    assert (service["build"], service["pull_policy"]) == (".", "build")
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["environment"] == {"MOCKSERVER_OUTCOME": "clean"}
