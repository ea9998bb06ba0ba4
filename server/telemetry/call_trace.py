"""Creates and completes the trace span of one call, over gRPC or HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import grpc
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, format_span_id, format_trace_id

_ATTRIBUTES = {
    "song_id": "melisma.song_id",
    "engine": "melisma.engine",
    "caller": "melisma.caller",
    "reason": "melisma.reason",
}
_SERVER_FAULTS = (
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
)
"""Statuses that OpenTelemetry's conventions count as errors of a server; the others are the caller's own."""


class End(NamedTuple):
    """Address and port of one end of a call; empty and `None` if unknown."""

    address: str
    port: int | None


class Ends(NamedTuple):
    """The two ends of a call: the address that the client called, and the client's address as the outermost trusted
    proxy saw it.
    """

    server: End
    client: End


@cache
def propagator() -> TextMapPropagator:
    """Return the OpenTelemetry propagator that reads the caller's trace from metadata or headers.

    Its formats are those of OTEL_PROPAGATORS, by default W3C's.
    """
    # The library reads the variable when the module is imported.
    from opentelemetry.propagate import get_global_textmap

    return get_global_textmap()


@contextmanager
def call_span(tracer: Tracer, method: str, metadata: Mapping[str, str], ends: Ends) -> Iterator[Span]:
    """Context manager with the span of one gRPC call, as a child of the caller's span if `metadata` has one."""
    parent = propagator().extract(metadata)
    attributes = {"rpc.system.name": "grpc", "rpc.method": method.lstrip("/"), **_addresses(ends)}
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
def http_call_span(tracer: Tracer, name: str, headers: Mapping[str, str], ends: Ends) -> Iterator[Span]:
    """Context manager with the span of one HTTP call; `name` is its method and its route."""
    parent = propagator().extract(headers)
    method, _, route = name.partition(" ")
    attributes = {"http.request.method": method, "http.route": route, **_addresses(ends)}
    with tracer.start_as_current_span(
        name, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def trace_names(span: Span) -> dict[str, str]:
    """Return trace id and span id of a span for log lines, sampled or not; empty if neither caller nor server has a
    span.
    """
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}


def note_fields(span: Span, fields: Mapping[str, str]) -> None:
    """Record the song's id and the reason of a refusal, from the fields of log lines, as attributes of the call's
    span.
    """
    span.set_attributes({attribute: fields[name] for name, attribute in _ATTRIBUTES.items() if name in fields})


def end_http_call(span: Span, status: int) -> None:
    """Record the HTTP status of a call in its span."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:  # a caller's error is not an error of the server
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR, str(status)))


def end_call(span: Span, code: grpc.StatusCode) -> None:
    """Record the gRPC status of a call in its span."""
    span.set_attribute("rpc.response.status_code", code.name)
    if code in _SERVER_FAULTS:
        span.set_attribute("error.type", code.name)
        span.set_status(Status(StatusCode.ERROR, code.name))


def _addresses(ends: Ends) -> dict[str, str | int]:
    """Return the span attributes for the addresses of a call's ends, named by OpenTelemetry's conventions."""
    named = (("server", ends.server), ("client", ends.client))
    addresses: dict[str, str | int] = {f"{name}.address": end.address for name, end in named if end.address}
    return addresses | {f"{name}.port": end.port for name, end in named if end.address and end.port}
