"""Has a request become dear? Ours against the limit, in one run: a ratio, so that no machine is too slow for it."""

from __future__ import annotations

import json

from benchmarks.bodies import operations
from benchmarks.contenders import limit, ours
from benchmarks.peers import Figures, compare
from benchmarks.report import RESULTS

RATIOS = RESULTS / "ratios.json"
_ALLOWED = 2.0  # times the recorded ratio


def ratios(found: list[Figures]) -> dict[str, float]:
    """Ours over the limit, by operation: the cheapest turn of each, which others disturb least."""
    own, raw = found
    return {kind.name: round(own.cpu(kind.name)[1] / raw.cpu(kind.name)[1], 2) for kind in operations()}


def check() -> list[str]:
    """Measure for some twenty seconds; a line for each operation that costs twice what is recorded."""
    recorded = json.loads(RATIOS.read_text())
    now = ratios(compare([ours(), limit()], turns=3, seconds=1, warm=1, starts=1))
    print("ours over a raw WSGI application:", ", ".join(f"{name} {ratio:.2f}" for name, ratio in now.items()))
    return [
        f"{name}: {ratio:.2f} times the raw application, recorded are {recorded[name]:.2f}"
        for name, ratio in now.items()
        if ratio > _ALLOWED * recorded[name]
    ]
