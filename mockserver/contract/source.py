"""Where the contract lies on disk, and how its files are read."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from mockserver.errors import ContractError


@cache
def data_root() -> Path:
    """The folder that holds `schemas/` and `fixtures/`.

    In a wheel it is the package itself, in an editable install the folder above it.
    Raises ContractError naming both when neither has them.
    """
    package = Path(str(files("mockserver")))
    candidates = (package, package.parent)
    for folder in candidates:
        if (folder / "schemas" / "openapi.yaml").is_file() and (folder / "fixtures").is_dir():
            return folder
    places = " nor ".join(str(folder) for folder in candidates)
    raise ContractError(f"schemas/ and fixtures/ are neither in {places}")


def read_json(path: Path) -> Any:
    """The JSON of a file; raises ContractError naming the file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ContractError(f"{path}: not JSON: {error}") from error


def read_yaml(path: Path) -> Any:
    """The YAML of a file, by the C loader where there is one; raises ContractError naming the file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - a safe loader, C or Python
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: not YAML: {error}") from error


def read_folder(folder: Path) -> dict[str, Any]:
    """The JSON files of a folder by their names without `.json`, in the order of the names."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}
