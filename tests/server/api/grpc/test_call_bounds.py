"""Tests of gRPC calls over a real port: their maximum number, the timeout for their message, and the expiry of their
key.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.call_limits import CallLimits
from server.api.grpc.authentication import Authentication
from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.api.grpc.servicer import MusicServicer
from server.auth.api_keys import ApiKey
from server.auth.authenticator import Authenticator
from server.settings.groups import Connections
from server.settings.settings import Settings
from tests.support.edge import details_of, songs_of
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner

QUICK = Connections(request_seconds=0.3)
METADATA = (("authorization", "Bearer key"),)
REQUEST = music_pb2.GenerateRequest(prompt="x", duration_seconds=30)


@asynccontextmanager
async def served(key: ApiKey | None = None, caller_calls: int = 4) -> AsyncIterator[grpc.aio.Channel]:
    """Context manager with a channel to a server, which requires the API key `key` if it is given, and allows
    `caller_calls` calls of one caller at a time.
    """
    settings = Settings(engines=("fake",), connections=QUICK)
    interceptors = [Authentication(Authenticator({"key": key}.get, lambda _: None))] if key else []
    runner, health = FakeRunner(FAKE_EVENTS[:2], hangs=True), HealthServicer.alike(lambda: None)
    bounds = CallLimits(caller_calls, open_calls=6, open_calls_of_peer=3)
    async with songs_of(runner) as songs:
        server = build_server(settings, MusicServicer(songs), health, interceptors, limits=bounds)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield channel
        finally:
            health.close()
            await server.stop(0)
            runner.stop()


def key(**fields: Any) -> ApiKey:
    return ApiKey(name="games", sha256="0" * 64, **fields)


async def code_of(call: Any) -> grpc.StatusCode:
    """Return the status code with which a stream ends; OK once the stream has sent a message."""
    try:
        await call.read()
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_watches_without_a_key_lock_nobody_out() -> None:
    async with served(key()) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watches = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(8)]
        codes = [await code_of(watch) for watch in watches]
        assert sorted(code.name for code in codes) == ["OK"] * 3 + ["RESOURCE_EXHAUSTED"] * 5
        engines = await music_pb2_grpc.MusicServiceStub(channel).ListEngines(
            music_pb2.ListEnginesRequest(), metadata=METADATA
        )
        assert engines.engines
        assert await health.Check(health_pb2.HealthCheckRequest())
        for watch in watches:
            watch.cancel()
        async with asyncio.timeout(5.0):
            while await code_of(health.Watch(health_pb2.HealthCheckRequest())) is not grpc.StatusCode.OK:
                await asyncio.sleep(0.02)


async def test_a_call_whose_message_never_comes_is_counted_and_ends() -> None:
    async with served(caller_calls=3) as channel:
        calls: list[Any] = [channel.stream_stream("/melisma.v1.MusicService/Generate")() for _ in range(4)]
        for call in calls:
            with suppress(grpc.aio.AioRpcError):  # one may be refused by then
                await call.wait_for_connection()
        codes = [await code_of(call) for call in calls]
        assert sorted(code.name for code in codes) == ["DEADLINE_EXCEEDED"] * 3 + ["RESOURCE_EXHAUSTED"]


@pytest.mark.parametrize("method", ["Check", "Watch"])
async def test_questions_of_health_whose_message_never_comes_give_way(method: str) -> None:
    async with served(key()) as channel:
        calls: list[Any] = [channel.stream_stream(f"/grpc.health.v1.Health/{method}")() for _ in range(20)]
        for call in calls:
            await call.wait_for_connection()
        health: Any = health_pb2_grpc.HealthStub(channel)
        assert await health.Check(health_pb2.HealthCheckRequest())
        assert {await code_of(call) for call in calls} == {grpc.StatusCode.DEADLINE_EXCEEDED}


async def test_a_call_without_a_message_is_told_so() -> None:
    async with served() as channel:
        call: Any = channel.stream_stream("/melisma.v1.MusicService/ListEngines")()
        await call.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call.read()
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_caller_has_so_many_calls_and_is_told_what_to_do() -> None:
    async with served(key(), caller_calls=2) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        songs = [stub.Generate(REQUEST, metadata=METADATA) for _ in range(2)]
        for song in songs:
            await song.read()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.ListEngines(music_pb2.ListEnginesRequest(), metadata=METADATA)
        assert details_of(error.value)["ErrorInfo"].reason == "TOO_MANY_CALLS"
        assert "RetryInfo" in details_of(error.value)
        for song in songs:
            song.cancel()


async def test_a_stream_ends_when_its_key_expires() -> None:
    expiring = key(expires_at=datetime.now(UTC) + timedelta(seconds=1.0))
    async with served(expiring) as channel:
        song = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST, metadata=METADATA)
        with pytest.raises(grpc.aio.AioRpcError, match="has expired") as error:
            await asyncio.wait_for(_heard(song), 5.0)
        assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def _heard(song: Any) -> None:
    async for _ in song:
        pass
