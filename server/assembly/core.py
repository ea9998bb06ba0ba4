"""Starts everything of a server that is behind its ports: worker processes, song store, songs service, metrics."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from server.api.grpc.health import HealthServicer
from server.assembly import operations, wiring
from server.assembly.opened_songs import open_songs
from server.assembly.processes import build_checker, build_encoders
from server.auth.api_keys import ApiKeyFile
from server.auth.tls import Certificates
from server.background import in_background
from server.checking.local_checker import LocalChecker
from server.generation.frontend import Frontend
from server.generation.runner import Runner
from server.settings.settings import Settings
from server.songs.service import Songs
from server.telemetry.metrics import Metrics
from server.telemetry.process_metrics import LoopLag
from server.telemetry.scraped import expose_depths
from server.workers.restarting_pool import AnyPool


@dataclass(frozen=True)
class Core:
    """The running parts of a server behind its ports. `certificates` is `None` without TLS, `keys` without API keys and
    on a server that takes no calls.
    """

    settings: Settings
    pool: AnyPool
    certificates: Certificates | None
    keys: ApiKeyFile | None
    registry: CollectorRegistry
    tracer: Tracer
    metrics: Metrics
    runner: Runner | Frontend
    checker: LocalChecker
    songs: Songs
    health: HealthServicer

    def liveness_problem(self) -> str | None:
        """Return the reason for which this server must be restarted; `None` if there is none."""
        return self.runner.liveness_problem() or self.checker.liveness_problem()


@asynccontextmanager
async def open_core(settings: Settings, pool: AnyPool) -> AsyncIterator[Core]:
    """Context manager that starts the parts of a server behind its ports; at the end of the context they are stopped,
    and `pool` is closed.

    Raises:
        InvalidKeyFile, InvalidCertificate, InvalidSigningCertificate: a file that the settings name is missing or
        invalid.
        StoreUnusable: the folder of the song store cannot be used, or is in use by another server.
        SharedStoreUnusable: the song directory or the object store cannot be used.
        InvalidTelemetry: the OTEL_ variables need a package that is not installed.
    """
    async with AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        certificates = wiring.read_certificates(settings.tls)
        keys = wiring.read_keys(settings) if settings.takes_calls else None
        registry = operations.build_registry()
        tracer = await stack.enter_async_context(operations.open_tracing(registry))
        metrics = operations.build_metrics(settings, registry)
        encoders = build_encoders(settings, pool) if settings.makes_songs else None
        runner = wiring.build_generation(settings, pool, encoders, metrics, tracer)
        expose_depths(registry, runner.depths)
        checker = build_checker(settings)
        songs = await stack.enter_async_context(open_songs(settings, runner, checker, metrics, keys))
        stack.push_async_callback(runner.stop, grace_seconds=0.0)
        await runner.start()
        if settings.takes_calls:
            await stack.enter_async_context(checker.running(start_after=pool.settled))
        health = operations.build_health(settings, runner.readiness)
        operations.expose_server(settings, registry, health, runner.readiness, pool)
        operations.expose_processes_of(settings, registry, pool, encoders, checker)
        operations.expose_ends(registry, certificates, keys)
        await stack.enter_async_context(operations.sending_metrics(registry))
        await stack.enter_async_context(in_background(LoopLag(registry).run()))
        yield Core(settings, pool, certificates, keys, registry, tracer, metrics, runner, checker, songs, health)
