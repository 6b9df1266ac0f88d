"""The command `mockserver`. Heavy imports happen inside the commands, so that each starts as fast as it can."""

from __future__ import annotations

import os
import signal

import click

from mockserver.cli.healthcheck import healthcheck
from mockserver.cli.offline import example, openapi, routes, validate
from mockserver.cli.serve import serve
from mockserver.cli.verdict import verdict


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="flagright-mockserver", prog_name="flagright-mockserver")
def main() -> None:
    """An unofficial sandbox of the Flagright user API: offline, deterministic, with state."""
    if os.getpid() == 1:
        # The first process of a container never gets a signal for which it has no handler: without this one, a stop
        # that comes while `serve` still loads is lost, and the engine kills after ten seconds.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


for _command in (serve, healthcheck, openapi, routes, validate, example, verdict):
    main.add_command(_command)
