"""The tables of docs/pytest.md, made of the plugin's own."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Any

from mockserver import pytest_plugin
from mockserver.client import FlagrightMock
from mockserver.pytest_plugin.options import INI_OPTIONS


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def fixtures_table() -> str:
    """The fixtures and what they are."""
    lines = ["| fixture | is |", "|---|---|"]
    for name in ("flagright_mock", "flagright_mock_server"):
        lines.append(f"| `{name}` | {_first_line(getattr(pytest_plugin, name).__doc__)} |")
    return "\n".join(lines) + "\n"


def handle_table() -> str:
    """What the handle has, in the order of its source."""
    lines = [
        "| name | does |",
        "|---|---|",
        "| `url`, `api_key`, `headers`, `world` | Where the sandbox is, its key (also as headers), its name. |",
        "| `admin` | The admin API as `AdminClient`; `admin.call(method, path, body, world=...)` asks for anything. |",
    ]
    for name, member in vars(FlagrightMock).items():
        if not name.startswith("_"):
            lines.append(f"| `{name}{_signature(member)}` | {_first_line(member.__doc__)} |")
    return "\n".join(lines) + "\n"


def _signature(member: Any) -> str:
    if isinstance(member, cached_property | property):
        return ""
    parameters = list(inspect.signature(member).parameters.values())[1:]
    shown = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
    return str(inspect.Signature(shown)).replace("|", "\\|")


def ini_table() -> str:
    """The ini options, and which are the marker's arguments too."""
    lines = ["| ini option | marker | default | |", "|---|---|---|---|"]
    for option in INI_OPTIONS:
        values = f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
        marks = f"`{option.name}=`" if option.marks else ""
        default = f"`{option.default}`" if option.default else ""
        lines.append(f"| `{option.ini}` | {marks} | {default} | {option.help}{values} |")
    return "\n".join(lines) + "\n"


TABLES = {"fixtures": fixtures_table, "handle": handle_table, "ini-options": ini_table}
