"""A trace collector that stores the spans that an OTLP exporter sends."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def value_of(value: AnyValue) -> Any:
    """Return an attribute's value as a Python object; `None` if it has none."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


@dataclass(frozen=True)
class CollectedSpan:
    """One received span, with the attributes of its resource."""

    span: Span
    resource: dict[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        return {pair.key: value_of(pair.value) for pair in self.span.attributes}

    @property
    def seconds(self) -> float:
        return (self.span.end_time_unix_nano - self.span.start_time_unix_nano) / 1e9


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """A trace collector that stores all received spans; `address` is its "host:port"."""

    address: str = ""
    spans: list[CollectedSpan] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 (the contract names it)
        with self.arrived:
            for resource in request.resource_spans:
                of = {pair.key: value_of(pair.value) for pair in resource.resource.attributes}
                self.spans += [CollectedSpan(span, of) for scope in resource.scope_spans for span in scope.spans]
            self.arrived.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait_for(self, name: str, count: int = 1, timeout_seconds: float = 30.0) -> list[CollectedSpan]:
        """Wait until `count` spans of the name have arrived, and return all received spans."""
        with self.arrived:
            assert self.arrived.wait_for(
                lambda: sum(told.span.name == name for told in self.spans) >= count, timeout_seconds
            ), sorted(told.span.name for told in self.spans)
            return list(self.spans)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Context manager with a running collector on a free port."""
    server = grpc.server(ThreadPoolExecutor(2))
    collector = Collector()
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    collector.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(0).wait()
