import pytest

from model.song import SongParams
from server.errors import ServiceError, SongCancelled, WorkerLost
from server.song import Accepted, Chunk, SongEvent, SongRequest, SongState
from server.songs.recordings.recorder import Recorder
from server.songs.recordings.recording import Recording
from server.store.base import SongRecord
from tests.support.fake_runner import FAKE_EVENTS

SONG = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 0)
REQUEST = SongRequest("request", "fake", SongParams(prompt="x", lyrics="", seed=7))
EVENTS: tuple[SongEvent, ...] = (Accepted("song-1", 0), *FAKE_EVENTS)


async def nothing(offset: int, size: int) -> bytes:
    raise AssertionError("everything is in memory")


def recorded(*events: SongEvent) -> tuple[Recorder, Recording]:
    recording = Recording(SONG, nothing, linger_seconds=1.0)
    recorder = Recorder(recording, REQUEST, lambda: 5)
    for event in events:
        recorder.append(event)
    return recorder, recording


def kinds(recording: Recording) -> list[str | None]:
    return [entry.message.WhichOneof("event") for entry in recording.entries]


def test_every_event_becomes_a_message_in_its_order() -> None:
    _, recording = recorded(*EVENTS)
    assert kinds(recording) == ["accepted", "plan", "chunk", "finished"]
    assert not recording.ended


@pytest.mark.parametrize(
    ("told", "error", "state", "reason"),
    [
        (EVENTS, None, SongState.COMPLETED, ""),
        (EVENTS[:3], None, SongState.CANCELLED, ""),
        (EVENTS[:3], WorkerLost("gone"), SongState.FAILED, "WORKER_LOST"),
        ((), WorkerLost("gone"), SongState.FAILED, "WORKER_LOST"),
    ],
)
def test_the_end_of_a_song_follows_from_its_events_and_its_error(
    told: tuple[SongEvent, ...], error: ServiceError | None, state: SongState, reason: str
) -> None:
    recorder, recording = recorded(*told)
    recorder.end(error)
    assert (recording.song.state, recording.song.reason, recording.song.ended_ns) == (state, reason, 5)


async def test_an_error_comes_after_what_was_made_before() -> None:
    recorder, recording = recorded(*EVENTS[:3])
    with recording.listened() as told:
        await anext(told)
        recorder.end(WorkerLost("gone"))
        for _ in EVENTS[1:3]:
            await anext(told)
        with pytest.raises(WorkerLost):
            await anext(told)


async def test_whoever_listens_to_a_song_that_is_cancelled_is_told_so() -> None:
    recorder, recording = recorded(*EVENTS[:2])
    with recording.listened() as told:
        await anext(told)
        recorder.end()
        await anext(told)
        with pytest.raises(SongCancelled):
            await anext(told)


def test_after_the_end_nothing_is_told_and_no_other_end_counts() -> None:
    recorder, recording = recorded(*EVENTS[:3])
    recorder.end()
    recorder.append(Chunk(1, b"more", 0, 0.0, 1.0, 5, 0))
    recorder.end(WorkerLost("too late"))
    assert kinds(recording) == ["accepted", "plan", "chunk"]
    assert recording.song.state is SongState.CANCELLED
