import asyncio
import logging

import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from server.errors import WorkerLost
from server.song import Chunk
from tests.support.edge import edge, failure
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner

SECRET = "我的秘密歌词"
REQUEST = music_pb2.GenerateRequest(prompt="pop", lyrics=SECRET)


def calls(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == "call"]


async def test_a_call_is_logged_with_code_and_seconds_and_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await failure(FakeRunner(error=WorkerLost("gone")), REQUEST)
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
