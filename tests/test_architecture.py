"""The architecture is kept: floors of modules, sizes of files, what may be imported where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import ROOT

PACKAGE = ROOT / "mockserver"
# Lowest first. A module imports from floors below its own, and from modules of its own folder.
FLOORS = [
    {"clock", "errors", "config"},
    {"contract"},
    {"world"},
    {"controls"},
    {"engine"},
    {"web"},
    {"server", "client"},
    {"cli", "pytest_plugin"},
]
ENTRANCE = "__main__"  # calls the command; nothing imports it
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def _part(module: Path) -> str:
    """The part a module belongs to: its folder, or its own name."""
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _floor(part: str) -> int:
    if part == ENTRANCE:
        return len(FLOORS)
    return next(level for level, parts in enumerate(FLOORS) if part in parts)


def _imports(module: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, functions included."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in ("mockserver", "mockserver.world"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(module: Path) -> None:
    """A module imports only from floors below its own and from its own folder."""
    own = _part(module)
    for name in _imports(module):
        if not name.startswith("mockserver."):
            continue
        part = name.split(".")[1]
        if part.startswith("__"):
            continue
        assert part == own or _floor(part) < _floor(own), f"{module.name} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_edge_knows_flask(module: Path) -> None:
    """Flask and Werkzeug are imported in mockserver/web and nowhere else, uvicorn in server.py alone."""
    roots = {name.split(".")[0] for name in _imports(module)}
    if _part(module) != "web":
        assert not roots & {"flask", "werkzeug"}
    if _part(module) != "server":
        assert not roots & {"uvicorn", "httptools", "asyncio"}


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(module: Path) -> None:
    """A module has at most 300 lines and is no drawer of odds and ends."""
    assert len(module.read_text().splitlines()) <= 300
    assert module.stem not in ("utils", "helpers", "common", "misc")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_code_names_no_operation(module: Path) -> None:
    """No code knows an operation by its name: what differs between them stands in the contract."""
    from tests.harness import contract

    strings = {node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)}
    for operation in contract().operations.built:
        assert operation.id not in strings, operation.id
        assert operation.path not in strings, operation.path


def test_importing_the_package_is_cheap() -> None:
    """Importing the package or its lowest modules loads neither Flask nor a validator nor the server."""
    code = (
        "import sys, mockserver, mockserver.config, mockserver.errors, mockserver.server, mockserver.cli;"
        "heavy = {'flask', 'jsonschema', 'jsonschema_rs', 'uvicorn', 'yaml', 'faker', 'requests'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_serving_does_not_load_the_reporter() -> None:
    """Starting the application and answering good requests imports neither jsonschema nor faker."""
    code = (
        "import sys; from tests.harness import made, NOW; api = made();"
        "loaded = {'jsonschema', 'faker'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(loaded)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
