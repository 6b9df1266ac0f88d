"""What was measured, as a table in Markdown and as a chart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from statistics import median

from benchmarks.bodies import operations
from benchmarks.machine import description
from benchmarks.peers import Figures

RESULTS = Path(__file__).parent / "results"
_COLOURS = {"post": "#2f6fab", "get": "#7fb3d5", "event": "#c98b2b"}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the head, as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def comparison(found: Sequence[Figures], *, turns: int, seconds: int) -> str:
    """The README's section: who, what it does, what a request costs it."""
    kinds = operations()
    rows = [
        [
            "", "validates", "keeps state", *[f"CPU us: {kind.title}" for kind in kinds],
            *[f"requests/s: {kind.title}" for kind in kinds], "p99 ms: POST", "start", "RSS idle / after",
        ]
    ]  # fmt: skip
    for figures in found:
        contender = figures.contender
        rows.append(
            [
                f"{contender.name} {contender.version}",
                "yes" if contender.validates else "no",
                "yes" if contender.keeps else "no",
                *["{:.0f} ({:.0f} to {:.0f})".format(*figures.cpu(kind.name)) for kind in kinds],
                *[f"{figures.rate(kind.name):.0f}" for kind in kinds],
                f"{figures.p99('post'):.1f}",
                f"{median(figures.starts):.2f} s",
                f"{figures.idle_mb:.0f} / {figures.loaded_mb:.0f} MB",
            ]
        )
    foreign = [turn.foreign for figures in found for each in figures.turns.values() for turn in each]
    return (
        table(rows)
        + f"\nThe server's own CPU (user and system) a request, median of {turns} turns of {seconds} s (least to most),"
        " in turns; server on one core, wrk with 8 connections on the other. Each POST stores a new user of 1.8 kB, so"
        " that what is left in memory afterwards is state, where there is any. Ours runs with its default settings,"
        " journal and request log included; the peers without their logs.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {description()}; others used {median(foreign):.0%} of the machine"
        f" (at most {max(foreign):.0%}).\n"
    )


def chart(found: Sequence[Figures]) -> str:
    """CPU a request as bars, an SVG of its own: a bar is the median, a line through its end the spread."""
    kinds = operations()
    left, bar, gap, width = 190, 14, 18, 760
    most = max(figures.cpu(kind.name)[2] for figures in found for kind in kinds)
    scale = (width - left - 60) / most
    parts: list[str] = []
    y = 50
    for figures in found:
        middle = y + bar * len(kinds) / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{escape(figures.contender.name)}</text>')
        for kind in kinds:
            value, least, top = figures.cpu(kind.name)
            end, line = left + value * scale, y + bar / 2 - 1
            parts.append(
                f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="{bar - 2}" fill="{_COLOURS[kind.name]}"/>'
                f'<path d="M{left + least * scale:.1f} {line}H{left + top * scale:.1f}" stroke="#333"/>'
                f'<text x="{max(end, left + top * scale) + 5:.1f}" y="{y + bar - 3}">{value:.0f}</text>'
            )
            y += bar
        y += gap
    for number, kind in enumerate(kinds):
        x = left + number * 150
        parts.append(f'<rect x="{x}" y="26" width="10" height="10" fill="{_COLOURS[kind.name]}"/>')
        parts.append(f'<text x="{x + 15}" y="35">{kind.title}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{y}" fill="#fff"/>'
        f'<text x="8" y="18" font-size="14">Server CPU a request, microseconds (less is better)</text>'
        f"{''.join(parts)}</svg>\n"
    )


def put_into(page: Path, name: str, text: str) -> bool:
    """Put the section between the page's `<!-- NAME: ... -->` and `<!-- /NAME -->`; False where it has none."""
    old = page.read_text() if page.exists() else ""
    block = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    new, count = block.subn(lambda found: found[1] + text + found[2], old)
    if count:
        page.write_text(new)
    return bool(count)
