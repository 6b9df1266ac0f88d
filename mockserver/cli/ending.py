"""How a command ends that cannot go on."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click


def fail(text: str, status: int) -> NoReturn:
    """End with clear lines on standard error."""
    for line in text.splitlines():
        click.echo(f"mockserver: {line}", err=True)
    sys.exit(status)


def release_output() -> None:
    """Let go of standard output that nobody takes any more (`| head`, a full disk), so that the exit is clean."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
