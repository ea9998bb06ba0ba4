"""Starts and ends the trace span of a gRPC or HTTP call."""

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
"""gRPC statuses that OpenTelemetry's conventions count as errors of a server; other statuses count as errors of the
caller.
"""


class End(NamedTuple):
    """Network address and port of one end of a call (client or server); empty and `None` if unknown."""

    address: str
    port: int | None


class Ends(NamedTuple):
    """The two ends of a call: the server address that the client called, and the address of the client as the outermost
    trusted proxy saw it.
    """

    server: End
    client: End


@cache
def propagator() -> TextMapPropagator:
    """Return the OpenTelemetry propagator, which reads the caller's trace context from gRPC metadata or HTTP headers.

    Its formats are those of the variable OTEL_PROPAGATORS, by default W3C's.
    """
    # The library reads OTEL_PROPAGATORS when the module is imported.
    from opentelemetry.propagate import get_global_textmap

    return get_global_textmap()


@contextmanager
def call_span(tracer: Tracer, method: str, metadata: Mapping[str, str], ends: Ends) -> Iterator[Span]:
    """Context manager around one gRPC call, which records and gives the call's trace span. If `metadata` has a trace
    context, the span is a child of the caller's span.
    """
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
    """Context manager around one HTTP call, which records and gives the call's trace span; `name` is HTTP method and
    route, as in "GET /v1/songs".
    """
    parent = propagator().extract(headers)
    method, _, route = name.partition(" ")
    attributes = {"http.request.method": method, "http.route": route, **_addresses(ends)}
    with tracer.start_as_current_span(
        name, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def trace_names(span: Span) -> dict[str, str]:
    """Return trace id and span id of a span as fields for log lines, sampled or not; empty if the span has no valid
    ids.
    """
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}


def note_fields(span: Span, fields: Mapping[str, str]) -> None:
    """Copy the fields song id, engine, caller and reason of log lines to attributes of a call's span, if present."""
    span.set_attributes({attribute: fields[name] for name, attribute in _ATTRIBUTES.items() if name in fields})


def end_http_call(span: Span, status: int) -> None:
    """Set the HTTP status of a call in its span; a status from 500 on marks the span as failed."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:  # a 4xx status is an error of the caller
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR, str(status)))


def end_call(span: Span, code: grpc.StatusCode) -> None:
    """Set the gRPC status of a call in its span; statuses that are errors of the server mark the span as failed."""
    span.set_attribute("rpc.response.status_code", code.name)
    if code in _SERVER_FAULTS:
        span.set_attribute("error.type", code.name)
        span.set_status(Status(StatusCode.ERROR, code.name))


def _addresses(ends: Ends) -> dict[str, str | int]:
    """Return the span attributes for the addresses and ports of a call's client and server, named by OpenTelemetry's
    conventions.
    """
    named = (("server", ends.server), ("client", ends.client))
    addresses: dict[str, str | int] = {f"{name}.address": end.address for name, end in named if end.address}
    return addresses | {f"{name}.port": end.port for name, end in named if end.address and end.port}
