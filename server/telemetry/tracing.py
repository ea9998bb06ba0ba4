"""One trace for each song: what its time went into, for OpenTelemetry.

    melisma.v1.MusicService/Generate      the call; its context is the caller's, in W3C's headers
      queued                              from acceptance to the first work
      first_audio                         from acceptance to the first chunk
      plan                                in the worker
      section                             one for each, from its first work to its last sample in the stream
        prepare, denoise, render          in the worker
        encode

What a worker does it records by itself, on its own clock, and sends along with its replies: it needs no way to the
collector, and a collector that is slow or gone costs no step.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.settings.telemetry import Telemetry
from server.version import VERSION
from server.workers.messages import WorkSpan

_PROPAGATOR = TraceContextTextMapPropagator()
_PARENT_KEYS = ("traceparent", "tracestate")
_SERVER_FAULTS = (
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
)
"""What OpenTelemetry's conventions count as errors of a server; the others are the caller's own."""

NO_TRACER: Tracer = NoOpTracer()


class InvalidTelemetry(RuntimeError):
    """The OTEL_ variables ask for something that is not here; the text says what to do."""


def tracer_provider(telemetry: Telemetry) -> TracerProvider | None:
    """What sends spans away, as the standard variables say; `None` where they do not ask for it.

    Spans leave on a thread of their own, out of a bounded queue, so that nothing ever waits for the collector.

    Raises:
        InvalidTelemetry: the exporter is not known or not installed.
    """
    exporter = _exporter(telemetry)
    if exporter is None:
        return None
    given = {"service.name": "melisma", "service.version": VERSION, **OTELResourceDetector().detect().attributes}
    provider = TracerProvider(resource=Resource.create(given), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(telemetry: Telemetry) -> SpanExporter | None:
    match telemetry.exporter:
        case "none":
            return None
        case "console":
            return ConsoleSpanExporter()
        case "otlp":
            return _otlp_exporter(telemetry.protocol)
        case other:
            raise InvalidTelemetry(f"OTEL_TRACES_EXPORTER={other} is not supported: otlp, console or none")


def _otlp_exporter(protocol: str) -> SpanExporter:
    # Only who exports pays for the import.
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    if protocol != "http/protobuf":
        raise InvalidTelemetry(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not supported: grpc or http/protobuf")
    try:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter
    except ImportError:
        text = "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf needs the package opentelemetry-exporter-otlp-proto-http"
        raise InvalidTelemetry(text) from None
    exporter: SpanExporter = trace_exporter.OTLPSpanExporter()
    return exporter


@contextmanager
def call_span(tracer: Tracer, method: str, metadata: Mapping[str, str]) -> Iterator[Span]:
    """The span of one call, present while the context lasts; a child of the caller's, where `metadata` names one."""
    parent = _PROPAGATOR.extract({key: metadata[key] for key in _PARENT_KEYS if key in metadata})
    attributes = {"rpc.system.name": "grpc", "rpc.method": method.lstrip("/")}
    with tracer.start_as_current_span(
        method.lstrip("/"),
        parent,
        SpanKind.SERVER,
        attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


@contextmanager
def http_call_span(tracer: Tracer, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """The same for a call over HTTP; `name` is its method and the template of its path."""
    parent = _PROPAGATOR.extract({key: headers[key] for key in _PARENT_KEYS if key in headers})
    method, _, route = name.partition(" ")
    attributes = {"http.request.method": method, "http.route": route}
    with tracer.start_as_current_span(
        name, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def end_http_call(span: Span, status: int) -> None:
    """Note the status of a call over HTTP."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:  # what the caller did wrong is no fault of the server
        span.set_status(Status(StatusCode.ERROR, str(status)))


def end_call(span: Span, code: grpc.StatusCode) -> None:
    """Note the status of a call."""
    span.set_attribute("rpc.response.status_code", code.name)
    if code in _SERVER_FAULTS:
        span.set_status(Status(StatusCode.ERROR, code.name))


class SongTrace:
    """The spans of one song, below the span that is present when it is made. Without such a span nothing is recorded.

    All methods belong to the event loop, and cost microseconds.
    """

    def __init__(self, tracer: Tracer, song_id: str, engine: str) -> None:
        self._tracer = tracer
        self._context = get_current()
        self._call = trace.get_current_span()
        self._on = self._call.is_recording()
        self._call.set_attributes({"melisma.song_id": song_id, "melisma.engine": engine})
        self._open: dict[str, Span] = {}
        self._sections: dict[int, Span] = {}
        self._encoding: _Encoding | None = None
        for name in ("queued", "first_audio") if self._on else ():
            self._open[name] = tracer.start_span(name, self._context)

    @property
    def trace_id(self) -> str:
        """The trace's number in hexadecimal; empty where nothing is recorded."""
        return trace.format_trace_id(self._call.get_span_context().trace_id) if self._on else ""

    @property
    def parent(self) -> str:
        """The call's span as W3C's `traceparent`, for whoever works on the song elsewhere; empty as `trace_id` is."""
        carrier: dict[str, str] = {}
        if self._on:
            _PROPAGATOR.inject(carrier, self._context)
        return carrier.get("traceparent", "")

    def started(self) -> None:
        """The first work on the song begins."""
        self._close("queued")

    def first_chunk(self) -> None:
        """The first sound is in the stream."""
        self._close("first_audio")

    def worked(self, work: WorkSpan) -> None:
        """A worker has done something for the song."""
        if self._on:
            context = self._context if work.section is None else self._in_section(work.section, work.start_ns)
            span = self._tracer.start_span(work.name, context, attributes=work.attributes, start_time=work.start_ns)
            span.end(work.end_ns)

    def encoded(self, start_ns: int, end_ns: int) -> None:
        """A piece of the section that comes next was encoded, between two points of the wall clock."""
        if self._on:
            self._encoding = self._encoding or _Encoding(start_ns)
            self._encoding.end_ns, self._encoding.pieces = end_ns, self._encoding.pieces + 1
            self._encoding.seconds += (end_ns - start_ns) / 1e9

    def section_encoded(self, index: int) -> None:
        """All sound of a section went to the encoder."""
        encoding, self._encoding = self._encoding, None
        if encoding:
            attributes = {"melisma.busy_seconds": encoding.seconds, "melisma.pieces": encoding.pieces}
            context = self._in_section(index, encoding.start_ns)
            span = self._tracer.start_span("encode", context, attributes=attributes, start_time=encoding.start_ns)
            span.end(encoding.end_ns)

    def section_sent(self, index: int) -> None:
        """All sound of a section is in the stream."""
        if span := self._sections.pop(index, None):
            span.end()

    def retried(self, cause: str) -> None:
        """The song goes on from its last section boundary."""
        if self._call.is_recording():
            self._call.add_event("retried", {"melisma.cause": cause})

    def ended(self, outcome: str, sound_seconds: float) -> None:
        """Nothing more is made for the song."""
        if self._call.is_recording():  # the call has ended before a song that goes on without it
            self._call.set_attributes({"melisma.outcome": outcome, "melisma.sound_seconds": sound_seconds})
        for span in (*self._open.values(), *self._sections.values()):
            span.set_attribute("melisma.outcome", outcome)
            span.end()
        self._open.clear()
        self._sections.clear()
        self._on = False

    def _close(self, name: str) -> None:
        if span := self._open.pop(name, None):
            span.end()

    def _in_section(self, index: int, start_ns: int) -> Context:
        if index not in self._sections:
            attributes = {"melisma.section": index}
            span = self._tracer.start_span("section", self._context, attributes=attributes, start_time=start_ns)
            self._sections[index] = span
        return trace.set_span_in_context(self._sections[index], self._context)


class _Encoding:
    """What the encoder did for a section so far."""

    def __init__(self, start_ns: int) -> None:
        self.start_ns = self.end_ns = start_ns
        self.pieces = 0
        self.seconds = 0.0
