"""`python -m benchmarks peers | steps | growth | check`; `make bench`, `make bench-growth` and so on call it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from benchmarks.machine import Missing, Unfit, description, require


def run_peers(quick: bool) -> int:
    """Ours, the peers and the limit; then the steps of the straight line. Writes benchmarks/results and the README."""
    require("wrk", "node", "npm")
    from benchmarks.check import RATIOS, ratios
    from benchmarks.contenders import ROOT, limit, ours, peers
    from benchmarks.peers import compare
    from benchmarks.report import RESULTS, chart, comparison, put_into

    turns, seconds, starts = (3, 1, 1) if quick else (5, 3, 5)
    found = compare([ours(), *peers(), limit()], turns=turns, seconds=seconds, warm=5, starts=starts)
    text = comparison(found, turns=turns, seconds=seconds)
    print(text)
    if quick:
        return 0
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.md").write_text(text)
    (RESULTS / "peers.svg").write_text(chart(found))
    data = {"machine": description(), "contenders": [figures.data() for figures in found]}
    (RESULTS / "peers.json").write_text(json.dumps(data, indent=1) + "\n")
    RATIOS.write_text(json.dumps(ratios([found[0], found[-1]])) + "\n")
    put_into(ROOT / "README.md", "bench", f"![CPU a request](benchmarks/results/peers.svg)\n\n{text}")
    return 0


def run_steps(quick: bool) -> int:
    """What each step of the straight line costs, in process."""
    from benchmarks.contenders import ROOT
    from benchmarks.report import put_into
    from benchmarks.steps import report

    text = report(turns=5 if quick else 15)
    print(text)
    if not quick:
        put_into(ROOT / "docs" / "performance.md", "steps", text)
    return 0


def run_growth(quick: bool) -> int:
    """Users, connections, bodies and worlds, from few to many."""
    require("wrk")
    from benchmarks.growth import report
    from benchmarks.report import RESULTS

    text = report(quick=quick)
    print(text)
    if not quick:
        (RESULTS / "growth.md").write_text(text)
    return 0


def run_check(_: bool) -> int:
    """Fail when a request costs twice what is recorded, against the raw application."""
    require("wrk")
    from benchmarks.check import check

    problems = check()
    for problem in problems:
        print(f"too slow: {problem}", file=sys.stderr)
    if problems:
        run_steps(quick=True)
    return 1 if problems else 0


COMMANDS: dict[str, Callable[[bool], int]] = {
    "peers": run_peers,
    "steps": run_steps,
    "growth": run_growth,
    "check": run_check,
}


def main() -> int:
    """Run one of the commands; 2 where something is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--quick", action="store_true", help="a look only: shorter, and nothing is written")
    asked = parser.parse_args()
    try:
        return COMMANDS[asked.command](asked.quick)
    except Missing as missing:
        print(f"missing:\n{missing}", file=sys.stderr)
        return 2
    except Unfit as unfit:
        print(f"cannot be measured: {unfit}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
