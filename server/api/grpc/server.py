"""Builds the gRPC server: its services, interceptors, channel options and port."""

import socket
from collections.abc import Sequence

import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from opentelemetry.trace import Tracer

from melisma.v1 import music_pb2_grpc
from server.api.address import PortUnavailable, shown
from server.api.call_limits import UNLIMITED, CallLimits
from server.api.grpc.call_bounds import CallBounds
from server.api.grpc.call_log import RequestLog
from server.api.grpc.error_mapping import EndTrailers, ErrorMapping, no_trailers
from server.api.grpc.handlers import MeasureCall, unmeasured
from server.api.grpc.health import HEALTH_SERVICE, MUSIC_SERVICE, HealthServicer
from server.api.grpc.reflection import add_reflection
from server.api.grpc.servicer import MusicServicer
from server.api.open_calls import OpenCalls
from server.auth.tls import Certificates
from server.contract.wire_scan import RequestLimits
from server.settings.settings import Settings
from server.telemetry.traces.call_trace import End
from server.telemetry.traces.tracing import NO_TRACER


def build_server(
    settings: Settings,
    music: MusicServicer | None,
    health: HealthServicer,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
    tracer: Tracer = NO_TRACER,
    trailers: EndTrailers = no_trailers,
    calls: OpenCalls | None = None,
    limits: CallLimits = UNLIMITED,
    measure: MeasureCall = unmeasured,
) -> grpc.aio.Server:
    """Build a gRPC server, not yet bound to a port. It has the health service, and `music` with reflection if `music`
    is given.

    Calls are limited by `limits`, counted in `calls`, pass the `interceptors` and end with `trailers`. `measure` is
    called for each call of Melisma's own methods.
    """
    sizes = RequestLimits(settings.limits.request_bytes, settings.limits.recording_bytes)
    own = End(socket.gethostname(), settings.port or None)
    server = grpc.aio.server(
        interceptors=(
            CallBounds(limits, settings.connections.request_seconds, measure),
            RequestLog(tracer, calls or OpenCalls(), own, limits.proxies, measure=measure),
            *interceptors,
            ErrorMapping(trailers, sizes),
        ),
        options=_channel_options(settings),
        maximum_concurrent_rpcs=settings.limits.concurrent_calls,
        compression=grpc.Compression.NoCompression,
    )
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if music is None:
        return server
    music_pb2_grpc.add_MusicServiceServicer_to_server(music, server)
    if settings.reflection:
        add_reflection((MUSIC_SERVICE, HEALTH_SERVICE), server)
    return server


def _channel_options(settings: Settings) -> list[tuple[str, int]]:
    keepalive, connections = settings.keepalive, settings.connections
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.limits.recording_bytes),
        ("grpc.keepalive_time_ms", round(keepalive.time_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", round(keepalive.timeout_seconds * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", round(keepalive.min_client_interval_seconds * 1000)),
        ("grpc.max_allowed_incoming_connections", connections.count),
        ("grpc.max_connection_idle_ms", round(connections.idle_seconds * 1000)),
        ("grpc.server_handshake_timeout_ms", round(connections.handshake_seconds * 1000)),
        ("grpc.http2.settings_timeout", round(connections.handshake_seconds * 1000)),
        ("grpc.max_concurrent_streams", connections.concurrent_calls),
        ("grpc.max_metadata_size", connections.metadata_bytes),
        ("grpc.absolute_max_metadata_size", connections.metadata_bytes),
    ]
    if connections.age_seconds:
        options += [
            ("grpc.max_connection_age_ms", round(connections.age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", round(connections.age_grace_seconds * 1000)),
        ]
    return options


def bind(server: grpc.aio.Server, host: str, port: int, certificates: Certificates | None) -> str:
    """Open a port of the server, with TLS if there are certificates, and return the bound "host:port".

    Raises:
        PortUnavailable: the address is in use, or does not belong to this computer.
    """
    address = shown(host, port)
    try:
        if certificates:
            bound = server.add_secure_port(address, certificates.credentials())
        else:
            bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortUnavailable(host, port) from error
    return shown(host, bound)
