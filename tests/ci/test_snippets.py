"""The snippets of docs/ci: each is parsed, and names the real image, port and variables."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockserver.config import PREFIX, SETTINGS
from mockserver.world.outcomes import Outcomes
from tests.harness import ROOT, Api, contract, over_http, running

FOLDER = ROOT / "docs" / "ci"
PAGE = (ROOT / "docs" / "ci.md").read_text()
SNIPPETS = sorted(path for path in FOLDER.iterdir() if path.name != "image.json")
PORT = next(setting.default for setting in SETTINGS if setting.name == "port")
NAMES = json.loads((FOLDER / "image.json").read_text())
IMAGE = f"{NAMES['image']}:{NAMES['tag']}"
# What an application is given; the names are the application's own, so only the values are checked.
APP_KEY = "FLAGRIGHT_API_KEY"


@cache
def parsed(name: str) -> Any:
    """A YAML snippet."""
    return yaml.safe_load((FOLDER / name).read_text())


def chained(tree: ast.AST) -> dict[str, list[Any]]:
    """The constant arguments of each method called in a Python snippet, by the method's or class's name."""
    calls: dict[str, list[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            calls.setdefault(name, []).append([arg.value for arg in node.args if isinstance(arg, ast.Constant)])
    return calls


def check_service(image: str, variables: Mapping[str, str]) -> None:
    """The image is the real one, and each variable a setting whose value can be used; the outcome is clean."""
    assert image == IMAGE
    settings = {setting.variable: setting for setting in SETTINGS}
    assert variables[f"{PREFIX}OUTCOME"] == "clean"
    assert "clean" in Outcomes(contract()).outcomes
    for name, value in variables.items():
        assert isinstance(value, str), name
        settings[name].parse(value)


def test_the_tag_is_of_this_release() -> None:
    """The tag in the snippets is the X.Y of the version that this tree is."""
    import tomllib

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert NAMES["tag"] == ".".join(version.split(".")[:2])


def test_the_github_service_is_real() -> None:
    """GitHub Actions: the service's image, port and variables are real, and the job's URL leads to it."""
    job = parsed("github-actions.yml")["jobs"]["test"]
    [service] = job["services"].values()
    check_service(service["image"], service["env"])
    assert set(service) == {"image", "env", "ports"}, "health comes from the image, nothing is mounted"
    [ports] = service["ports"]
    assert job["env"]["FLAGRIGHT_URL"] == f"http://127.0.0.1:{ports.split(':')[0]}"
    assert ports.split(":")[1] == PORT
    assert job["env"][APP_KEY]


def test_the_github_job_ends_with_a_verdict() -> None:
    """The job's last step, run as it stands, is silent while the client is clean, and fails with the list when not."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    step = parsed("github-actions.yml")["jobs"]["test"]["steps"][-1]
    assert step["if"] == "always()"
    with running() as server:
        given: dict[str, Any] = {"env": {**os.environ, "FLAGRIGHT_URL": server.url}, "text": True, "check": False}
        clean = subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, **given)
        assert (clean.returncode, clean.stdout) == (0, "")
        Api(over_http(server.url)).post("/consumer/users", {})
        dirty = subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, **given)
        assert dirty.returncode != 0
        assert json.loads(dirty.stdout)["counts"]["violations"] == 1


def test_the_gitlab_service_is_real() -> None:
    """GitLab CI: the service's image and variables are real, and the job's URL leads to its alias."""
    job = parsed("gitlab-ci.yml")["test"]
    [service] = job["services"]
    check_service(service["name"], service["variables"])
    assert job["variables"]["FLAGRIGHT_URL"] == f"http://{service['alias']}:{PORT}"
    assert job["variables"][APP_KEY]


def test_the_compose_service_is_real() -> None:
    """Compose: the application waits until the sandbox is healthy, and its URL leads there."""
    services = parsed("compose.yaml")["services"]
    [(name, waited)] = services["app"]["depends_on"].items()
    check_service(services[name]["image"], services[name]["environment"])
    assert waited == {"condition": "service_healthy"}
    assert services["app"]["environment"]["FLAGRIGHT_URL"] == f"http://{name}:{PORT}"
    assert services["app"]["environment"][APP_KEY]


def test_the_testcontainers_fixture_is_real() -> None:
    """Testcontainers: image, port and variables are real, and it waits for the image's own health check."""
    calls = chained(ast.parse((FOLDER / "testcontainers_conftest.py").read_text()))
    [[image]] = calls["DockerContainer"]
    check_service(image, dict(calls["with_env"]))
    assert calls["with_exposed_ports"] == calls["get_exposed_port"] == [[int(PORT)]]
    assert "HealthcheckWaitStrategy" in calls


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.name)
def test_the_page_shows_the_file(path: Path) -> None:
    """Each snippet stands in docs/ci.md as the file has it, so what is pasted is what is tested."""
    language = "python" if path.suffix == ".py" else "yaml"
    assert f"```{language}\n{path.read_text()}```\n" in PAGE


def test_the_page_names_one_image_and_says_that_it_is_not_there_yet() -> None:
    """The page says that nothing is published, and every image it names is the placeholder that no engine pulls."""
    assert "**Nothing is published yet.**" in PAGE
    assert set(re.findall(r"ghcr\.io/[\w./-]+", PAGE)) == {NAMES["image"]}
    assert NAMES["image"] != NAMES["image"].lower(), "a name in small letters could be somebody's"


def test_the_page_shows_the_healthcheck_as_it_is() -> None:
    """The healthcheck on the page prints what the page shows."""
    [(command, shown)] = re.findall(r"```console\n\$ mockserver (.*)\n(.*\n)```", PAGE)
    with running() as server:
        words = command.replace("http://flagright:4080", server.url).split()
        done = subprocess.run(
            [sys.executable, "-m", "mockserver", *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout == shown.replace("http://flagright:4080", server.url), done.stderr


def test_the_page_names_real_settings() -> None:
    """Every MOCKSERVER_ variable on the page is a setting."""
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", PAGE)) <= {setting.variable for setting in SETTINGS}
