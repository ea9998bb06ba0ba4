"""Sets up OpenTelemetry tracing: the provider of tracers, and the exporter that sends spans to a collector."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import NoOpTracer, Tracer
from prometheus_client import CollectorRegistry

from server.telemetry.traces.call_trace import propagator
from server.telemetry.traces.span_export import CountedSpans, SpanCounts
from server.version import VERSION

NO_TRACER: Tracer = NoOpTracer()
_OTLP_TRANSPORTS = {"grpc": "grpc", "http/protobuf": "http"}
TRACES_SECONDS = 3.0
"""Longest wait in seconds for the collector when the server ends."""


class InvalidTelemetry(RuntimeError):
    """An OTEL_ environment variable asks for something that is unavailable; the text says what to do."""


@asynccontextmanager
async def tracing(
    exporter: str, protocol: str, *, queue_spans: int = 2048, registry: CollectorRegistry | None = None
) -> AsyncIterator[Tracer]:
    """Context manager that gives a tracer as the OTEL_ environment variables configure it; at its end the remaining
    spans are sent.

    Sending them takes a few seconds at most. A separate thread sends spans from a queue of `queue_spans`, so the server
    does not wait for the collector. Metrics in `registry` count the spans.

    Raises:
        InvalidTelemetry: the exporter is not known or not installed.
    """
    check_propagators()
    spans = _span_exporter(exporter, protocol)
    provider = None if spans is None else _tracer_provider(CountedSpans(spans, SpanCounts(registry), queue_spans))
    if provider is None:
        yield NO_TRACER
        return
    sent = asyncio.Event()

    def send_the_rest(provider: TracerProvider, loop: asyncio.AbstractEventLoop) -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the event loop is closed, so no task waits any more
            loop.call_soon_threadsafe(sent.set)

    try:
        yield provider.get_tracer("melisma", VERSION)
    finally:
        # This is a daemon thread, because a collector that does not respond must not delay the end of the server.
        threading.Thread(target=send_the_rest, args=(provider, asyncio.get_running_loop()), daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(TRACES_SECONDS):
                await sent.wait()


def check_propagators() -> None:
    """Raise InvalidTelemetry unless all propagators that OTEL_PROPAGATORS names are installed."""
    try:
        propagator()
    except ValueError as error:
        raise InvalidTelemetry(
            f"OTEL_PROPAGATORS cannot be used: {error} Without further packages use tracecontext, baggage or none; b3 "
            "needs the package opentelemetry-propagator-b3"
        ) from None


def service_resource() -> Resource:
    """Return the attributes that identify this service in traces and metrics: name, version, and those of the OTEL_
    variables.
    """
    given = {"service.name": "melisma", "service.version": VERSION, **OTELResourceDetector().detect().attributes}
    return Resource.create(given)


def _tracer_provider(processor: SpanProcessor) -> TracerProvider:
    provider = TracerProvider(resource=service_resource(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _span_exporter(exporter: str, protocol: str) -> SpanExporter | None:
    match exporter:
        case "none":
            return None
        case "console":
            return ConsoleSpanExporter()
        case "otlp":
            found: SpanExporter = otlp_exporter(protocol, "trace_exporter", "OTLPSpanExporter")
            return found
        case other:
            raise InvalidTelemetry(f"OTEL_TRACES_EXPORTER={other} is not supported: set it to otlp, console or none")


def otlp_exporter(protocol: str, module: str, name: str) -> Any:
    """Create an OTLP exporter: an object of the class `name` in the library's module `module` (such as
    "trace_exporter") for `protocol`.

    The library is imported only here, because its import takes time and memory.

    Raises:
        InvalidTelemetry: the protocol is not known, or its package is not installed.
    """
    if (transport := _OTLP_TRANSPORTS.get(protocol)) is None:
        raise InvalidTelemetry(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not supported: set it to grpc or http/protobuf"
        )
    try:
        exporters = import_module(f"opentelemetry.exporter.otlp.proto.{transport}.{module}")
    except ImportError:
        package = f"opentelemetry-exporter-otlp-proto-{transport}"
        raise InvalidTelemetry(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} needs the Python package {package}: install it"
        ) from None
    return getattr(exporters, name)()
