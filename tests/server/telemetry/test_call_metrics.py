import asyncio
from datetime import UTC, datetime
from functools import partial

import grpc
import pytest
from prometheus_client import CollectorRegistry

from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.grpc.authentication import Authentication
from server.auth.authenticator import Authenticator
from server.errors import Overloaded
from server.telemetry.call_metrics import CallMetrics, expose_expiry
from tests.support.edge import edge, songs_of
from tests.support.fake_runner import FakeRunner
from tests.support.rest_edge import ask, rest_of

REQUEST = music_pb2.GenerateRequest(prompt="pop")


class Measured:
    """The metrics of calls in a registry of their own, and functions that read the counters."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.calls = CallMetrics(registry)
        self.value = partial(registry.get_sample_value)

    def rpcs(self, method: str, code: str) -> float | None:
        return self.value("melisma_rpcs_total", {"method": method, "code": code})

    def http(self, method: str, route: str, status: str) -> float | None:
        return self.value("melisma_http_calls_total", {"method": method, "route": route, "status": status})


async def test_every_call_is_counted_by_method_and_code() -> None:
    measured = Measured()
    measured.calls.serve_rpcs()
    assert measured.rpcs("Generate", "UNAVAILABLE") == measured.rpcs("DeleteSong", "OK") == 0
    async with edge(FakeRunner(), measure=measured.calls.rpc) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        _ = [one async for one in stub.Generate(REQUEST)]
        await stub.ListEngines(music_pb2.ListEnginesRequest())
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.GetSong(music_pb2.GetSongRequest(song_id="none"))
    assert measured.rpcs("Generate", "OK") == measured.rpcs("ListEngines", "OK") == 1
    assert measured.rpcs("GetSong", "NOT_FOUND") == 1
    assert measured.value("melisma_rpc_seconds_count", {"method": "Generate"}) == 1


async def test_a_call_without_a_key_is_counted() -> None:
    measured = Measured()
    keyless = Authentication(Authenticator(lambda secret: None, lambda error: None), measured.calls.rpc)
    async with edge(FakeRunner(), measure=measured.calls.rpc, interceptors=[keyless]) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await music_pb2_grpc.MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest())
    assert measured.rpcs("ListEngines", "UNAUTHENTICATED") == 1
    assert measured.rpcs("ListEngines", "OK") is None


async def test_methods_of_others_make_no_series() -> None:
    measured = Measured()
    measured.calls.rpc("/melisma.v1.MusicService/Invented", grpc.StatusCode.UNIMPLEMENTED, 1.0)
    assert measured.rpcs("Invented", "UNIMPLEMENTED") is None


async def test_calls_of_rest_are_counted_by_route_and_class_of_status() -> None:
    measured = Measured()
    generate = ("POST", "/v1/audio/music/generate")
    async with songs_of(FakeRunner()) as songs, rest_of(songs, metrics=measured.calls) as rest:
        assert measured.http(*generate, "5xx") == 0
        await ask(rest, "POST", generate[1], {"prompt": "pop"})
        await ask(rest, "GET", "/v1/audio/music/none")
    for refusal in (KeyError("a bug"), Overloaded("full", 1.0)):
        runner = FakeRunner(refusal=refusal)
        async with songs_of(runner) as songs, rest_of(songs, metrics=measured.calls) as rest:
            await ask(rest, "POST", generate[1], {"prompt": "pop"})
    assert [measured.http(*generate, status) for status in ("2xx", "4xx", "5xx")] == [1, 1, 1]
    assert measured.http("GET", "/v1/audio/music/{task_id}", "4xx") == 1
    assert measured.value("melisma_http_seconds_count", dict(zip(("method", "route"), generate, strict=True))) == 3


def test_ends_are_told_where_there_are_any() -> None:
    registry, ends = CollectorRegistry(), dict[str, float]()
    key: list[float | None] = [None]
    expose_expiry(registry, certificates=lambda: ends, next_key=lambda: key[-1])
    assert registry.get_sample_value("melisma_api_key_expiry_timestamp_seconds") is None
    end = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    key.append(end)
    ends["server"] = end
    assert registry.get_sample_value("melisma_api_key_expiry_timestamp_seconds") == end
    assert registry.get_sample_value("melisma_certificate_expiry_timestamp_seconds", {"use": "server"}) == end


async def test_a_song_that_hangs_is_counted_when_its_caller_leaves() -> None:
    measured, runner = Measured(), FakeRunner(hangs=True)
    async with edge(runner, measure=measured.calls.rpc) as channel, asyncio.timeout(10):
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        call.cancel()
        await runner.jobs[0].closed.wait()
        while not measured.rpcs("Generate", "CANCELLED"):
            await asyncio.sleep(0.01)
