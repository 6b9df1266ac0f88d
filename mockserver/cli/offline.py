"""The commands over the contract alone, no server needed: openapi, routes, validate, example."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.ending import fail
from mockserver.config import Settings

if TYPE_CHECKING:
    from mockserver.contract import Contract
    from mockserver.contract.operations import Operation

_PROFILES = click.Choice(["pages", "strict"])


@click.command()
@click.option("--validation", type=_PROFILES, default="pages", show_default=True, help="The profile to show.")
def openapi(validation: str) -> None:
    """Print the contract as one OpenAPI 3.1 document."""
    from mockserver.contract.openapi import bundled_document

    click.echo(json.dumps(bundled_document(_contract(), profile=validation), indent=2, ensure_ascii=False))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def routes(as_json: bool) -> None:
    """List the operations, with how well each is known."""
    operations = _contract().operations
    rows = [(entry.method, entry.path, entry.id, entry.sdk_name, entry.evidence) for entry in operations.built]
    names = ("method", "path", "operation", "sdk", "evidence")
    if as_json:
        for row in rows:
            click.echo(json.dumps(dict(zip(names, row, strict=True))))
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@click.command()
@click.argument("operation")
@click.argument("file", type=click.File("rb"))
@click.option("--validation", type=_PROFILES, default="pages", show_default=True, help="The profile to check against.")
def validate(operation: str, file: Any, validation: str) -> None:
    """Check a payload against an operation's body, offline; FILE may be - for standard input.

    Prints every violation and exits with 1 where there is one. Warnings are printed and do not count.
    """
    from mockserver.contract.parse import parse_body
    from mockserver.errors import ApiError

    contract = _contract()
    found = _operation(contract, operation)
    if found.request is None:
        fail(f"{found.id} takes no body", 2)
    raw = file.read()
    try:
        body = parse_body(raw, size=len(raw), largest=sys.maxsize, deepest=Settings().max_depth)
    except ApiError as error:
        fail(error.message, 1)
    strict = validation == "strict"
    violations, notices = contract.check(found, strict=strict).check(body)
    for index, record in enumerate(body["data"] if found.each and not violations else ()):
        refused, noted = contract.check_each(found, strict=strict).check(record)
        violations += [replace(entry, pointer=f"/data/{index}{entry.pointer}") for entry in refused]
        notices += [replace(entry, pointer=f"/data/{index}{entry.pointer}") for entry in noted]
    for notice in notices:
        click.echo(f"warning: {notice.line}", err=True)
    for violation in violations:
        click.echo(violation.line)
    if violations:
        sys.exit(1)
    click.echo(f"valid: a body of {found.id} ({validation})")


@click.command()
@click.argument("operation")
@click.option("--request", is_flag=True, help="The example of the request instead of the answer.")
@click.option(
    "--answers",
    type=click.Choice(["example", "generated"]),
    default="example",
    show_default=True,
    help="The documented body, or seeded variants as JSON lines.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="What variants are drawn from.")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many variants.")
def example(operation: str, request: bool, answers: str, seed: int, count: int) -> None:
    """Print an operation's example answer, or generated ones, one JSON object a line.

    The ids of generated ones are generated-1, generated-2, ...; the same seed gives the same lines everywhere.
    """
    contract = _contract()
    found = _operation(contract, operation)
    if answers == "generated":
        if request:
            fail("--request goes with --answers example", 2)
        _print_variants(contract, found, seed, count)
        return
    body = found.example_request if request else found.example
    if body is None:
        fail(f"{found.id} takes no body", 2)
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))


def _print_variants(contract: Contract, operation: Operation, seed: int, count: int) -> None:
    """Write JSON lines to standard output, with a progress bar on standard error where that is a terminal."""
    from mockserver.contract.parse import json_bytes
    from mockserver.world.variants import Variants

    variants = Variants(contract)
    lines = sys.stdout.buffer
    # A bar among lines that stand in the same terminal would be neither.
    hidden = count == 1 or sys.stdout.isatty() or not sys.stderr.isatty()
    try:
        with click.progressbar(range(1, count + 1), file=sys.stderr, hidden=hidden) as numbers:
            for number in numbers:
                lines.write(json_bytes(variants.body(operation, seed, f"generated-{number}")) + b"\n")
        lines.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _contract() -> Contract:
    from mockserver.contract import Contract
    from mockserver.errors import ContractError

    try:
        return Contract()
    except ContractError as error:
        fail(str(error), 2)


def _operation(contract: Contract, name: str) -> Operation:
    try:
        return contract.operations.find(name)
    except KeyError as error:
        fail(error.args[0], 2)
