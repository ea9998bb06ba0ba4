import asyncio
import os
import signal

import pytest
from prometheus_client import CollectorRegistry

from server.errors import (
    UnknownEngine,
)
from server.song import Chunk, Planned, Progressed, SectionSent, SongCompleted
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import expose_depths
from tests.support.fakes import SECTION_COST
from tests.support.runners import BESIDE, ENDLESS_SECONDS, NARROW, heard_more, request, running
from tests.support.workers.engines import LONG_STEPS


async def test_a_song_is_made_from_its_request_to_its_sum() -> None:
    async with running() as bench:
        events = await bench.submit(request()).told()
    kinds = [type(event) for event in events]
    assert kinds[0] is Planned
    assert kinds[-1] is SongCompleted
    assert kinds.count(SectionSent) == 2
    assert {Progressed, Chunk} < set(kinds)


async def test_a_song_is_the_same_alone_and_beside_others() -> None:
    async with running() as bench:
        alone = await bench.submit(request(seed=5)).sound()
        crowd = [bench.submit(request(seed=seed, steps=3 + seed)) for seed in range(5)]
        beside = bench.submit(request(seed=5))
        sounds = await asyncio.gather(*(song.sound() for song in [beside, *crowd]))
    assert sounds[0] == alone
    assert len(set(sounds)) == 6


async def test_a_song_that_nobody_reads_stops_being_made_and_leaves_the_device_to_others() -> None:
    async with running(stream_buffer_bytes=4096) as bench:
        unread = bench.submit(request(duration_seconds=ENDLESS_SECONDS))
        await bench.submit(request(duration_seconds=200.0)).told()
        assert unread.job.full
        assert unread.job.unsent_seconds < 60.0


async def test_a_song_goes_on_when_its_listener_reads_again() -> None:
    async with running(stream_buffer_bytes=1024) as bench:
        slow = bench.submit(request(duration_seconds=60.0))
        await bench.submit(request(duration_seconds=60.0)).told()
        events = await slow.told()
    assert isinstance(events[-1], SongCompleted)


async def test_songs_cancelled_in_the_middle_of_a_step_cost_no_worker_that_renders_beside() -> None:
    async with running(devices=(BESIDE,), engines=(LONG_STEPS,)) as bench:
        worker = bench.pool.pids["cpu"]
        for _ in range(3):
            song = bench.submit(request(steps=100))
            async for event in song.events():
                if isinstance(event, Progressed):
                    song.job.cancel()
        assert isinstance((await bench.submit(request(steps=1)).told())[-1], SongCompleted)
        assert bench.pool.pids["cpu"] == worker


async def test_a_cancelled_song_makes_place_within_a_step() -> None:
    async with running(devices=(NARROW,), max_queued_songs=0) as bench:
        song = bench.submit(request(duration_seconds=ENDLESS_SECONDS))
        await song.first_chunk()
        song.job.cancel()
        assert isinstance((await bench.submit(request()).told())[-1], SongCompleted)


async def test_a_worker_that_renders_beside_denoising_makes_the_same_songs() -> None:
    async with running() as bench:
        expected = [await bench.submit(request(seed=seed)).sound() for seed in range(4)]
    async with running(devices=(BESIDE,)) as bench:
        jobs = [bench.submit(request(seed=seed)) for seed in range(4)]
        assert await asyncio.gather(*(song.sound() for song in jobs)) == expected


async def test_what_happens_is_measured() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, engines=["fake"], devices=["cpu"])
    async with running(metrics=metrics, retries=10) as bench:
        expose_depths(registry, bench.runner.depths)
        with pytest.raises(UnknownEngine):
            bench.submit(request(engine="nonsense"))
        jobs = [bench.submit(request(duration_seconds=20.0))]
        sounds = asyncio.gather(*(song.sound() for song in jobs))
        await heard_more(jobs)
        assert registry.get_sample_value("melisma_running_songs", {"engine": "fake"}) == 1
        os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
        await sounds
    engine, device = {"engine": "fake"}, {"device": "cpu"}
    expected: list[tuple[str, dict[str, str], float]] = [
        ("songs_accepted_total", engine, 1.0),
        ("songs_refused_total", {"engine": "unknown", "reason": "unknown_engine"}, 1.0),
        ("songs_retried_total", {**engine, "reason": "worker_lost"}, 1.0),
        ("songs_ended_total", {**engine, "outcome": "completed"}, 1.0),
        ("first_audio_seconds_count", engine, 1.0),
        ("song_queue_seconds_count", engine, 1.0),
        ("song_underrun_seconds_count", engine, 1.0),
        ("worker_restarts_total", device, 1.0),
        ("worker_up", device, 0.0),
        ("sound_seconds_total", engine, 20.0),
    ]
    for name, labels, value in expected:
        assert registry.get_sample_value(f"melisma_{name}", labels) == pytest.approx(value), name
    steps = registry.get_sample_value("melisma_step_seconds_count", {**engine, **device})
    tokens = registry.get_sample_value("melisma_step_tokens_total", {**engine, **device})
    assert steps is not None
    assert tokens == steps * SECTION_COST
    assert registry.get_sample_value("melisma_rendered_sound_seconds_total", {**engine, **device})
    assert registry.get_sample_value("melisma_device_busy_seconds_total", {**device, "lane": "both"})
