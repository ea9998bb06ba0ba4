"""Starts and stops the server: first everything behind its ports (`core`), then the ports."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette

from server.api.call_limits import CallLimits
from server.api.grpc.server import bind
from server.api.http.ports import http_port, operations_port
from server.api.http.server import HttpPort, serving_http
from server.api.open_calls import OpenCalls
from server.api.open_network import warn_of_open_network
from server.assembly import wiring
from server.assembly.core import Core, open_core
from server.assembly.processes import build_pool
from server.auth.authenticator import Authenticator
from server.background import in_background
from server.settings.settings import Settings
from server.shutdown import Shutdown, handled_signals
from server.telemetry.scraped import expose_closed
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
    is drained and stopped; if `force` is set, without waiting for songs. `pool` has the worker processes; by default a
    pool is built from the settings.

    The ports respond at once; the health check reports SERVING once an engine is loaded. A frontend (a server that only
    takes calls) has no engines; a generator (a server that only makes songs) has only health checks and metrics on its
    ports.
    """
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings, pool or build_pool(settings)))
        calls = OpenCalls(settings.limits.stall_seconds)
        authenticator = wiring.build_authenticator(core.keys, core.metrics)
        limits = wiring.build_call_limits(settings)
        http = await stack.enter_async_context(_serving_http(core, authenticator, calls, limits))
        if core.keys:
            await stack.enter_async_context(in_background(core.keys.watch(core.metrics.calls.keys_usable)))
        warn_of_open_network(settings)
        server = wiring.build_grpc_server(
            settings,
            core.songs,
            core.runner,
            core.pool,
            core.health,
            authenticator,
            core.tracer,
            calls,
            limits,
            core.metrics,
        )
        address = bind(server, settings.host, settings.port, core.certificates)
        await server.start()
        watch = wiring.build_connection_watch(settings, address, limits.proxies)
        expose_closed(core.registry, lambda: {"grpc": watch.closed, "http": http.connections.closed})
        await stack.enter_async_context(in_background(watch.run()))
        force, grace_seconds = force or asyncio.Event(), settings.grace_seconds
        shutdown = Shutdown(server, core.runner, core.songs, core.health, calls, grace_seconds, force)
        stack.push_async_callback(shutdown.run)
        yield address


@asynccontextmanager
async def _serving_http(
    core: Core, authenticator: Authenticator | None, calls: OpenCalls, limits: CallLimits
) -> AsyncIterator[HttpPort]:
    """Context manager that serves the HTTP port, and the port of operations if that is another one; it gives the HTTP
    port.
    """
    settings = core.settings
    routes = wiring.rest_routes(settings, core.songs, authenticator, calls, core.tracer, limits, core.metrics)
    app, operations_app = wiring.build_http_app(
        settings,
        core.registry,
        core.health,
        liveness_problem=core.liveness_problem,
        unkept=lambda: core.runner.readiness.unkept(),
        routes=routes,
    )
    port = http_port(settings, core.certificates, limits.proxies)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_listening(app, "HTTP", settings.host, settings.http_port, port))
        if operations_app and settings.operations_port is not None:
            endpoint = settings.host, settings.operations_port, operations_port(settings)
            await stack.enter_async_context(_listening(operations_app, "operations", *endpoint))
        yield port


@asynccontextmanager
async def _listening(app: Starlette, kind: str, host: str, number: int, port: HttpPort) -> AsyncIterator[None]:
    """Context manager that serves an HTTP application on port `number` of `host`, with the limits `port`, and logs the
    address; `kind` is the name of the port in the log.
    """
    async with serving_http(app, host, number, port) as address:
        logger.info("the server is listening for %s", kind, extra={"address": address, "port_kind": kind.lower()})
        yield
