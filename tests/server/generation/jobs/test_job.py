import asyncio
import gc
import weakref
from collections.abc import Callable, Mapping
from functools import partial

import pytest

from model.song import Violation, Window
from server.errors import InvalidRequest, ServiceError, SongFailed, WorkerLost
from server.song import (
    Accepted,
    AudioSettings,
    Chunk,
    Planned,
    Progressed,
    SectionSent,
    SongCompleted,
    SongEvent,
    SongState,
)
from server.telemetry.song_metrics import SongVerdict
from tests.server.generation.jobs.ear import listening
from tests.support.fakes import FakeEncoder
from tests.support.sinks import ReadSink


class BrokenEncoder(FakeEncoder):
    def finish(self) -> bytes:
        raise ValueError("a secret of ours")


class TaggedEncoder(FakeEncoder):
    """The fake encoder, whose first frame contains the song's tags."""

    def __init__(
        self, source_rate_hertz: int, audio: AudioSettings, *, tags: Mapping[str, str], sample_count: int | None
    ) -> None:
        super().__init__(source_rate_hertz, audio, tags=tags)
        self._tags = repr(dict(tags)).encode()

    def feed(self, window: Window) -> bytes:
        return self._tags + super().feed(window)


async def test_a_song_is_told_from_its_plan_to_its_sum() -> None:
    async with listening() as ear:
        ear.clock.now = 3.0
        ear.plan()
        ear.render(2.0)
        ear.render(0.0, last=True)
        events = [event async for event in ear.sink.events()]
    assert [type(event) for event in events if not isinstance(event, Chunk)] == [
        Planned,
        Progressed,
        SectionSent,
        SongCompleted,
    ]
    completed = events[-1]
    assert isinstance(completed, SongCompleted)
    assert (completed.queued_seconds, completed.denoising_seconds, completed.rendering_seconds) == (3.0, 0.25, 1.0)
    assert ear.ends == [SongState.COMPLETED]


async def test_the_tags_name_the_song_and_what_made_it_without_what_is_empty() -> None:
    async with listening(encoder=TaggedEncoder) as ear:
        ear.plan()
        ear.render(0.5)
        events = ear.sink.events()
        chunk = [await anext(events) for _ in range(3)][-1]
    assert isinstance(chunk, Chunk)
    assert chunk.data.startswith(repr({"title": "happy", "engine": "fake", "seed": "7", "prompt": "happy"}).encode())


async def test_the_first_chunk_comes_before_the_rest_of_the_section() -> None:
    async with listening() as ear:
        ear.plan()
        ear.render(0.5)
        events = ear.sink.events()
        assert [type(await anext(events)) for _ in range(3)] == [Planned, Progressed, Chunk]


async def test_sound_that_waits_for_the_encoder_makes_the_job_full_until_it_is_encoded() -> None:
    async with listening() as ear:
        ear.plan()
        for _ in range(5):
            ear.render(1.0)
        assert (ear.job.full, ear.job.unsent_seconds) == (True, 5.0)
        events = ear.sink.events()
        heard = 0.0
        while heard < 4.5:
            event = await anext(events)
            heard += event.duration_seconds if isinstance(event, Chunk) else 0.0
        assert (ear.job.full, ear.rooms) == (False, ["room"])


async def test_a_paused_job_is_full_and_makes_room_when_it_is_resumed() -> None:
    async with listening() as ear:
        ear.job.pause()
        assert (ear.job.full, ear.rooms) == (True, [])
        ear.job.resume()
        assert (ear.job.full, ear.rooms) == (False, ["room"])


async def test_taking_the_chunk_that_filled_the_stream_makes_room() -> None:
    async with listening(buffer_bytes=100) as ear:
        ear.plan()
        ear.render(0.5)
        events = ear.sink.events()
        taken = [await anext(events) for _ in range(3)]
        assert isinstance(taken[-1], Chunk)
        assert ear.rooms == ["room"]


async def test_a_cancelled_song_ends_without_an_error_and_takes_nothing_more() -> None:
    async with listening() as ear:
        ear.plan()
        ear.job.cancel()
        ear.render(1.0, last=True)
        assert not any([isinstance(event, Chunk | SongCompleted) async for event in ear.sink.events()])
    assert ear.ends == [SongState.CANCELLED]


async def test_cancelling_twice_ends_once() -> None:
    async with listening() as ear:
        ear.job.cancel()
        ear.job.cancel()
    assert ear.ends == [SongState.CANCELLED]


async def test_a_failure_reaches_the_listener_and_later_ends_do_not_matter() -> None:
    async with listening() as ear:
        ear.job.fail(WorkerLost("gone"))
        ear.job.fail(SongFailed("too late"))
        with pytest.raises(WorkerLost):
            await anext(ear.sink.events())
    assert ear.ends == [SongState.FAILED]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(InvalidRequest(Violation("lyrics", "cannot be sung")), "rejected"), (SongFailed("a bug"), "failed")],
)
async def test_a_request_that_cannot_be_fulfilled_counts_as_no_failure(error: ServiceError, outcome: str) -> None:
    async with listening() as ear:
        ear.job.fail(error)
    counted = {
        sample.labels["outcome"]: sample.value
        for metric in ear.registry.collect()
        for sample in metric.samples
        if sample.name == "melisma_songs_ended_total" and sample.value
    }
    assert counted == {outcome: 1.0}


async def test_a_broken_encoder_fails_the_song_without_telling_why() -> None:
    async with listening(encoder=BrokenEncoder) as ear:
        ear.plan()
        ear.render(0.0, last=True)
        with pytest.raises(SongFailed) as failure:
            [event async for event in ear.sink.events()]
    assert "secret" not in str(failure.value)


class BrokenSink(ReadSink):
    """A sink of events that raises an error at the first chunk."""

    def append(self, event: SongEvent) -> None:
        if isinstance(event, Chunk):
            raise ValueError("a secret of ours")
        super().append(event)


async def test_a_bug_behind_the_sink_fails_the_song_without_telling_why(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(sink=BrokenSink()) as ear:
        ear.plan()
        ear.render(1.0)
        with pytest.raises(SongFailed) as failure:
            [event async for event in ear.sink.events()]
    assert "secret" not in str(failure.value)
    assert "secret" in caplog.text
    assert ear.ends == [SongState.FAILED]


async def test_the_first_event_of_every_song_is_that_it_was_accepted() -> None:
    async with listening() as ear:
        assert ear.sink.accepted == Accepted("song", 0, None)


async def test_a_section_without_a_score_fails_its_song_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as ear:
        ear.plan()
        ear.render(1.0, last=True, score=None)
        with pytest.raises(SongFailed):
            [event async for event in ear.sink.events()]
    assert "no score" in caplog.text


@pytest.mark.parametrize("complete", [True, False])
async def test_an_ended_song_leaves_the_memory_without_the_garbage_collector(complete: bool) -> None:
    opened: list[weakref.ref[object]] = []

    class WatchedEncoder(FakeEncoder):
        def __init__(
            self, source_rate_hertz: int, audio: AudioSettings, *, tags: Mapping[str, str], sample_count: int | None
        ) -> None:
            super().__init__(source_rate_hertz, audio, tags=tags)
            opened.append(weakref.ref(self))

    gc.disable()
    try:
        async with listening(encoder=WatchedEncoder) as ear:
            job = weakref.ref(ear.job)
            ear.plan()
            ear.render(1.0, last=complete)
            events = ear.sink.events()
            while not isinstance(await anext(events), SongCompleted if complete else Chunk):
                pass
            ear.job.cancel()
            await gone(opened[0])
        del ear
        await gone(job)
    finally:
        gc.enable()


async def gone(one: Callable[[], object | None]) -> None:
    async with asyncio.timeout(10.0):
        while one() is not None:
            await asyncio.sleep(0.001)


async def test_latency_is_without_the_time_in_which_listeners_held_the_song_back() -> None:
    """No listener reads the first chunk from 10 s until 100 s."""
    async with listening(buffer_bytes=1) as ear, asyncio.timeout(10.0):
        ear.plan()
        ear.clock.now = 10.0
        ear.render(1.0)
        while not ear.job.full:
            await asyncio.sleep(0)
        ear.clock.now = 100.0
        events = ear.sink.events()
        while not isinstance(await anext(events), Chunk):
            pass
        ear.render(1.0)
        ear.render(0.0, last=True)
        async for _ in events:
            pass
        value = partial(ear.registry.get_sample_value, labels={"engine": "fake"})
        assert value("melisma_song_latency_seconds_sum") == pytest.approx(10.0)
        assert value("melisma_song_realtime_factor_sum") == pytest.approx(0.2)
        assert value("melisma_song_held_seconds_total") == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("seconds", "error", "verdict"), [(0.0, None, "good"), (3.0, None, "stalled"), (3.0, SongFailed("x"), "failed")]
)
async def test_a_song_is_good_when_it_is_complete_and_never_ran_out_of_sound(
    seconds: float, error: ServiceError | None, verdict: str
) -> None:
    async with listening() as ear, asyncio.timeout(10.0):
        ear.plan()
        ear.render(1.0)
        events = ear.sink.events()
        while not isinstance(await anext(events), Chunk):
            pass
        ear.clock.now = seconds
        ear.render(1.0)
        while not isinstance(await anext(events), Chunk):
            pass
        if error is None:
            ear.render(0.0, last=True)
            async for _ in events:
                pass
        else:
            ear.job.fail(error)
        told = {
            one: ear.registry.get_sample_value("melisma_songs_judged_total", labels)
            for one in SongVerdict
            for labels in [{"engine": "fake", "verdict": one.value}]
        }
        assert told == {**dict.fromkeys(SongVerdict, 0.0), SongVerdict(verdict): 1.0}


async def test_a_cancelled_song_has_no_verdict() -> None:
    async with listening() as ear:
        ear.plan()
        ear.job.cancel()
        assert not sum(
            ear.registry.get_sample_value("melisma_songs_judged_total", {"engine": "fake", "verdict": one.value}) or 0.0
            for one in SongVerdict
        )
