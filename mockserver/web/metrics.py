"""The figures for Prometheus, from the counts that the worlds' journals keep; labels are operation and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mockserver.world.store import Store
from mockserver.world.tags import read_tag


class _Worlds(Collector):
    """Reads the store when Prometheus asks: nothing is counted twice, and no registry is shared."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The metrics, as of now."""
        names = self._store.worlds()
        counts: Counter[tuple[str, str]] = Counter()
        for name in names:
            for tag, count in self._store.journal(name).counts.items():
                counted = read_tag(tag)
                counts[counted.operation, str(counted.status)] += count
        requests = CounterMetricFamily(
            "mockserver_requests",
            "Requests since the worlds' last reset, by operation and status.",
            labels=["operation", "status"],
        )
        for labels, count in sorted(counts.items()):
            requests.add_metric(labels, count)
        yield requests
        yield GaugeMetricFamily("mockserver_worlds", "Worlds that there are.", value=len(names))


def exposition(store: Store) -> tuple[bytes, str]:
    """The metrics as Prometheus reads them, and their content type."""
    registry = CollectorRegistry()
    registry.register(_Worlds(store))
    return generate_latest(registry), CONTENT_TYPE_LATEST
