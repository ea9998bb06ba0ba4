"""Builds the parts of the server that operators use: health, metrics and traces."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector

from server.api.grpc.health import MUSIC_SERVICE, Check, HealthServicer
from server.assembly.processes import device_specs
from server.auth.api_keys import ApiKeyFile
from server.auth.tls import Certificates
from server.checking.local_checker import LocalChecker
from server.encoders.restarting_pool import RestartingEncoders
from server.generation.devices.engines import engine_readiness, ready_slots
from server.generation.readiness import Readiness
from server.settings.settings import Settings
from server.settings.telemetry import Telemetry
from server.telemetry.call_metrics import expose_expiry
from server.telemetry.metrics import Metrics
from server.telemetry.otlp_metrics import metrics_sent
from server.telemetry.process_metrics import Pids, expose_processes
from server.telemetry.scraped import (
    expose_build,
    expose_crowded,
    expose_draining,
    expose_engines,
    expose_limits,
    expose_nodes,
    expose_readiness,
)
from server.telemetry.traces.tracing import tracing
from server.version import VERSION
from server.workers.base import WorkerPool
from server.workers.restarting_pool import AnyPool


def open_tracing(registry: CollectorRegistry) -> AbstractAsyncContextManager[Tracer]:
    """Open the OpenTelemetry tracer that the OTEL_ variables configure; metrics in `registry` count its spans.

    Raises:
        InvalidTelemetry: the variables need a package that is not installed; raised on entering.
    """
    telemetry = Telemetry()
    return tracing(telemetry.exporter, telemetry.protocol, queue_spans=telemetry.bsp_max_queue_size, registry=registry)


def sending_metrics(registry: CollectorRegistry) -> AbstractAsyncContextManager[None]:
    """Context manager in which metrics are sent to an OpenTelemetry collector, if the OTEL_ variables configure one.

    Raises:
        InvalidTelemetry: the variables need a package that is not installed; raised on entering.
    """
    telemetry = Telemetry()
    return metrics_sent(registry, telemetry.metrics, telemetry.metrics_protocol, telemetry.metrics_seconds)


def build_registry() -> CollectorRegistry:
    """Return a new Prometheus registry with the standard metrics of this process (memory, processor time)."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def build_metrics(settings: Settings, registry: CollectorRegistry) -> Metrics:
    """Return the Prometheus metrics of the configured engines and devices."""
    devices = [spec.name for spec in device_specs(settings)]
    return Metrics(registry, engines=settings.engine_names, devices=devices)


def build_health(settings: Settings, readiness: Readiness) -> HealthServicer:
    """Return the gRPC health service. It reports the state of the whole server, of MusicService, and of each engine
    with which this server makes songs.

    A generator (a server that takes no calls) has no MusicService, a frontend (a server that makes no songs) no engine.
    """
    checks: dict[str, Check] = {"": partial(readiness.readiness_problem, full_is_ready=True)}
    if settings.takes_calls:
        checks[MUSIC_SERVICE] = readiness.readiness_problem
    for engine in settings.engine_names if settings.makes_songs else ():
        checks[f"{MUSIC_SERVICE}/{engine}"] = partial(readiness.engine_unready, engine)
    health = HealthServicer(checks)
    readiness.subscribe(health.changed)
    return health


def expose_server(
    settings: Settings, registry: CollectorRegistry, health: HealthServicer, readiness: Readiness, pool: WorkerPool
) -> None:
    """Register the metrics of this server's version, ready engines, readiness, nearly full queue, shutdown and limits;
    may be called only once per registry.
    """
    expose_build(registry, VERSION, settings.revision)
    expose_engines(registry, partial(engine_readiness, pool))
    expose_readiness(registry, lambda: health.readiness_problem() is None)
    expose_crowded(registry, lambda: readiness.saturated)
    expose_draining(registry, lambda: health.closed)
    expose_limits(
        registry,
        running_songs=partial(ready_slots, pool),
        queue_songs=settings.limits.queued_songs,
        connections=settings.connections.count,
    )


def expose_processes_of(
    settings: Settings,
    registry: CollectorRegistry,
    pool: AnyPool,
    encoders: RestartingEncoders | None,
    checker: LocalChecker,
) -> None:
    """Register metrics of the memory of the server's child processes, and of the cluster nodes on which its workers
    run.
    """
    if settings.pool.kind == "ray":
        expose_nodes(registry, pool.nodes)

    def pids() -> Pids:
        workers: dict[tuple[str, str], list[int | None]] = {
            process: [pid] for process, pid in pool.process_ids().items()
        }
        return {**workers, ("encoders", ""): encoders.pids() if encoders else [], ("checker", ""): [checker.pid]}

    expose_processes(registry, pids)


def expose_ends(registry: CollectorRegistry, certificates: Certificates | None, keys: ApiKeyFile | None) -> None:
    """Register metrics of the times at which TLS certificates and API keys expire."""
    expose_expiry(
        registry,
        certificates=certificates.expiry if certificates else dict,
        next_key=keys.next_expiry if keys else lambda: None,
    )
