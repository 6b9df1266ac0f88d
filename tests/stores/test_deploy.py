"""What is deployed with a shared store: the files parse, and name what is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from mockserver.config import SETTINGS, load
from tests.harness import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"


def manifests() -> list[dict[str, Any]]:
    """Every object that the kustomization lists."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in KUBERNETES.iterdir() if path.name != "kustomization.yaml")
    return [entry for name in listed for entry in yaml.safe_load_all((KUBERNETES / name).read_text())]


def one(kind: str, name: str) -> dict[str, Any]:
    """The object of this kind and name."""
    [found] = [entry for entry in manifests() if (entry["kind"], entry["metadata"]["name"]) == (kind, name)]
    return found


def environments() -> Iterator[dict[str, str]]:
    """The variables of each sandbox that the files start."""
    compose = yaml.safe_load((ROOT / "compose.replicas.yaml").read_text())
    yield from (compose["services"][name]["environment"] for name in ("one", "two"))
    [container] = one("Deployment", "mockserver")["spec"]["template"]["spec"]["containers"]
    yield {entry["name"]: entry["value"] for entry in container["env"]}


def test_every_variable_is_a_setting() -> None:
    """Each variable is one of ours with a value that is taken, and all replicas share a store."""
    for environ in environments():
        settings, notes = load({}, environ)
        assert notes == []
        assert settings.store.startswith("redis://")
        assert environ.keys() <= {setting.variable for setting in SETTINGS}


def test_replicas_are_safe_and_watched() -> None:
    """Pods see no Service variables, run as nobody with a read-only root, and are asked at our own probes."""
    for name, port in (("mockserver", 4080), ("mockserver-redis", 6379)):
        spec = one("Deployment", name)["spec"]["template"]["spec"]
        [container] = spec["containers"]
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        safe = container["securityContext"]
        assert (safe["readOnlyRootFilesystem"], safe["capabilities"]) == (True, {"drop": ["ALL"]})
        assert container["ports"][0]["containerPort"] == port
        [exposed] = one("Service", name)["spec"]["ports"]
        assert (exposed["port"], exposed["targetPort"]) == (port, container["ports"][0]["name"])
        assert one("Service", name)["spec"]["selector"] == one("Deployment", name)["spec"]["selector"]["matchLabels"]
    [container] = one("Deployment", "mockserver")["spec"]["template"]["spec"]["containers"]
    probes = [container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")]
    assert probes == ["/readyz", "/livez"]


def test_nginx_goes_round_every_server() -> None:
    """The proxy knows each sandbox of the composition, waits for it, and sends no request twice."""
    compose = yaml.safe_load((ROOT / "compose.replicas.yaml").read_text())
    config = compose["configs"]["nginx"]["content"]
    servers = [name for name, service in compose["services"].items() if "MOCKSERVER_STORE" in str(service)]
    assert servers == ["one", "two"]
    for name in servers:
        assert f"server {name}:4080;" in config
        assert compose["services"]["nginx"]["depends_on"][name] == {"condition": "service_healthy"}
    assert "proxy_next_upstream off;" in config


def test_kubectl_takes_the_kustomization() -> None:
    """`kubectl kustomize` builds the folder, where kubectl is."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    built = subprocess.run(["kubectl", "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=True)
    assert len(list(yaml.safe_load_all(built.stdout))) == len(manifests())
