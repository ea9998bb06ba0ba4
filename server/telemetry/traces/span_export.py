"""Counts the trace spans that an OpenTelemetry collector has accepted, and the spans that were dropped."""

import threading
from collections.abc import Iterator, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from typing_extensions import override

from server.telemetry.instruments import LabelValues, Scraped, counter_family


class SpanCounts:
    """Counts exported and dropped spans, in metrics. The library only logs dropped spans, so their number is
    computed.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.waiting = 0
        self.exported = self.full = self.failed = 0
        self.lock = threading.Lock()
        """Lock for the counts, because spans end on the event loop and a thread exports them."""
        if registry is not None:
            registry.register(Scraped(self._families))

    def _families(self) -> Iterator[Metric]:
        yield counter_family(
            "spans_exported", "Number of trace spans that the OpenTelemetry collector accepted", [], {(): self.exported}
        )
        dropped: dict[LabelValues, float] = {("queue_full",): self.full, ("export_failed",): self.failed}
        yield counter_family(
            "spans_dropped",
            "Number of trace spans that were dropped, by reason: the queue was full, or the export failed",
            ["reason"],
            dropped,
        )


class CountedExporter(SpanExporter):
    """Span exporter that passes spans to the given exporter and counts them: sent, or failed to be sent."""

    def __init__(self, exporter: SpanExporter, counts: SpanCounts) -> None:
        self._exporter = exporter
        self._counts = counts

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        with self._counts.lock:
            self._counts.waiting -= len(spans)
        try:
            result = self._exporter.export(spans)
        finally:
            with self._counts.lock:
                taken = result is SpanExportResult.SUCCESS
                self._counts.exported += len(spans) if taken else 0
                self._counts.failed += 0 if taken else len(spans)
        return result

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class CountedSpans(SpanProcessor):
    """Span processor that queues ended spans for a thread, which exports them. Spans that are dropped because the queue
    is full are counted.
    """

    def __init__(self, exporter: SpanExporter, counts: SpanCounts, capacity: int) -> None:
        """Set up a queue of `capacity` spans. The library's own queue has the same capacity, and is therefore never
        full.
        """
        self._counts = counts
        self._capacity = capacity
        self._batches = BatchSpanProcessor(
            CountedExporter(exporter, counts), max_queue_size=capacity, max_export_batch_size=min(512, capacity)
        )

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing, because spans are counted at their end."""

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._counts.lock:
            if self._counts.waiting >= self._capacity:
                self._counts.full += 1
                return
            self._counts.waiting += 1
        self._batches.on_end(span)

    @override
    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._batches.force_flush(timeout_millis)
