"""`mockserver healthcheck`: whether a sandbox answers. It is the image's HEALTHCHECK, so the image needs no curl."""

from __future__ import annotations

import json
import os
import re
import time
from urllib.parse import SplitResult, urlsplit

import click

from mockserver.cli.ending import fail
from mockserver.config import PREFIX, ConfigError, load

PATIENCE = 2.0  # seconds for one look; the image's HEALTHCHECK allows 3 for the whole command
PAUSE = 0.1  # seconds between two looks
LARGEST = 65536  # bytes of an answer that are read: whoever sends more is not a sandbox
# Listening on all addresses is no address to ask; the machine's own is among them.
_OWN = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it here


@click.command()
@click.option("--url", help="Base URL of the sandbox.  [default: where `serve` listens by the same variables]")
@click.option(
    "--wait", type=click.FloatRange(0, 86400), default=0, metavar="SECONDS", help="Ask until it is ready, so long."
)
def healthcheck(url: str | None, wait: float) -> None:
    """Ask a sandbox whether it is ready: exit 0 when it is, 1 when not.

    With --wait it asks again and again, and says why not when the time is over.
    """
    if wait != wait:  # NaN, which click's range lets through and which never passes
        fail("--wait: nan is not a number of seconds", 2)
    asked = base_url(url if url is not None else own_url())
    until = time.monotonic() + wait
    while True:
        left = until - time.monotonic()
        trouble = _trouble(asked, min(PATIENCE, max(left, PAUSE)) if wait else PATIENCE)
        if trouble is None:
            click.echo(f"{asked.geturl()} is ready")
            return
        if time.monotonic() + PAUSE >= until:
            break
        time.sleep(PAUSE)
    fail(f"{asked.geturl()} is not ready{f' after {wait:g} s' if wait else ''}: {trouble}", 1)


def own_url() -> str:
    """The URL at which `serve` would listen with these variables; ends the command where there is none."""
    # The other settings are not its concern; Kubernetes' variables are left out as `serve` leaves them out.
    mine = {name: os.environ[name] for name in (f"{PREFIX}HOST", f"{PREFIX}PORT") if name in os.environ}
    try:
        settings, _ = load({}, mine)
    except ConfigError as error:
        fail(str(error), 2)
    if settings.port == 0:
        fail(f"{PREFIX}PORT is 0, which picks a free port: say which by --url", 2)
    host = _OWN.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def base_url(url: str) -> SplitResult:
    """Take a base URL apart, without the slash at its end; ends the command where it is none."""
    shown = re.sub(r"//.*@", "//...@", url)[:100]  # a password that someone put there stays out of the job's log
    wrong = f"--url: {json.dumps(shown)} must be as http://127.0.0.1:4080, without user and query"
    try:
        parts = urlsplit(url.rstrip("/"))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that stays open
        fail(wrong, 2)
    if not usable or parts.username is not None or parts.query or parts.fragment:
        fail(wrong, 2)
    return parts


def _trouble(url: SplitResult, patience: float) -> str | None:
    """Ask once, for `patience` seconds: None when it is ready, else why it is not, in a few words."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL

    make = HTTPSConnection if url.scheme == "https" else HTTPConnection
    try:
        connection = make(url.hostname or "", url.port, timeout=patience)
        try:
            connection.request("GET", f"{url.path}/readyz", headers={"connection": "close"})
            answer = connection.getresponse()
            raw = answer.read(LARGEST)
        finally:
            connection.close()
    except InvalidURL:
        return "that host or path holds what no URL may hold"
    except HTTPException as error:
        return f"what listens there does not speak HTTP ({type(error).__name__})"
    except OSError as error:
        return (error.strerror or str(error) or type(error).__name__).lower()
    except ValueError:  # a host name that cannot even be encoded
        return "that host name cannot be resolved"
    if answer.status != 200:
        return f"/readyz answered {answer.status}"
    return None if _says_ready(raw) else "something else than a sandbox answers there"


def _says_ready(raw: bytes) -> bool:
    """Whether a body is that of a /readyz which is ready."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("status") == "ready"
