from typing import Any

import grpc
import pytest

from benchmarks.attacks import payloads
from melisma.v1 import music_pb2, music_pb2_grpc
from server.api.grpc import error_mapping
from server.errors import SongFailed, WorkerLost
from tests.support.edge import details_of, edge, failure, raw_call
from tests.support.fake_runner import FakeRunner

REQUEST = music_pb2.GenerateRequest(prompt="pop", lyrics="我的秘密歌词")


async def test_an_error_in_the_middle_of_a_stream_keeps_its_status() -> None:
    error = await failure(FakeRunner(error=WorkerLost("the worker died; ask again")), REQUEST)
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "the worker died; ask again")
    assert details_of(error)["ErrorInfo"].reason == "WORKER_LOST"


@pytest.mark.parametrize("runner", [FakeRunner(refusal=RuntimeError("hidden")), FakeRunner(error=SongFailed("hidden"))])
async def test_a_bug_is_logged_whole_and_told_as_internal(runner: FakeRunner, caplog: pytest.LogCaptureFixture) -> None:
    error = await failure(runner, REQUEST)
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


HOSTILE = {
    "/melisma.v1.MusicService/Generate": payloads.empty_notes(1_000_000),
    "/melisma.v1.MusicService/Listen": payloads.unknown_fields(1_000_000),
    "/melisma.v1.MusicService/GetSong": b"\x0a\x00" * 5_000,
    "/melisma.v1.MusicService/ListSongs": b"\x12\x90\x4e" + b"a" * 10_000,
    "/melisma.v1.MusicService/ListEngines": b"\x08\x01" * 5_000,
    "/melisma.v1.MusicService/GetEngine": payloads.nested_unknown(50),
    "/melisma.v1.MusicService/CancelSong": payloads.unknown_fields(1_000_000),
    "/grpc.health.v1.Health/Check": payloads.unknown_fields(1_000_000),
    "/grpc.health.v1.Health/Watch": payloads.unknown_fields(1_000_000),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": payloads.unknown_fields(1_000_000),
}


async def test_no_method_parses_more_than_its_requests_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(parse: object, data: bytes) -> None:
        raise AssertionError(f"{len(data)} bytes are parsed")

    monkeypatch.setattr(error_mapping, "parsed", never)
    wrong = {}
    async with edge(FakeRunner()) as channel:
        for method, data in HOSTILE.items():
            call: Any = channel.stream_stream(method) if "Reflection" in method else channel.unary_stream(method)
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call(iter([data]) if "Reflection" in method else data, timeout=10.0).read()
            if error.value.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                wrong[method] = error.value
    assert not wrong
