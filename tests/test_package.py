"""What is built can be installed elsewhere, and serves from there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.harness import ROOT
from tests.wheel_check import check


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    pytest.importorskip("hatchling", reason="hatchling is not installed; make test installs it")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_contract(wheel: Path) -> None:
    """Schemas and fixtures lie inside the package in the wheel, each file once, and tests do not."""
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("schemas", "fixtures"):
        for path in (ROOT / folder).rglob("*.*"):
            assert names.count(f"mockserver/{path.relative_to(ROOT)}") == 1
    assert "mockserver/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "schemas/", "fixtures/"))]


def test_the_wheel_serves_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """Unpacked in another place, the package serves with its own data, as `python -m mockserver`."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    where = subprocess.run(
        [sys.executable, "-c", "from mockserver.contract.source import data_root; print(data_root())"],
        env=environ, cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.strip() == str(tmp_path / "mockserver")
    check([sys.executable, "-m", "mockserver"], environ)
