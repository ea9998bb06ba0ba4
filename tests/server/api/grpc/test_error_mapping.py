import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
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
