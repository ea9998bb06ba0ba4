import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.open_calls import OpenCalls
from server.errors import WorkerLost
from server.song import Chunk
from tests.support.edge import details_of, edge, failure
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner

SECRET = "我的秘密歌词"
REQUEST = music_pb2.GenerateRequest(prompt="pop", lyrics=SECRET)


def calls(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == "a gRPC call has ended"]


async def test_a_call_is_logged_with_code_and_seconds_and_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await failure(FakeRunner(error=WorkerLost("gone")), REQUEST)
    (record,) = calls(caplog)
    assert vars(record)["code"] == "UNAVAILABLE"
    assert vars(record)["method"] == "/melisma.v1.MusicService/Generate"
    assert vars(record)["seconds"] >= 0
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


async def test_calls_with_one_answer_and_with_many_are_logged_as_good(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with edge(FakeRunner()) as channel:
        await music_pb2_grpc.MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest())
        health: Any = health_pb2_grpc.HealthStub(channel)
        await health.Check(health_pb2.HealthCheckRequest())
        _ = [one async for one in music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)]
    assert [vars(record)["code"] for record in calls(caplog)] == ["OK"] * 3
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


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


FLOOD = (*FAKE_EVENTS[:1], *(Chunk(n, bytes(100_000), 0, 0.0, 1.0, 100_000 * n, 0) for n in range(1000)))


async def exhausted(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


@pytest.mark.parametrize("parts", [False, True], ids=["patience", "drain"])
async def test_a_listener_that_takes_nothing_is_let_go_of_and_learns_it_when_it_reads_again(
    parts: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.api.open_calls.DRAINING_STALL_SECONDS", 0.3)
    caplog.set_level(logging.INFO)
    runner, open_calls = FakeRunner(FLOOD), OpenCalls(60.0 if parts else 0.3)
    async with edge(runner, calls=open_calls) as channel, asyncio.timeout(20):
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        if parts:
            open_calls.start_draining()
        await runner.jobs[0].closed.wait()
        await open_calls.none()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await exhausted(call)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert details_of(error.value)["ErrorInfo"].reason == "LISTENER_STALLED"
    assert [vars(record)["code"] for record in calls(caplog)] == ["UNAVAILABLE"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class Line:
    """A TCP proxy in front of a server; `cut` aborts all of its connections."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def to(self, port: int) -> AsyncIterator[int]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            self._writers += [writer, back]
            await asyncio.gather(forward(reader, back), forward(there, writer))

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await reader.read(1 << 16):
                    writer.write(data)
                    await writer.drain()

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]
            self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def test_a_connection_that_dies_is_a_listener_that_left_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for reads in (1, 30):
        runner, line = FakeRunner(FLOOD), Line()
        async with edge(runner, way=line.to) as channel, asyncio.timeout(20):
            call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
            for _ in range(reads):
                await call.read()
            await asyncio.sleep(0.3)  # until a message waits for the client
            line.cut()
            await runner.jobs[0].closed.wait()
    assert [vars(record)["code"] for record in calls(caplog)] == ["CANCELLED"] * 2
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_song_whose_listener_left_in_the_middle_of_a_message_is_closed() -> None:
    runner = FakeRunner(FLOOD)
    async with edge(runner) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        call.cancel()
        async with asyncio.timeout(10):
            await runner.jobs[0].closed.wait()
