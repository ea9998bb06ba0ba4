"""Sends the Prometheus metrics to an OpenTelemetry collector by OTLP, as an alternative to scrapes."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family

from server.background import in_background
from server.telemetry.traces.tracing import InvalidTelemetry, otlp_exporter, service_resource
from server.version import VERSION

LAST_SECONDS = 3.0
"""Longest wait in seconds for the collector when the server ends."""
_CUMULATIVE = AggregationTemporality.CUMULATIVE

_log = logging.getLogger(__name__)


@asynccontextmanager
async def metrics_sent(
    registry: CollectorRegistry, exporter: str, protocol: str, interval_seconds: float
) -> AsyncIterator[None]:
    """Context manager in which all metrics of `registry` are sent to the collector every `interval_seconds`, and once
    more at its end.

    Raises:
        InvalidTelemetry: the exporter or the protocol is not known.
    """
    sender = metric_exporter(exporter, protocol)
    if sender is None:
        yield
        return
    began_ns = time.time_ns()

    async def send() -> None:
        # Metrics are read on the event loop, as for a scrape; a thread waits for the collector.
        data = metrics_data(registry, began_ns, time.time_ns())
        if await asyncio.to_thread(sender.export, data) is not MetricExportResult.SUCCESS:
            _log.warning("the OpenTelemetry collector did not accept the metrics: check OTEL_EXPORTER_OTLP_ENDPOINT")

    async def send_again_and_again() -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            await send()

    try:
        async with in_background(send_again_and_again()):
            yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await send()
        sender.shutdown(timeout_millis=0)


def metric_exporter(exporter: str, protocol: str) -> MetricExporter | None:
    """Return the metric exporter named by OTEL_METRICS_EXPORTER: that of OTLP for "otlp"; `None` for "none" and
    "prometheus". Raises InvalidTelemetry for other names.
    """
    if exporter in ("none", "prometheus", ""):
        return None
    if exporter != "otlp":
        raise InvalidTelemetry(
            f"OTEL_METRICS_EXPORTER={exporter} is not supported: set it to otlp or none; /metrics is always served"
        )
    found: MetricExporter = otlp_exporter(protocol, "metric_exporter", "OTLPMetricExporter")
    return found


def metrics_data(registry: CollectorRegistry, began_ns: int, now_ns: int) -> MetricsData:
    """Return all metrics of a Prometheus registry as OTLP data, with counters that began at `began_ns` (nanoseconds
    since 1970).
    """
    families = registry.collect()
    metrics = [Metric(one.name, one.documentation, "", _points(one, began_ns, now_ns)) for one in families]
    scope = ScopeMetrics(InstrumentationScope("melisma", VERSION), metrics, "")
    return MetricsData([ResourceMetrics(service_resource(), [scope], "")])


def _points(family: Family, began_ns: int, now_ns: int) -> Sum | Gauge | Histogram:
    match family.type:
        case "counter":
            samples = (one for one in family.samples if one.name.endswith("_total"))
            return Sum([NumberDataPoint(one.labels, began_ns, now_ns, one.value) for one in samples], _CUMULATIVE, True)
        case "histogram":
            return Histogram(list(_distributions(family, began_ns, now_ns)), _CUMULATIVE)
        case _:
            return Gauge([NumberDataPoint(one.labels, 0, now_ns, one.value) for one in family.samples])


def _distributions(family: Family, began_ns: int, now_ns: int) -> Iterator[HistogramDataPoint]:
    unknown: Any = None  # Prometheus histograms have no minimum and maximum
    for labels, samples in _by_labels(family):
        buckets = sorted((float(one.labels["le"]), int(one.value)) for one in samples if "le" in one.labels)
        total = next(one.value for one in samples if one.name.endswith("_sum"))
        counts = [after - before for before, after in pairwise([0, *(count for _, count in buckets)])]
        bounds = [bound for bound, _ in buckets[:-1]]
        yield HistogramDataPoint(labels, began_ns, now_ns, buckets[-1][1], total, counts, bounds, unknown, unknown)


def _by_labels(family: Family) -> Iterable[tuple[dict[str, str], list[Any]]]:
    found: defaultdict[frozenset[tuple[str, str]], list[Any]] = defaultdict(list)
    for sample in family.samples:
        found[frozenset((name, value) for name, value in sample.labels.items() if name != "le")].append(sample)
    return ((dict(labels), samples) for labels, samples in found.items())
