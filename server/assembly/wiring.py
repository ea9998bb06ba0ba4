"""Builds the parts of the server from the settings, and connects them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import grpc.aio
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from server.api.call_limits import CallLimits
from server.api.grpc.authentication import Authentication
from server.api.grpc.connection_watch import ConnectionWatch
from server.api.grpc.health import MUSIC_SERVICE, HealthServicer
from server.api.grpc.load_report import LoadReports
from server.api.grpc.server import build_server
from server.api.grpc.servicer import MusicServicer
from server.api.http.operations import application, operations_routes
from server.api.http.ports import http_rules
from server.api.http.preview_page import page_routes
from server.api.open_calls import OpenCalls
from server.api.proxies import TrustedProxies
from server.api.rest.public_address import PublicAddress
from server.api.rest.routes import Api
from server.auth.api_keys import ApiKeyFile
from server.auth.authenticator import Authenticator
from server.auth.tls import Certificates, TlsFiles
from server.contract.status import outcome_of
from server.contract.wire_scan import RequestLimits
from server.encoders.base import EncoderPool
from server.errors import ServiceError
from server.generation.config import RunnerSettings
from server.generation.devices.engines import ready_slots
from server.generation.frontend import Frontend
from server.generation.runner import Runner
from server.scheduling.policy import Policy
from server.settings.certificates import TLS
from server.settings.settings import Settings
from server.songs.service import Songs
from server.telemetry.metrics import Metrics
from server.version import VERSION
from server.workers.base import WorkerPool


def runner_settings(settings: Settings) -> RunnerSettings:
    """Return the part of the settings that concerns the making of songs: scheduling, queue, retries."""
    limits, scheduling = settings.limits, settings.scheduling
    return RunnerSettings(
        policy=Policy(
            scheduling.order,
            scheduling.margin_seconds,
            scheduling.comfort_seconds,
            scheduling.ahead_seconds,
            scheduling.share_lead_seconds,
        ),
        caller_weights=scheduling.weights,
        max_queued_songs=limits.queued_songs,
        crowded_queue_ratio=limits.crowded_queue_ratio,
        any_engine=settings.ready_engines == "any",
        stream_buffer_bytes=limits.stream_buffer_bytes,
        retries=limits.retries,
        heartbeat_seconds=limits.heartbeat_seconds,
        log_requests=settings.log_requests,
    )


def read_certificates(tls: TLS) -> Certificates | None:
    """Read the TLS certificates of the ports; `None` if connections are not encrypted.

    Raises:
        InvalidCertificate: a file is missing, or certificate and key do not match.
    """
    if not tls.certificate:
        return None
    client_ca = Path(tls.client_ca) if tls.client_ca else None
    return Certificates(TlsFiles(Path(tls.certificate), Path(tls.key), client_ca))


def read_keys(settings: Settings) -> ApiKeyFile | None:
    """Read the file of API keys; `None` if calls need no key.

    Raises:
        InvalidKeyFile: the file is missing or invalid.
    """
    return ApiKeyFile(Path(settings.api_keys)) if settings.api_keys else None


def build_authenticator(keys: ApiKeyFile | None, metrics: Metrics) -> Authenticator | None:
    """Create the authenticator of calls, which counts refused calls in `metrics`; `None` if calls need no key."""

    def refused(error: ServiceError) -> None:
        metrics.calls.refused(outcome_of(error).reason.lower())

    return Authenticator(keys.find, refused) if keys else None


def build_generation(
    settings: Settings, pool: WorkerPool, encoders: EncoderPool | None, metrics: Metrics, tracer: Tracer
) -> Runner | Frontend:
    """Create the object that makes songs with the workers of `pool` and the `encoders`. Without encoders, on a
    frontend, create one that only puts songs into the queue of the service.
    """
    if encoders is None:
        return Frontend(
            settings.engine_names,
            queued_songs=settings.limits.queued_songs,
            cold_start_seconds=settings.store.cold_start_seconds,
            metrics=metrics,
        )
    return Runner(
        runner_settings(settings),
        pool,
        encoders,
        metrics=metrics,
        tracer=tracer,
    )


def build_call_limits(settings: Settings) -> CallLimits:
    """Create the limits for the number of open calls, which apply to the gRPC and HTTP ports together."""
    limits, proxies = settings.limits, TrustedProxies(settings.proxies.networks)
    return CallLimits(limits.caller_calls, limits.open_calls, limits.open_calls_of_peer, proxies)


def build_connection_watch(settings: Settings, address: str, proxies: TrustedProxies) -> ConnectionWatch:
    """Create the object that limits the number of gRPC connections, in total and for each peer; `address` is
    "host:port".
    """
    connections = settings.connections
    return ConnectionWatch(int(address.rpartition(":")[2]), connections.count, connections.peer_count, proxies)


def build_grpc_server(
    settings: Settings,
    songs: Songs,
    runner: Runner | Frontend,
    pool: WorkerPool,
    health: HealthServicer,
    authenticator: Authenticator | None,
    tracer: Tracer,
    calls: OpenCalls,
    limits: CallLimits,
    metrics: Metrics,
) -> grpc.aio.Server:
    """Create the gRPC server, not yet bound to a port. On a generator, which takes no calls, it has only the health
    service.

    A server that makes the songs of its own callers reports its load to load balancers; a frontend does not, because
    all frontends of a service have the same load.
    """
    music = MusicServicer(songs) if settings.takes_calls else None
    if music is not None:
        metrics.calls.serve_rpcs()
    measure = metrics.calls.rpc
    interceptors = [Authentication(authenticator, measure)] if authenticator else []
    if music is None or not settings.makes_songs:
        return build_server(settings, music, health, interceptors, tracer, calls=calls, limits=limits, measure=measure)
    reports = LoadReports(runner.depths, partial(ready_slots, pool), songs.service_load)
    server = build_server(settings, music, health, interceptors, tracer, reports.trailers, calls, limits, measure)
    server.add_generic_rpc_handlers((reports.handler(),))
    return server


def rest_routes(
    settings: Settings,
    songs: Songs,
    authenticator: Authenticator | None,
    calls: OpenCalls,
    tracer: Tracer,
    call_limits: CallLimits,
    metrics: Metrics,
) -> Sequence[BaseRoute]:
    """Return the HTTP routes of the REST API and of the preview page; empty if the server takes no calls or REST is
    disabled.
    """
    if not settings.rest.enabled or not settings.takes_calls:
        return ()
    limits = settings.limits
    api = Api(
        songs,
        authenticator,
        sizes=RequestLimits(limits.request_bytes, limits.recording_bytes),
        heartbeat_seconds=limits.heartbeat_seconds,
        limits=call_limits,
        address=PublicAddress(settings.rest.public_url, call_limits.proxies),
    )
    return [*api.routes(calls, tracer, metrics.calls), *(page_routes() if settings.page else ())]


def build_http_app(
    settings: Settings,
    registry: CollectorRegistry,
    health: HealthServicer,
    *,
    liveness_problem: Callable[[], str | None],
    unkept: Callable[[], str | None],
    routes: Sequence[BaseRoute],
) -> tuple[Starlette, Starlette | None]:
    """Create the web application of the HTTP port and, if operations have a port of their own, a second one for that
    port.

    The first application has `routes`; it also has metrics and probes if the second is `None`. `liveness_problem`
    returns the reason why the server must be restarted, `unkept` the reason why songs cannot be stored now; `None` if
    there is none.
    """
    version = {"version": VERSION, "revision": settings.revision, "contract": MUSIC_SERVICE}
    operations = operations_routes(
        registry,
        readiness_problem=health.readiness_problem,
        problem_though_full=partial(health.readiness_problem, ""),
        liveness_problem=liveness_problem,
        unkept=unkept,
        version=version,
    )
    rules = http_rules(settings)
    if settings.operations_port is None:
        return application([*operations, *routes], rules), None
    return application(routes, rules), application(operations)
