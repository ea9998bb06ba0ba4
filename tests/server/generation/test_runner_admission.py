import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from server.errors import (
    DeadlineTooShort,
    Draining,
    EngineNotReady,
    InvalidRequest,
    Overloaded,
    QuotaExceeded,
    SongDeadlineExceeded,
    UnknownEngine,
)
from server.song import QueueStatus, SongCompleted
from server.songs.ports import Room
from server.store.whole_service import QueueFull
from server.telemetry.metrics import Metrics
from tests.support.runners import ENDLESS_SECONDS, NARROW, request, running


async def test_impossible_parameters_are_refused_with_their_fields() -> None:
    async with running() as bench:
        with pytest.raises(InvalidRequest) as refusal:
            await bench.submit(request("invalid")).told()
    assert [violation.field for violation in refusal.value.violations] == ["lyrics"]


async def test_engines_that_are_unknown_or_missing_are_refused_at_once() -> None:
    async with running() as bench:
        with pytest.raises(UnknownEngine):
            bench.submit(request(engine="nonsense"))
        with pytest.raises(EngineNotReady, match="make weights"):
            bench.submit(request(engine="missing"))
        assert (bench.runner.ready("fake"), bench.runner.ready("missing"), list(bench.runner.engines())) == (
            True,
            False,
            ["fake"],
        )


async def test_the_room_of_a_runner_is_that_of_its_settings_and_its_songs() -> None:
    async with running(devices=(NARROW,), max_queued_songs=16) as bench:
        assert bench.runner.room() == Room(slots=1, queued=16, kept=2, free=1)
        first, second = bench.submit(request()), bench.submit(request())
        assert bench.runner.room().free == -1
        await asyncio.gather(first.told(), second.told())
        assert bench.runner.room().free == 1
        assert bench.submit(request()).accepted.estimated_first_audio_seconds is not None


async def test_the_refusals_of_the_directory_are_told_with_advice_and_counted() -> None:
    registry = CollectorRegistry()
    async with running(metrics=Metrics(registry, engines=["fake"], devices=["cpu"])) as bench:
        refusal = bench.runner.refusal(request(), QueueFull(9))
        assert isinstance(refusal, Overloaded)
        assert (refusal.retry_after_seconds or 0.0) > 0
        quota = QuotaExceeded("concurrent_songs", "1 songs at once", 5.0)
        assert bench.runner.refusal(request(), quota) is quota
    for reason in ("overloaded", "quota_exceeded"):
        labels = {"engine": "fake", "reason": reason}
        assert registry.get_sample_value("melisma_songs_refused_total", labels) == 1.0


async def test_a_passed_deadline_ends_the_song() -> None:
    async with running() as bench:
        with pytest.raises(SongDeadlineExceeded):
            await bench.submit(request(duration_seconds=ENDLESS_SECONDS, deadline=0.0)).told()
        await bench.runner.idle()


async def test_after_drain_running_songs_end_and_new_ones_are_refused() -> None:
    async with running() as bench:
        job = bench.submit(request())
        bench.runner.drain()
        with pytest.raises(Draining):
            bench.submit(request())
        await bench.runner.idle()
        assert isinstance((await job.told())[-1], SongCompleted)


async def test_a_song_that_waits_gives_signs_of_life_with_its_place() -> None:
    async with running(devices=(NARROW,), heartbeat_seconds=0.05, stream_buffer_bytes=1024) as bench:
        jobs = [bench.submit(request(duration_seconds=ENDLESS_SECONDS)) for _ in range(3)]
        for place, job in enumerate(jobs):
            if place:
                events = job.events()
                signs = [await anext(events) for _ in range(3)]
                assert signs == [QueueStatus(place)] * 3


async def test_once_a_song_was_measured_others_are_foretold() -> None:
    registry = CollectorRegistry()
    async with running(metrics=Metrics(registry, engines=["fake"], devices=["cpu"])) as bench:
        first = bench.submit(request())
        await first.told()
        assert (first.accepted.estimated_first_audio_seconds, first.accepted.estimated_finish_seconds) == (None, None)
        second = bench.submit(request())
        await second.told()
    told_first, told_finish = second.accepted.estimated_first_audio_seconds, second.accepted.estimated_finish_seconds
    assert told_first is not None
    assert told_finish is not None
    assert 0.0 < told_first <= told_finish < 10.0
    for what in ("first_audio", "finish"):
        labels = {"engine": "fake", "estimate": what}
        assert registry.get_sample_value("melisma_estimate_ratio_count", labels) == 1.0


async def test_a_deadline_that_cannot_be_met_is_refused_at_once() -> None:
    async with running(devices=(NARROW,)) as bench:
        await bench.submit(request()).told()
        endless = bench.submit(request(duration_seconds=ENDLESS_SECONDS))
        await endless.first_chunk()
        with pytest.raises(DeadlineTooShort) as refusal:
            bench.submit(request(duration_seconds=10.0, deadline=time.monotonic() + 1.0))
        assert (refusal.value.retry_after_seconds or 0.0) > 0
        with pytest.raises(DeadlineTooShort, match="allow at least") as alone:
            bench.submit(request(duration_seconds=200.0, deadline=time.monotonic() + 1e-4))
        assert alone.value.retry_after_seconds is None
        bench.submit(request(duration_seconds=200.0, deadline=time.monotonic() + 3600.0))
