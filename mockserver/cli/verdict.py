"""`mockserver verdict`: what the client of a running sandbox got wrong, as a line for a person and a report for CI."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mockserver.cli.ending import fail, release_output
from mockserver.cli.findings import KINDS, Finding, findings, plain
from mockserver.cli.healthcheck import base_url, own_url
from mockserver.world.tenancy import DEFAULT

_MOST_WORLDS = 10  # named where the one that was asked for got no request


@click.command()
@click.option("--url", help="Base URL of the sandbox.  [default: where `serve` listens by the same variables]")
@click.option("--world", default=DEFAULT, show_default=True, help="The world to judge.")
@click.option(
    "--token", envvar="MOCKSERVER_ADMIN_TOKEN", help="The admin token, if any.  [variable: MOCKSERVER_ADMIN_TOKEN]"
)
@click.option("--junit", "report", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON, as the server gave it.")
@click.option("--ignore", multiple=True, type=click.Choice([*KINDS]), help="A kind that shall not count; repeatable.")
def verdict(
    url: str | None, world: str, token: str | None, report: Path | None, as_json: bool, ignore: tuple[str, ...]
) -> None:
    """Judge what a sandbox was sent: exit 0 when it is clean, 1 when not, 2 when it cannot be asked.

    Prints each violation, warning and unmatched request once, with how often and the first of its kind, and then
    what the client has met: operations with statuses, outcomes, and the operations that it never used.
    """
    base = base_url(url if url is not None else own_url()).geturl()
    body = _asked(base, _sendable(world), _credential(token))
    found = findings(body, ignore)
    unwritable = _write(report, body, found) if report is not None else ""
    clean = all(finding.ignored for finding in found)
    try:
        # Standard output may have been closed: then there is none.
        colour = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        text = json.dumps(body) if as_json else _text(base, body, found, clean, colour)
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding), color=colour)
    except OSError:  # `| head` has seen enough, or the disk is full; what was found counts all the same
        release_output()
    if unwritable:
        fail(unwritable, 2)
    sys.exit(0 if clean else 1)


def _sendable(world: str) -> str:
    try:
        world.encode()
    except UnicodeEncodeError:
        fail("--world: is not UTF-8", 2)
    return world if world.strip() else fail("--world: is blank", 2)


def _credential(token: str | None) -> str | None:
    """The token; None where there is none, by the same word as with `serve`."""
    if not token or token == "none":  # noqa: S105 - the word for no token
        return None
    return token if token.isascii() and token.isprintable() else fail("--token: only ASCII can be sent", 2)


def _asked(base: str, world: str, token: str | None) -> Mapping[str, Any]:
    """The body of the verdict; ends the command where there is none, with a line that says why."""
    from mockserver.client.admin import AdminClient, AdminError, FlagrightMockError

    client = AdminClient(base, token)
    try:
        try:
            body: Mapping[str, Any] = client.call("GET", "/verdict", world=world, query=[("full", "true")])
            if not _is_verdict(body):
                client.health()  # says what else it is
                fail(f"the server at {base} gave no verdict: {_refusal(body)}", 2)
        except AdminError as error:
            if error.status == 401:
                told = "another token than this one" if token else "a token"
                fail(f"the admin API at {base} asks for {told}: give --token or MOCKSERVER_ADMIN_TOKEN", 2)
            client.health()
            fail(f"the server at {base} gave no verdict: {plain(error.detail)}", 2)
        except ValueError:  # no JSON at all
            client.health()
            fail(f"the server at {base} gave no verdict", 2)
        if not body["counts"]["requests"]:
            _warn(world, [entry["name"] for entry in client.call("GET", "/worlds")["worlds"]])
    except FlagrightMockError as error:
        fail(plain(str(error)), 2)
    finally:
        client.close()
    return body


def _is_verdict(body: Any) -> bool:
    return isinstance(body, dict) and {"world", "counts", "met", *KINDS} <= body.keys()


def _refusal(body: Any) -> str:
    told = body.get("detail") if isinstance(body, dict) else None
    return plain(str(told or "its answer is not understood"))


def _warn(world: str, worlds: Sequence[str]) -> None:
    """A world that got no request is clean, and may be a misspelt one."""
    named = ", ".join(plain(name) for name in worlds[:_MOST_WORLDS]) or "none"
    more = f" and {len(worlds) - _MOST_WORLDS} more" if len(worlds) > _MOST_WORLDS else ""
    click.echo(f"mockserver: no request came to the world {plain(world)!r}; worlds there are: {named}{more}", err=True)


def _write(report: Path, body: Mapping[str, Any], found: Sequence[Finding]) -> str:
    """Write the JUnit report; why that was not possible, or nothing."""
    from mockserver.cli.junit import junit, write_whole

    try:
        write_whole(report, junit(body, found))
    except OSError as error:
        return f"--junit: cannot write {plain(str(report))}: {(error.strerror or str(error)).lower()}"
    return ""


def _text(base: str, body: Mapping[str, Any], found: Sequence[Finding], clean: bool, colour: bool) -> str:
    """The verdict for a person: the result, each finding, and what was met."""

    def styled(text: str, **style: Any) -> str:
        return click.style(text, **style) if colour else text

    counts, met = body["counts"], body["met"]
    told = ", ".join(f"{name} {counts[name]}" for name in ("requests", *KINDS))
    result = styled("clean", fg="green", bold=True) if clean else styled("not clean", fg="red", bold=True)
    lines = [f"{result}: world {plain(body['world'])} at {base}: {told}"]
    for kind in KINDS:
        of_kind = [finding for finding in found if finding.kind == kind]
        if of_kind:
            head = f"{kind} (ignored)" if of_kind[0].ignored else kind
            lines += ["", styled(head, bold=True), *map(_line, of_kind)]
    operations = {plain(name): statuses for name, statuses in met["operations"].items()}
    width = max(map(len, operations), default=0)
    lines += ["", styled("met", bold=True)]
    lines += [f"  {name.ljust(width)}  {_times(statuses)}" for name, statuses in operations.items()]
    lines += [f"  outcomes: {_times(met['outcomes']) or 'none'}"]
    lines += [f"  never: {plain(', '.join(met['missing'])) or 'no operation'}"]
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    if not finding.requests:
        return f"  {finding.text}"
    example = f" ({finding.example})" if finding.example else ""
    return f"  {len(finding.requests)}x {finding.text}{example}; first: {finding.requests[0]}"


def _times(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{plain(name)} x {number}" for name, number in counted.items())
