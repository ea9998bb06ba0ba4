import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Sum
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    format_span_id,
    set_span_in_context,
    use_span,
)
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram

from server.telemetry.otlp_metrics import metric_exporter, metrics_data
from server.telemetry.traces.song_trace import MAX_LINKS, SongTrace
from server.telemetry.traces.span_export import CountedSpans, SpanCounts
from server.telemetry.traces.tracing import InvalidTelemetry
from server.workers.messages import SongKey, WorkSpan


class Gate(SpanExporter):
    """A span exporter that blocks until a test opens it, then returns a given result."""

    def __init__(self, result: SpanExportResult) -> None:
        self.result, self.opened = result, threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.opened.wait(10)
        return self.result


@pytest.mark.parametrize(("result", "exported"), [(SpanExportResult.SUCCESS, True), (SpanExportResult.FAILURE, False)])
def test_every_span_is_counted_as_taken_or_dropped(result: SpanExportResult, exported: bool) -> None:
    registry, gate = CollectorRegistry(), Gate(result)
    spans = CountedSpans(gate, SpanCounts(registry), capacity=4)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(spans)
    tracer = provider.get_tracer("test")
    for _ in range(4):
        tracer.start_span("one").end()
    while spans._counts.waiting:  # the first four are with the collector, which does not answer
        pass
    for _ in range(7):
        tracer.start_span("one").end()
    gate.opened.set()
    provider.shutdown()

    def dropped(reason: str) -> float | None:
        return registry.get_sample_value("melisma_spans_dropped_total", {"reason": reason})

    told = registry.get_sample_value("melisma_spans_exported_total"), dropped("export_failed"), dropped("queue_full")
    assert told == ((8, 0, 3) if exported else (0, 8, 3))


def test_songs_that_shared_steps_lead_to_each_other_but_not_to_all() -> None:
    provider, kept = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(CountedSpans(kept, SpanCounts(), capacity=100))
    tracer = provider.get_tracer("test")
    calls = [tracer.start_span("call") for _ in range(MAX_LINKS + 3)]
    songs = []
    for number, call in enumerate(calls):
        with use_span(call):
            songs.append(SongTrace(tracer, f"song-{number}", "fake"))
    songs[0].shared_step(2, songs[:3])
    songs[0].shared_step(2, songs[:3])
    songs[1].shared_step(0, songs)
    for song in songs[:2]:
        for section in (0, 2):
            song.worked(WorkSpan(SongKey("song"), section, "denoise", 1, 2, {"melisma.steps": 4}), "cuda:0")
    provider.force_flush()
    told = [(len(span.links), dict(span.attributes or {})) for span in kept.get_finished_spans()]
    assert [links for links, _ in told] == [0, 2, MAX_LINKS, 0]
    assert {str(attributes["melisma.device"]) for _, attributes in told} == {"cuda:0"}
    linked = {link.context.span_id for link in kept.get_finished_spans()[1].links}
    assert linked == {call.get_span_context().span_id for call in calls[1:3]}


@pytest.mark.parametrize("records", [False, True])
def test_a_worker_is_told_the_trace_and_whether_it_is_recorded(records: bool) -> None:
    """The worker gets the flag for recorded spans only if the server records spans itself, even if the caller's trace
    is sampled.
    """
    caller = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(TraceFlags.SAMPLED))
    provider = TracerProvider(sampler=ALWAYS_ON if records else ALWAYS_OFF, shutdown_on_exit=False)
    tracer = provider.get_tracer("test")
    assert SongTrace(tracer, "song", "fake").parent == ""
    with tracer.start_as_current_span("call", set_span_in_context(NonRecordingSpan(caller))) as call:
        parent = SongTrace(tracer, "song", "fake").parent
    span_id = format_span_id(call.get_span_context().span_id)
    assert parent == f"00-0af7651916cd43dd8448eb211c80319c-{span_id}-{records:02}"


def test_metrics_are_sent_as_they_are() -> None:
    registry = CollectorRegistry()
    PrometheusCounter("songs", "Songs", ["engine"], registry=registry).labels("studio").inc(3)
    PrometheusGauge("up", "Up", registry=registry).set(1)
    histogram = PrometheusHistogram("time", "Time", ["engine"], registry=registry, buckets=(1, 2))
    for seconds in (0.5, 0.5, 1.5, 7):
        histogram.labels("studio").observe(seconds)
    (resource,) = metrics_data(registry, 10, 20).resource_metrics
    assert resource.resource.attributes["service.name"] == "melisma"
    songs, up, time = (metric.data for metric in resource.scope_metrics[0].metrics)
    assert isinstance(songs, Sum)
    assert isinstance(up, Gauge)
    assert isinstance(time, Histogram)
    assert songs.is_monotonic
    (point,) = songs.data_points
    assert (point.value, dict(point.attributes or {}), point.start_time_unix_nano) == (3, {"engine": "studio"}, 10)
    assert up.data_points[0].value == 1
    (spread,) = time.data_points
    assert (spread.count, spread.sum, list(spread.bucket_counts), list(spread.explicit_bounds)) == (
        4,
        9.5,
        [2, 1, 1],
        [1.0, 2.0],
    )


def test_an_exporter_of_metrics_that_is_not_there_is_refused() -> None:
    assert metric_exporter("none", "grpc") is None
    with pytest.raises(InvalidTelemetry, match="console is not supported: set it to otlp or none"):
        metric_exporter("console", "grpc")
    with pytest.raises(InvalidTelemetry, match="grpc or http/protobuf"):
        metric_exporter("otlp", "carrier-pigeon")
