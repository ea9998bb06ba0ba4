"""The composition root: builds, wires, starts and stops everything, in reading order."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.routing import BaseRoute
from threadpoolctl import threadpool_limits

from melisma.v1 import music_pb2_grpc
from server.api.address import PortUnavailable, shown
from server.api.grpc.authentication import Authentication
from server.api.grpc.call_log import RequestLog
from server.api.grpc.error_mapping import EndTrailers, ErrorMapping, no_trailers
from server.api.grpc.health import HEALTH_SERVICE, MUSIC_SERVICE, HealthServicer
from server.api.grpc.load_report import LoadReports
from server.api.grpc.servicer import MusicServicer
from server.api.http.operations import build_http
from server.api.http.preview_page import page_routes
from server.api.http.server import serving_http
from server.api.open_calls import OpenCalls
from server.api.rest.routes import Api
from server.audio.codecs.registry import file_suffixes
from server.audio.song_encoder import SongEncoder
from server.auth.api_keys import KeyRing
from server.auth.authenticator import Authenticator
from server.auth.quotas import Quota
from server.auth.tls import Certificates, TlsFiles
from server.contract.status import outcome_of
from server.errors import ServiceError
from server.generation.runner import EngineSpec, Runner, RunnerSettings
from server.logs import Logs
from server.scheduling.policy import Policy
from server.settings.engines import engine_options, option_variables
from server.settings.groups import TLS, Device, Limits, Store
from server.settings.settings import Settings
from server.settings.telemetry import Telemetry
from server.songs.service import Songs
from server.store.embedded.files import StoreUnusable
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import (
    expose_build,
    expose_depths,
    expose_limits,
    expose_readiness,
    expose_store,
)
from server.telemetry.tracing import NO_TRACER, tracing
from server.version import VERSION
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import Lane

KEYS_SECONDS = 1.0
MAX_ENCODER_THREADS = 8
FLUSH_SECONDS = 1.0
"""What open calls get at the end to send what is made already, and to say how they ended."""
REFUSING_SECONDS = 1.0
"""How long new songs are refused before connections end: time for balancers that ask for health to go elsewhere."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stopping:
    """What is looked at while the server stops."""

    runner: Runner
    health: HealthServicer
    calls: OpenCalls
    grace_seconds: float
    hurry: asyncio.Event

    async def served(self) -> None:
        """Return once every song is made and every listener has it."""
        await self.runner.idle()
        await self.calls.none()


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts the drain short.

    Raises:
        PortUnavailable: an address is taken or is not one of this machine.
        InvalidKeyFile, InvalidCertificate: a file that the settings name is missing or unusable.
        StoreUnusable: the folder of the song store cannot be used, or is in use by another server.
        InvalidTelemetry: the OTEL_ variables ask for something that is not here.
    """
    stopping, hurry = asyncio.Event(), asyncio.Event()
    with _signals(lambda: (hurry if stopping.is_set() else stopping).set()):
        async with serving(settings, hurry) as address:
            logger.info("listening", extra={"address": address, "engines": settings.engine_names})
            await stopping.wait()
            logger.info("draining", extra={"grace_seconds": settings.grace_seconds})
    logger.info("stopped")


@asynccontextmanager
async def serving(settings: Settings, hurry: asyncio.Event | None = None) -> AsyncIterator[str]:
    """A running server, to its bound "host:port"; leaving drains and stops it, the latter at once when `hurry` is set.

    Its ports answer from the first moment; health says SERVING once an engine is loaded.
    """
    async with AsyncExitStack() as stack:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        # Encoder threads each do small matrix products; a pool of threads under each makes them five times dearer.
        stack.enter_context(threadpool_limits(1, user_api="blas"))
        certificates = Certificates(_tls_files(settings.tls)) if settings.tls.certificate else None
        keys = KeyRing(Path(settings.api_keys)) if settings.api_keys else None
        telemetry = Telemetry()
        tracer = await stack.enter_async_context(tracing(telemetry.exporter, telemetry.protocol))
        given = runner_settings(settings)
        metrics = Metrics(registry, engines=settings.engine_names, devices=[spec.name for spec in given.devices])
        quota_of = keys.quota if keys else _no_quota
        runner = Runner(
            given,
            local_pool(given),
            encoder_factory=SongEncoder,
            metrics=metrics,
            quota_of=quota_of,
            tracer=tracer,
        )
        expose_depths(registry, runner.depths)
        store = await stack.enter_async_context(
            embedded_store(_folder(settings.store), _limits(settings.store), file_suffixes())
        )
        songs = Songs(
            runner,
            settings.engine_names,
            store,
            linger_seconds=settings.store.linger_seconds,
            log_requests=settings.log_requests,
        )
        expose_store(registry, store.usage, lambda: songs.listeners)
        stack.push_async_callback(songs.close)
        await stack.enter_async_context(_in_background(songs.keep_clean()))
        stack.push_async_callback(runner.stop, grace_seconds=0.0)
        await runner.start()

        health = HealthServicer(runner.unready)
        runner.subscribe(health.changed)

        def refused(error: ServiceError) -> None:
            metrics.calls.refused(outcome_of(error).reason.lower())

        authenticator = Authenticator(keys.find, refused) if keys else None
        calls = OpenCalls()
        version = {"version": VERSION, "revision": settings.revision, "contract": MUSIC_SERVICE}
        expose_build(registry, VERSION, settings.revision)
        expose_readiness(registry, lambda: health.unready() is None)
        places = sum(device.running_songs for device in given.devices)
        expose_limits(
            registry,
            running_songs=places,
            queue_songs=settings.limits.queued_songs,
            connections=settings.connections.count,
        )
        http = build_http(
            registry,
            unready=health.unready,
            unwell=runner.unwell,
            version=version,
            more=[*_rest(settings, songs, authenticator).routes(calls, tracer), *_page(settings)]
            if settings.rest.enabled
            else (),
            origins=settings.rest.allowed_origins,
        )
        http_address = await stack.enter_async_context(serving_http(http, settings.host, settings.http_port))
        logger.info("listening for HTTP", extra={"address": http_address})

        doors: list[grpc.aio.ServerInterceptor] = []
        if keys and authenticator:
            doors.append(Authentication(authenticator))
            await stack.enter_async_context(_in_background(_watch(keys, metrics)))
        _warn_of_open_network(settings)
        reports = LoadReports(runner.depths, places)
        server = build_server(settings, MusicServicer(songs), health, doors, tracer, reports.trailers, calls)
        server.add_generic_rpc_handlers((reports.handler(),))
        address = _bind(server, settings.host, settings.port, certificates)
        await server.start()
        stopping = Stopping(runner, health, calls, settings.grace_seconds, hurry or asyncio.Event())
        stack.push_async_callback(_stop_server, server, stopping)
        yield address


def runner_settings(settings: Settings) -> RunnerSettings:
    """What the runner has to know of the settings."""
    limits, threads, scheduling = settings.limits, settings.threads, settings.scheduling
    return RunnerSettings(
        devices=device_specs(settings),
        engines=engine_specs(settings),
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
        stream_buffer_bytes=limits.stream_buffer_bytes,
        encoder_threads=threads.encoder or encoder_threads(settings.devices, len(os.sched_getaffinity(0))),
        worker_threads=threads.worker,
        retries=limits.retries,
        heartbeat_seconds=limits.heartbeat_seconds,
        exchange_timeout_seconds=limits.exchange_timeout_seconds,
        load_timeout_seconds=limits.load_timeout_seconds,
        logs=Logs(settings.log_level, settings.log_format),
        log_requests=settings.log_requests,
    )


def local_pool(given: RunnerSettings) -> LocalPool:
    """A pool of worker processes on this machine."""
    return LocalPool(
        given.devices,
        given.engines,
        worker_threads=given.worker_threads,
        exchange_timeout_seconds=given.exchange_timeout_seconds,
        load_timeout_seconds=given.load_timeout_seconds,
        restart_backoff_seconds=given.restart_backoff_seconds,
        logs=given.logs,
    )


def engine_specs(settings: Settings) -> tuple[EngineSpec, ...]:
    """The engines to load; those that have settings of their own are given them."""
    named = [engine.partition("=") for engine in settings.engines]
    return tuple(_engine_spec(settings, name, factory) for name, _, factory in named)


def _engine_spec(settings: Settings, name: str, factory: str) -> EngineSpec:
    options = {} if factory else engine_options(settings, name)
    return EngineSpec(name, factory, options, option_variables(settings, name))


def encoder_threads(devices: Sequence[Device], cores: int) -> int:
    """One for each core that no worker computes on: more would only take turns with the workers."""
    return min(max(cores - sum(device.device == "cpu" for device in devices), 1), MAX_ENCODER_THREADS)


def device_specs(settings: Settings) -> tuple[DeviceSpec, ...]:
    """One worker for each device of the settings; a device that is named again gets a number behind its name."""
    names = [device.device for device in settings.devices]
    seen = (names[: position + 1].count(name) for position, name in enumerate(names))
    labels = [name if count == 1 else f"{name}#{count}" for name, count in zip(names, seen, strict=True)]
    return tuple(
        _device_spec(label, device, settings.limits) for label, device in zip(labels, settings.devices, strict=True)
    )


def _device_spec(name: str, device: Device, limits: Limits) -> DeviceSpec:
    beside = device.device != "cpu" if device.render_beside is None else device.render_beside
    return DeviceSpec(
        name=name,
        device=device.device,
        engines=device.engines,
        lanes=(Lane.DENOISE, Lane.RENDER) if beside else (Lane.BOTH,),
        running_songs=device.running_songs or limits.running_songs,
        batch_tokens=device.batch_tokens or limits.batch_tokens,
        batch_sections=device.batch_sections or limits.batch_sections,
        memory_bytes=device.memory_mebibytes << 20,
    )


def build_server(
    settings: Settings,
    music: MusicServicer,
    health: HealthServicer,
    doors: Sequence[grpc.aio.ServerInterceptor] = (),
    tracer: Tracer = NO_TRACER,
    trailers: EndTrailers = no_trailers,
    calls: OpenCalls | None = None,
) -> grpc.aio.Server:
    """A server with all its services, not yet bound to a port.

    Calls are counted in `calls`, pass the `doors` and end with `trailers`.
    """
    server = grpc.aio.server(
        interceptors=(RequestLog(tracer, calls or OpenCalls()), *doors, ErrorMapping(trailers)),
        options=_channel_options(settings),
        maximum_concurrent_rpcs=settings.limits.concurrent_calls,
        compression=grpc.Compression.NoCompression,
    )
    music_pb2_grpc.add_MusicServiceServicer_to_server(music, server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if settings.reflection:
        reflection.enable_server_reflection((MUSIC_SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
    return server


def _channel_options(settings: Settings) -> list[tuple[str, int]]:
    keepalive, connections = settings.keepalive, settings.connections
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.limits.request_bytes),
        ("grpc.keepalive_time_ms", round(keepalive.time_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", round(keepalive.timeout_seconds * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", round(keepalive.min_client_interval_seconds * 1000)),
        ("grpc.max_allowed_incoming_connections", connections.count),
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


def _rest(settings: Settings, songs: Songs, authenticator: Authenticator | None) -> Api:
    limits = settings.limits
    return Api(songs, authenticator, body_bytes=limits.request_bytes, heartbeat_seconds=limits.heartbeat_seconds)


def _page(settings: Settings) -> Sequence[BaseRoute]:
    return page_routes() if settings.page else ()


def _folder(store: Store) -> Path:
    try:
        return store.path
    except RuntimeError as error:
        raise StoreUnusable(Path("~/.local/share/melisma"), "has no home") from error


def _limits(store: Store) -> StoreLimits:
    return StoreLimits(store.max_mebibytes << 20, store.max_age_hours)


def _tls_files(tls: TLS) -> TlsFiles:
    return TlsFiles(Path(tls.certificate), Path(tls.key), Path(tls.client_ca) if tls.client_ca else None)


def _no_quota(_: str) -> Quota:
    return Quota()


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have something done until the context is left."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


async def _watch(keys: KeyRing, metrics: Metrics) -> None:
    """Read the keys again whenever their file changes, for ever."""
    while True:
        metrics.calls.keys_usable(keys.usable)
        await asyncio.sleep(KEYS_SECONDS)
        keys.reload()


def _warn_of_open_network(settings: Settings) -> None:
    if settings.host in ("127.0.0.1", "::1", "localhost"):
        return
    if not settings.api_keys:
        logger.warning("whoever reaches this server may call: set MELISMA_API_KEYS, or keep others from its ports")
        return
    if not settings.tls.certificate:
        logger.warning("API keys arrive unencrypted: set MELISMA_TLS__CERTIFICATE, or encrypt in front of this server")
    if settings.rest.enabled:
        logger.warning(
            "API keys arrive unencrypted over HTTP: encrypt in front of it, or set MELISMA_REST__ENABLED=false"
        )


def _bind(server: grpc.aio.Server, host: str, port: int, certificates: Certificates | None) -> str:
    address = shown(host, port)
    try:
        if certificates:
            bound = server.add_secure_port(address, certificates.credentials())
        else:
            bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortUnavailable(host, port) from error
    return shown(host, bound)


async def _stop_server(server: grpc.aio.Server, stopping: Stopping) -> None:
    """Health first, then no new songs; running songs finish and listeners get what is made.

    After a moment the port closes and every connection is told to end with its last call: clients and balancers that do
    not look at health then go elsewhere, too, and do not take the server that refuses everything for the quickest.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + stopping.grace_seconds
    stopping.health.close()
    stopping.runner.drain()
    stopping.calls.part()
    await _first_of(
        stopping.served(), stopping.hurry.wait(), timeout_seconds=min(REFUSING_SECONDS, stopping.grace_seconds)
    )
    stopped = asyncio.ensure_future(server.stop(stopping.grace_seconds + REFUSING_SECONDS + FLUSH_SECONDS))
    await _first_of(stopping.served(), stopping.hurry.wait(), timeout_seconds=give_up_at - loop.time())
    if songs := stopping.runner.cut_off():
        logger.warning("songs were cut off", extra={"songs": songs})
    # What is open now are songs that were cut off, and calls that nobody would ever end, such as reflection.
    await server.stop(FLUSH_SECONDS)
    await stopped


async def _first_of(*waits: Coroutine[Any, Any, object], timeout_seconds: float) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _signals(callback: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
