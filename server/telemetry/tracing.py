"""Sends spans to a collector: the exporter and its provider, for OpenTelemetry."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import NoOpTracer, Tracer

from server.version import VERSION

NO_TRACER: Tracer = NoOpTracer()
TRACES_SECONDS = 3.0
"""Most seconds to wait for the collector at the end."""


class InvalidTelemetry(RuntimeError):
    """The OTEL_ variables require something unavailable; the text says what to do."""


@asynccontextmanager
async def tracing(exporter: str, protocol: str) -> AsyncIterator[Tracer]:
    """A tracer, as the OTEL_ variables configure it; on exit the remaining spans are sent, for a few seconds at most.

    Spans leave on a thread of their own, out of a bounded queue, so that nothing ever waits for the collector.

    Raises:
        InvalidTelemetry: the exporter is not known or not installed.
    """
    provider = _tracer_provider(exporter, protocol)
    if provider is None:
        yield NO_TRACER
        return
    sent = asyncio.Event()

    def send_the_rest(provider: TracerProvider, loop: asyncio.AbstractEventLoop) -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(sent.set)

    try:
        yield provider.get_tracer("melisma", VERSION)
    finally:
        # A thread that nobody waits for: a collector that does not answer must not hold up the end.
        threading.Thread(target=send_the_rest, args=(provider, asyncio.get_running_loop()), daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(TRACES_SECONDS):
                await sent.wait()


def _tracer_provider(exporter: str, protocol: str) -> TracerProvider | None:
    spans = _span_exporter(exporter, protocol)
    if spans is None:
        return None
    given = {"service.name": "melisma", "service.version": VERSION, **OTELResourceDetector().detect().attributes}
    provider = TracerProvider(resource=Resource.create(given), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(spans))
    return provider


def _span_exporter(exporter: str, protocol: str) -> SpanExporter | None:
    match exporter:
        case "none":
            return None
        case "console":
            return ConsoleSpanExporter()
        case "otlp":
            return _otlp_exporter(protocol)
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
