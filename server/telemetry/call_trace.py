"""The span of one call, over gRPC or HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

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
"""Statuses that OpenTelemetry's conventions count as errors of a server; the others are the caller's own."""


@contextmanager
def call_span(tracer: Tracer, method: str, metadata: Mapping[str, str]) -> Iterator[Span]:
    """The span of one call, current inside the context; a child of the caller's span if `metadata` has one."""
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
