import asyncio
import logging

import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from server.errors import SongFailed, WorkerLost
from server.song import Chunk
from tests.support.edge import details_of, edge, raw_call
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner

SECRET = "我的秘密歌词"
REQUEST = music_pb2.GenerateRequest(prompt="pop", lyrics=SECRET)


async def failure(runner: FakeRunner, request: music_pb2.GenerateRequest = REQUEST) -> grpc.aio.AioRpcError:
    async with edge(runner) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            async for _ in music_pb2_grpc.MusicServiceStub(channel).Generate(request):
                pass
    return error.value


def calls(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == "call"]


async def test_an_error_in_the_middle_of_a_stream_keeps_its_status() -> None:
    error = await failure(FakeRunner(error=WorkerLost("the worker died; ask again")))
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "the worker died; ask again")
    assert details_of(error)["ErrorInfo"].reason == "WORKER_LOST"


@pytest.mark.parametrize("bug", [RuntimeError("hidden"), SongFailed("hidden")])
async def test_a_bug_is_logged_whole_and_told_as_internal(bug: Exception, caplog: pytest.LogCaptureFixture) -> None:
    error = await failure(FakeRunner(error=bug))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "hidden" not in str(error)
    assert "hidden" in caplog.text


async def test_a_unary_method_maps_errors_too() -> None:
    async with edge(FakeRunner()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await music_pb2_grpc.MusicServiceStub(channel).GetEngine(music_pb2.GetEngineRequest(name="Not A Name"))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == ["name"]


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\x1a\x20"])
async def test_bytes_that_are_no_message_are_an_invalid_argument(data: bytes) -> None:
    async with edge(FakeRunner()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            async for _ in raw_call(channel, "Generate")(data):
                pass
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == ["request"]


async def test_a_call_is_logged_with_code_and_seconds_and_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await failure(FakeRunner(error=WorkerLost("gone")))
    (record,) = calls(caplog)
    assert vars(record)["code"] == "UNAVAILABLE"
    assert vars(record)["method"] == "/melisma.v1.MusicService/Generate"
    assert vars(record)["seconds"] >= 0
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


async def test_a_call_that_the_caller_gave_up_is_logged_as_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    runner = FakeRunner(hangs=True)
    async with edge(runner) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        call.cancel()
        await runner.jobs[0].closed.wait()
    assert [vars(record)["code"] for record in calls(caplog)] == ["CANCELLED"]


async def test_a_call_that_ran_out_of_time_is_logged_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    runner = FakeRunner(hangs=True)
    async with edge(runner) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST, timeout=0.2)
        with pytest.raises(grpc.aio.AioRpcError):
            _ = [response async for response in call]
        await runner.jobs[0].closed.wait()
    assert [vars(record)["code"] for record in calls(caplog)] == ["DEADLINE_EXCEEDED"]


async def test_a_song_whose_listener_left_in_the_middle_of_a_message_is_closed() -> None:
    flood = (*FAKE_EVENTS[:1], *(Chunk(n, bytes(100_000), 0, 0.0, 1.0, 0, 0) for n in range(1000)))
    runner = FakeRunner(flood)
    async with edge(runner) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        call.cancel()
        async with asyncio.timeout(10):
            await runner.jobs[0].closed.wait()
