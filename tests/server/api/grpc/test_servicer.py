import logging
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from server.errors import Overloaded
from server.song import Chunk
from tests.support.edge import details_of, edge
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner

REQUEST = music_pb2.GenerateRequest(prompt="pop", seed=5)


async def test_a_song_is_accepted_planned_sent_and_finished() -> None:
    async with edge(FakeRunner()) as channel:
        responses = [r async for r in music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)]
    assert [r.event.WhichOneof("event") for r in responses] == ["accepted", "plan", "chunk", "finished"]
    assert responses[0].event.accepted.seed == 5


async def test_the_acceptance_does_not_wait_for_the_song() -> None:
    async with edge(FakeRunner((), hangs=True)) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        first = await call.read()
        assert isinstance(first, music_pb2.GenerateResponse)
        assert first.event.accepted.song_id == "song-1"
        call.cancel()


async def test_an_accepted_song_is_logged_by_its_names(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    request_id = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"
    async with edge(FakeRunner()) as channel:
        request = music_pb2.GenerateRequest(prompt="pop", request_id=request_id)
        _ = [r async for r in music_pb2_grpc.MusicServiceStub(channel).Generate(request)]
    (record,) = [record for record in caplog.records if record.getMessage() == "a song was accepted"]
    assert (vars(record)["request_id"], vars(record)["song_id"]) == (request_id, "song-1")


async def test_a_song_is_closed_when_its_stream_is_complete() -> None:
    runner = FakeRunner()
    async with edge(runner) as channel:
        _ = [r async for r in music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)]
        assert runner.jobs[0].closed.is_set()


async def test_a_song_is_closed_when_its_caller_cancels() -> None:
    runner = FakeRunner(hangs=True)
    async with edge(runner) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)
        await call.read()
        call.cancel()
        await runner.jobs[0].closed.wait()


async def test_the_callers_deadline_goes_to_the_runner_on_its_clock() -> None:
    runner = FakeRunner()
    async with edge(runner) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        _ = [r async for r in stub.Generate(REQUEST, timeout=1000)]
        _ = [r async for r in stub.Generate(REQUEST, timeout=2000)]
        _ = [r async for r in stub.Generate(REQUEST)]
    near, far, never = [request.deadline for request in runner.requests]
    assert near is not None
    assert far is not None
    assert 900 < far - near < 1100
    assert never is None


async def test_the_callers_name_goes_to_the_runner() -> None:
    runner = FakeRunner()
    async with edge(runner) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        _ = [r async for r in stub.Generate(REQUEST, metadata=(("x-caller", " radio "),))]
        _ = [r async for r in stub.Generate(REQUEST)]
    assert [request.caller for request in runner.requests] == ["radio", "anonymous"]


async def test_a_callers_name_that_is_too_long_is_an_invalid_argument() -> None:
    async with edge(FakeRunner()) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST, metadata=(("x-caller", "a" * 65),))
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [r async for r in call]
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == ["x-caller"]


async def test_a_full_queue_refuses_before_the_first_message() -> None:
    async with edge(FakeRunner(refusal=Overloaded("full", 2.0))) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [r async for r in music_pb2_grpc.MusicServiceStub(channel).Generate(REQUEST)]
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error.value)["RetryInfo"].retry_delay.seconds == 2


async def test_a_hostile_midi_file_is_an_invalid_argument() -> None:
    request = music_pb2.GenerateRequest(prompt="pop", engine="opera", anchor=music_pb2.Anchor(midi=b"MThd"))
    async with edge(FakeRunner()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [r async for r in music_pb2_grpc.MusicServiceStub(channel).Generate(request)]
    assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == ["anchor.midi"]


async def test_engines_are_listed_loaded_or_not() -> None:
    runner = FakeRunner(info=None)
    async with edge(runner) as channel:
        engines = (await music_pb2_grpc.MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest())).engines
    assert [(engine.name, engine.ready) for engine in engines] == [("fake", False)]


async def test_a_page_of_engines_that_is_none_is_an_invalid_argument() -> None:
    async with edge(FakeRunner()) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        for field, value in (("page_token", "!"), ("page_token", "b3BlcmE="), ("page_size", -1)):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stub.ListEngines(music_pb2.ListEnginesRequest(**{field: value}))  # type: ignore[arg-type]
            assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == [field]


@pytest.mark.parametrize("size", [201, 2**31 - 1])
async def test_the_size_of_a_page_is_lowered_and_never_below_zero(size: int) -> None:
    async with edge(FakeRunner()) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        assert len((await stub.ListEngines(music_pb2.ListEnginesRequest(page_size=size))).engines) == 1
        assert not (await stub.ListSongs(music_pb2.ListSongsRequest(page_size=size))).songs
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.ListSongs(music_pb2.ListSongsRequest(page_size=-1))
    assert [v.field for v in details_of(error.value)["BadRequest"].field_violations] == ["page_size"]


async def test_an_engine_is_found_by_name() -> None:
    async with edge(FakeRunner()) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        engine = (await stub.GetEngine(music_pb2.GetEngineRequest(name="fake"))).engine
    assert (engine.name, engine.ready, list(engine.devices)) == ("fake", True, ["cpu"])


async def test_an_engine_that_is_not_configured_is_not_found() -> None:
    async with edge(FakeRunner()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await music_pb2_grpc.MusicServiceStub(channel).GetEngine(music_pb2.GetEngineRequest(name="opera"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_song_that_has_ended_is_deleted_and_its_listeners_are_told() -> None:
    async with edge(FakeRunner(hangs=True)) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        call = stub.Generate(REQUEST)
        await call.read()
        asked = music_pb2.DeleteSongRequest(song_id="song-1")
        assert await refusal(stub.DeleteSong(asked)) == (grpc.StatusCode.FAILED_PRECONDITION, "SONG_NOT_ENDED")
        await stub.CancelSong(music_pb2.CancelSongRequest(song_id="song-1"))
        assert await stub.DeleteSong(asked) == music_pb2.DeleteSongResponse()
        for again in (
            stub.DeleteSong(asked),
            stub.GetSong(music_pb2.GetSongRequest(song_id="song-1")),
            stub.CancelSong(music_pb2.CancelSongRequest(song_id="song-1")),
            stub.Listen(music_pb2.ListenRequest(song_id="song-1")).read(),
        ):
            assert await refusal(again) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_SONG")
        assert not (await stub.ListSongs(music_pb2.ListSongsRequest())).songs
        nameless = stub.DeleteSong(music_pb2.DeleteSongRequest())
        assert await refusal(nameless) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


async def test_a_listener_of_a_song_that_is_deleted_gets_not_found() -> None:
    # More sound than a connection holds for a listener who does not read.
    sounds = tuple(Chunk(number, bytes(1 << 18), 0, float(number), 1.0, number << 18, 0) for number in range(120))
    async with edge(FakeRunner((FAKE_EVENTS[0], *sounds, FAKE_EVENTS[-1]))) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        _ = [r async for r in stub.Generate(REQUEST)]
        listening = stub.Listen(music_pb2.ListenRequest(song_id="song-1"))
        await listening.read()
        await stub.DeleteSong(music_pb2.DeleteSongRequest(song_id="song-1"))
        assert await refusal(drained(listening)) == (grpc.StatusCode.NOT_FOUND, "SONG_DELETED")


async def drained(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """Return the status code and the reason (ErrorInfo) with which a call fails."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code(), details_of(error.value)["ErrorInfo"].reason
