"""Ours, its peers and the limit, in one run and in turns, so that drift of the machine meets all of them alike."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.bodies import Operation, operations
from benchmarks.contenders import Contender, Running, prepare, running
from benchmarks.load import Measured, measure
from benchmarks.machine import resident_mb
from mockserver.contract import Contract
from mockserver.contract.openapi import bundled_document


@dataclass
class Figures:
    """What was measured of one contender: by operation the turns, and seconds and MB of its processes."""

    contender: Contender
    turns: dict[str, list[Measured]] = field(default_factory=lambda: defaultdict(list))
    starts: list[float] = field(default_factory=list)
    idle_mb: float = 0.0
    loaded_mb: float = 0.0

    def cpu(self, operation: str) -> tuple[float, float, float]:
        """Median, least and most microseconds of server CPU a request."""
        values = [turn.cpu_us for turn in self.turns[operation]]
        return median(values), min(values), max(values)

    def rate(self, operation: str) -> float:
        """Median requests a second."""
        return median(turn.rate for turn in self.turns[operation])

    def p99(self, operation: str) -> float:
        """Median of the turns' 99th percentiles, in milliseconds."""
        return median(turn.p99_ms for turn in self.turns[operation])

    def data(self) -> dict[str, object]:
        """Everything, for the results' JSON."""
        turns = {name: [asdict(turn) for turn in found] for name, found in self.turns.items()}
        facts = {"name": self.contender.name, "version": self.contender.version}
        return {**facts, "starts": self.starts, "idle_mb": self.idle_mb, "loaded_mb": self.loaded_mb, "turns": turns}


@contextmanager
def document_file() -> Iterator[Path]:
    """Our own OpenAPI document, as a file that a peer can read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.json"
        path.write_text(json.dumps(bundled_document(Contract())))
        yield path


def compare(
    contenders: Sequence[Contender], *, turns: int, seconds: int, warm: int, starts: int, chosen: Sequence[str] = ()
) -> list[Figures]:
    """Measure every contender. All of them live through the whole run, and take turns within each operation."""
    found = [Figures(contender) for contender in contenders]
    kinds = [operation for operation in operations() if not chosen or operation.name in chosen]
    with document_file() as document, ExitStack() as servers:
        for figures in found:
            for _ in range(starts - 1):
                with running(figures.contender, document) as server:
                    figures.starts.append(server.started)
        live = [(figures, servers.enter_context(running(figures.contender, document))) for figures in found]
        for figures, server in live:
            figures.starts.append(server.started)
            figures.idle_mb = resident_mb(server.pid)
            prepare(server)
            for operation in kinds:
                measure(server.url, server.pid, operation, seconds=warm, first=900_000_000, warming=True)
        for turn in range(turns):
            for operation in kinds:
                _take_turns(live, operation, turn, seconds)
        for figures, server in live:
            figures.loaded_mb = resident_mb(server.pid)
    return found


def _take_turns(live: Sequence[tuple[Figures, Running]], operation: Operation, turn: int, seconds: int) -> None:
    """One turn of each contender; another one begins each time."""
    start = turn % len(live)
    for figures, server in [*live[start:], *live[:start]]:
        first = turn * 1_000_000  # every user is a new one
        figures.turns[operation.name].append(measure(server.url, server.pid, operation, seconds=seconds, first=first))
