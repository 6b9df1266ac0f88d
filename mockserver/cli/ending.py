"""How a command ends that cannot go on."""

from __future__ import annotations

import sys
from typing import NoReturn

import click


def fail(text: str, status: int) -> NoReturn:
    """End with clear lines on standard error."""
    for line in text.splitlines():
        click.echo(f"mockserver: {line}", err=True)
    sys.exit(status)
