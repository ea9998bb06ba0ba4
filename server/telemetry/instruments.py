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
"""Upper bounds of histogram buckets, in seconds, for one command of a device, or for the encoding of one window (a
stretch of sound rendered at once).
"""


def counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    """Create and register the Prometheus counter `melisma_<name>` with help `text`."""
    return Counter(f"melisma_{name}", text, labels, registry=registry)


def histogram(registry: CollectorRegistry, name: str, text: str, bounds: Sequence[float], *labels: str) -> Histogram:
    """Create and register the Prometheus histogram `melisma_<name>` with help `text`; `bounds` are the upper bounds of
    its buckets.
    """
    return Histogram(f"melisma_{name}", text, labels, registry=registry, buckets=bounds)


def by_labels(metric: MetricT) -> Callable[..., MetricT]:
    """Return a function from label values to the series of a metric. The function caches the series, which is faster
    than the library's own lookup.
    """
    return functools.cache(metric.labels)


def exemplar(trace_id: str) -> dict[str, str] | None:
    """Return the exemplar labels that link a sample to a trace; `None` for an empty `trace_id`."""
    return {"trace_id": trace_id} if trace_id else None


class Scraped(Collector):
    """A Prometheus collector that calls a function at every scrape, which returns the metrics with their present
    values.
    """

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterator[Metric]:
        return self._families()


def counter_family(
    name: str, text: str, labels: Sequence[str], values: Mapping[LabelValues, float]
) -> CounterMetricFamily:
    """Create the counter `melisma_<name>_total` with one sample for each item of `values`, whose keys are label
    values.
    """
    family = CounterMetricFamily(f"melisma_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge_family(name: str, text: str, labels: Sequence[str], values: Mapping[LabelValues, float]) -> GaugeMetricFamily:
    """Create the gauge `melisma_<name>` with one sample for each item of `values`, whose keys are label values."""
    family = GaugeMetricFamily(f"melisma_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
