"""The command `mockserver`. Heavy imports happen inside the commands, so that each starts as fast as it can."""

from __future__ import annotations

import click

from mockserver.cli.offline import example, openapi, routes, validate
from mockserver.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="flagright-mockserver", prog_name="flagright-mockserver")
def main() -> None:
    """An unofficial sandbox of the Flagright user API: offline, deterministic, with state."""


for _command in (serve, openapi, routes, validate, example):
    main.add_command(_command)
