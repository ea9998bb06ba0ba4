"""Creates Prometheus counters, histograms and gauges with the server's prefix `melisma_`."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

LabelValues: TypeAlias = tuple[str, ...]
MetricT = TypeVar("MetricT", Counter, Histogram)

WORK_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
"""Bucket bounds in seconds for one command of a device, or one window of an encoder."""


def counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    """Register the counter `melisma_<name>`."""
    return Counter(f"melisma_{name}", text, labels, registry=registry)


def histogram(registry: CollectorRegistry, name: str, text: str, bounds: Sequence[float], *labels: str) -> Histogram:
    """Register the histogram `melisma_<name>`; `bounds` are the upper bounds of its buckets."""
    return Histogram(f"melisma_{name}", text, labels, registry=registry, buckets=bounds)


def by_labels(metric: MetricT) -> Callable[..., MetricT]:
    """Return a function that looks up the metric series for label values in a cache, which is faster than the library's
    own lookup.
    """
    return functools.cache(metric.labels)


def exemplar(trace_id: str) -> dict[str, str] | None:
    """Return the exemplar that links a sample to a trace; `None` for an empty `trace_id`."""
    return {"trace_id": trace_id} if trace_id else None


class Scraped(Collector):
    """A Prometheus collector whose metric families are computed at each scrape."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterator[Metric]:
        return self._families()


def counter_family(
    name: str, text: str, labels: Sequence[str], values: Mapping[LabelValues, float]
) -> CounterMetricFamily:
    """Return a family of counters `melisma_<name>_total`, with one sample for each key of `values`."""
    family = CounterMetricFamily(f"melisma_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge_family(name: str, text: str, labels: Sequence[str], values: Mapping[LabelValues, float]) -> GaugeMetricFamily:
    """Return a family of gauges `melisma_<name>`, with one sample for each key of `values`."""
    family = GaugeMetricFamily(f"melisma_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
