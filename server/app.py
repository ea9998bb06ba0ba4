"""Starts and stops all parts of the server in order. `wiring` builds the parts."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette

from server.api.grpc.server import bind
from server.api.http.ports import http_port, operations_port
from server.api.http.server import HttpPort, serving_http
from server.api.open_calls import OpenCalls
from server.api.open_network import warn_of_open_network
from server.assembly import operations, wiring
from server.assembly.opened_songs import open_songs
from server.assembly.processes import build_checker, build_encoders, build_pool
from server.background import in_background
from server.settings.settings import Settings
from server.shutdown import Shutdown, handled_signals
from server.telemetry.process_metrics import LoopLag
from server.telemetry.scraped import expose_closed, expose_depths
from server.workers.restarting_pool import AnyPool

logger = logging.getLogger(__name__)


async def serve(settings: Settings, pool: AnyPool) -> None:
    """Run the server until SIGTERM or SIGINT, then drain it; a second signal ends the server at once.

    `pool` has the worker processes, which may already be launched; the pool is closed at the end.

    Raises:
        PortUnavailable: an address is in use, or does not belong to this computer.
        InvalidKeyFile, InvalidCertificate, InvalidSigningCertificate: a file that the settings name is missing or
        invalid.
        StoreUnusable: the folder of the song store cannot be used, or is in use by another server.
        SharedStoreUnusable: the song directory or the object store cannot be used.
        InvalidTelemetry: the OTEL_ variables need a package that is not installed.
    """
    stopping, force = asyncio.Event(), asyncio.Event()
    with handled_signals(lambda: (force if stopping.is_set() else stopping).set()):
        async with serving(settings, force, pool) as address:
            fields = {"address": address, "port_kind": "grpc", "engines": settings.engine_names}
            logger.info("the server is listening for gRPC", extra=fields)
            await stopping.wait()
            logger.info(
                "the server is shutting down and accepts no more songs", extra={"grace_seconds": settings.grace_seconds}
            )
    logger.info("the server has stopped")


@asynccontextmanager
async def serving(
    settings: Settings, force: asyncio.Event | None = None, pool: AnyPool | None = None
) -> AsyncIterator[str]:
    """Context manager that runs a server and gives its gRPC address "host:port". At the end of the context the server
    is drained and stopped; if `force` is set, without waiting for songs.

    The ports respond at once; the health check reports SERVING once an engine is loaded. A frontend (a server that only
    takes calls) has no engines; a generator (a server that only makes songs) has only health checks and metrics on its
    ports.
    """
    pool = pool or build_pool(settings)
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
        calls, authenticator = OpenCalls(settings.limits.stall_seconds), wiring.build_authenticator(keys, metrics)
        limits = wiring.build_call_limits(settings)
        routes = wiring.rest_routes(settings, songs, authenticator, calls, tracer, limits, metrics)
        http, operations_app = wiring.build_http_app(
            settings,
            registry,
            health,
            liveness_problem=lambda: runner.liveness_problem() or checker.liveness_problem(),
            unkept=lambda: runner.readiness.unkept(),
            routes=routes,
        )
        port = http_port(settings, certificates, limits.proxies)
        await stack.enter_async_context(_listening(http, "HTTP", settings.host, settings.http_port, port))
        if operations_app and settings.operations_port is not None:
            endpoint = settings.host, settings.operations_port, operations_port(settings)
            await stack.enter_async_context(_listening(operations_app, "operations", *endpoint))

        if keys:
            await stack.enter_async_context(in_background(keys.watch(metrics.calls.keys_usable)))
        warn_of_open_network(settings)
        server = wiring.build_grpc_server(
            settings, songs, runner, pool, health, authenticator, tracer, calls, limits, metrics
        )
        address = bind(server, settings.host, settings.port, certificates)
        await server.start()
        watch = wiring.build_connection_watch(settings, address, limits.proxies)
        expose_closed(registry, lambda: {"grpc": watch.closed, "http": port.connections.closed})
        await stack.enter_async_context(in_background(watch.run()))
        shutdown = Shutdown(server, runner, songs, health, calls, settings.grace_seconds, force or asyncio.Event())
        stack.push_async_callback(shutdown.run)
        yield address


@asynccontextmanager
async def _listening(app: Starlette, kind: str, host: str, number: int, port: HttpPort) -> AsyncIterator[None]:
    """Context manager that serves an HTTP application on a port and logs the address."""
    async with serving_http(app, host, number, port) as address:
        logger.info("the server is listening for %s", kind, extra={"address": address, "port_kind": kind.lower()})
        yield
