"""`mockserver serve`: the sandbox until Ctrl-C."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockserver.cli.browser import reachable, show_page
from mockserver.cli.ending import fail, release_output
from mockserver.config import SETTINGS, ConfigError, Settings, load

if TYPE_CHECKING:
    from mockserver.server import Server

F = TypeVar("F", bound=Callable[..., Any])


def _settings_as_flags(command: F) -> F:
    """Give a command a flag for each setting."""
    for setting in reversed(SETTINGS):
        text = f"{setting.help}  [default: {setting.default}; variable: {setting.variable}]"
        command = click.option(setting.flag, metavar=setting.metavar, help=text)(command)
    return command


@click.command()
@_settings_as_flags
@click.option("--open", "show", is_flag=True, help="Show the docs page in the browser; no variable, no default.")
def serve(show: bool, **flags: str | None) -> None:
    """Serve the sandbox until Ctrl-C.

    A flag beats a variable, a variable beats the default.
    """
    try:
        settings, notes = load(flags, os.environ)
    except ConfigError as error:
        fail(str(error), 2)
    for note in notes:
        click.echo(f"mockserver: {note}", err=True)

    gc.disable()  # a start makes what stays: collections would look through it in vain, 30 ms in all
    try:
        _serve(settings, show)
    finally:
        gc.enable()


def _serve(settings: Settings, show: bool) -> None:
    from mockserver.errors import MockserverError
    from mockserver.server import BindError, Server
    from mockserver.web.factory import application, threads

    try:
        app = application(settings)
    except MockserverError as error:
        fail(str(error), 2)
    try:
        app.extensions["mockserver"].store.ping()
    except MockserverError as error:  # it may come, and then all is well: an orchestrator asks /readyz
        click.echo(f"mockserver: {error}; answers are 503 until it is there", err=True)
    server = Server(app, settings.host, settings.port, settings.max_body_bytes, threads=threads(settings))
    try:
        server.bind()
    except BindError as error:
        fail(str(error), 1)

    docs = f"{reachable(server.host, server.url)}/docs"

    def settle() -> None:
        # What there is now stays to the end: no collection need look through it again, 30 ms each time.
        gc.freeze()
        gc.enable()

    def greet() -> None:
        settle()
        # Standard output holds JSON lines alone where those were asked for; and nobody may be listening at all.
        with contextlib.suppress(OSError, ValueError):
            click.echo(_banner(server.url, docs, settings), err=settings.log_format == "json")
        if show:
            show_page(docs)

    _stop_with_the_terminal(server)
    if settings.workers == 1:
        server.run(greet)
        release_output()
        return
    from mockserver.server.workers import Workers

    app.extensions["mockserver"].store.release()
    status = Workers(lambda: server.run(settle), settings.workers, _say).run(greet)
    release_output()
    sys.exit(status)


def _say(line: str) -> None:
    click.echo(f"mockserver: {line}", err=True)


def _stop_with_the_terminal(server: Server) -> None:
    """End as on SIGTERM when the terminal closes, unless it was asked to outlive it (nohup)."""
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # signals are the main thread's alone
            signal.signal(hang_up, lambda *_: server.stop())


def _banner(url: str, docs: str, settings: Settings) -> str:
    """Where it listens, how to try it, and what would surprise: a few lines for a person."""
    lines = [f"flagright-mockserver (unofficial) listens on {url}"]
    key = "ONE-OF-YOUR-API-KEYS" if settings.api_keys else "any"
    if settings.world == "documented":
        lines.append(f"  try: curl {url}/consumer/users/userId -H 'x-api-key: {key}'")
    else:
        lines.append(f"  try: curl {url}/openapi.json")
    lines.append(f"  docs: {docs}")
    if settings.admin == "on":
        lines.append(f"  controls: {url}/__admin/openapi.json")
    if settings.outcome == "example":
        lines.append(
            "  every answer carries the documentation's example results (a shadow rule that would BLOCK);"
            " --outcome clean hits no rule"
        )
    return "\n".join(lines)
