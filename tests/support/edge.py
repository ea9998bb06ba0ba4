"""The gRPC server on a real port, with a fake runner."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, QuotaFailure, RetryInfo
from grpc_status import rpc_status
from opentelemetry.trace import Tracer

from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.grpc.error_mapping import EndTrailers, no_trailers
from server.api.grpc.handlers import MeasureCall, unmeasured
from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.api.grpc.servicer import MusicServicer
from server.api.open_calls import OpenCalls
from server.audio.codecs.registry import file_suffixes
from server.checking.base import RequestChecker
from server.settings.settings import Settings
from server.songs.credentials import Signer
from server.songs.ports import SongRunner
from server.songs.service import Songs
from server.songs.tickets import Terms, no_terms
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.telemetry.traces.tracing import NO_TRACER
from tests.support.checking import PassingChecker
from tests.support.fake_runner import FakeRunner


@asynccontextmanager
async def songs_of(
    runner: SongRunner,
    linger_seconds: float = 10.0,
    terms: Callable[[str], Terms] = no_terms,
    checker: RequestChecker | None = None,
    engine: str = "fake",
    signer: Signer | None = None,
) -> AsyncIterator[Songs]:
    """Context manager with the songs service of a runner that has only the engine `engine`; its store is in a temporary
    folder, and its song ids are "song-1", "song-2" and so on. A song without a listener is made for `linger_seconds`;
    `terms` returns the quota and weight of a caller.
    """
    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_store(Path(folder), StoreLimits(), file_suffixes()) as store:
            songs = Songs(
                runner,
                (engine,),
                store,
                EmbeddedService(store).replica(),
                checker=checker or PassingChecker(),
                terms=terms,
                linger_seconds=linger_seconds,
                song_id=lambda: f"song-{next(numbers)}",
                signer=signer,
            )
            try:
                yield songs
            finally:
                await songs.close()
                await songs.credentials.close()


@asynccontextmanager
async def edge(
    runner: FakeRunner,
    health: HealthServicer | None = None,
    trailers: EndTrailers = no_trailers,
    calls: OpenCalls | None = None,
    way: Callable[[int], AbstractAsyncContextManager[int]] = nullcontext,
    measure: MeasureCall = unmeasured,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
    tracer: Tracer = NO_TRACER,
) -> AsyncIterator[grpc.aio.Channel]:
    """Context manager with a gRPC channel to the music service of a runner with the engine "fake", on a real port;
    `way` may put a proxy in front of the port. The other parameters are parts of the server: its health service, its
    trailing metadata, its limit of open calls, its metrics, interceptors and traces.
    """
    settings = Settings(engines=("fake",))
    health = health or HealthServicer.alike(lambda: None if runner.ready("fake") else "no engine is ready")
    async with songs_of(runner) as songs:
        server = build_server(
            settings, MusicServicer(songs), health, interceptors, tracer, trailers, calls, measure=measure
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with way(port) as near, grpc.aio.insecure_channel(f"127.0.0.1:{near}") as channel:
                yield channel
        finally:
            health.close()
            await server.stop(0)
            runner.stop()


async def failure(runner: FakeRunner, request: music_pb2.GenerateRequest) -> grpc.aio.AioRpcError:
    """Return the error with which a call of Generate ends."""
    async with edge(runner) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            async for _ in music_pb2_grpc.MusicServiceStub(channel).Generate(request):
                pass
    return error.value


def raw_call(channel: grpc.aio.Channel, method: str) -> Any:
    """Return the method `method` of MusicService as a function that takes and returns messages as bytes."""
    return channel.unary_stream(f"/melisma.v1.MusicService/{method}")


def details_of(error: grpc.RpcError) -> Mapping[str, Any]:
    """Return the typed details of a gRPC error, by the name of their type."""
    status = rpc_status.from_call(cast(Any, error))
    kinds = (
        BadRequest,
        ErrorInfo,
        PreconditionFailure,
        QuotaFailure,
        RetryInfo,
    )
    found = {}
    for packed in status.details if status else ():
        for kind in kinds:
            message = kind()
            if packed.Unpack(message):
                found[kind.DESCRIPTOR.name] = message
    return found
