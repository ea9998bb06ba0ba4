import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from server.errors import (
    DeadlineTooShort,
    Draining,
    EngineNotReady,
    InvalidRequest,
    OutOfMemory,
    Overloaded,
    PoisonedRequest,
    SongDeadlineExceeded,
    SongFailed,
    UnknownEngine,
    WorkerLost,
)
from server.generation.job import Job
from server.generation.runner import Runner, RunnerSettings
from server.song import (
    AudioSettings,
    Chunk,
    Planned,
    Progressed,
    SectionSent,
    SongCompleted,
    SongEvent,
    SongRequest,
    Waiting,
)
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import expose_depths
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane
from tests.support.fakes import FAKE, FRAGILE, MISSING, RATE_HERTZ, SECTION_COST, SECTION_SECONDS, FakeEncoder, params
from tests.support.workers import WatchedPool

CPU = DeviceSpec("cpu", "cpu", running_songs=8)
SETTINGS = RunnerSettings(devices=(CPU,), engines=(FAKE, MISSING), encoder_threads=2, restart_backoff_seconds=0.0)
NARROW = DeviceSpec("cpu", "cpu", running_songs=1)
ENDLESS_SECONDS = 4000.0


class WatchedRunner(Runner):
    """A runner that shows the processes of its workers."""

    def __init__(self, settings: RunnerSettings, metrics: Metrics | None) -> None:
        self._workers = WatchedPool(
            settings.devices,
            settings.engines,
            worker_threads=settings.worker_threads,
            exchange_timeout_seconds=settings.exchange_timeout_seconds,
            load_timeout_seconds=settings.load_timeout_seconds,
            restart_backoff_seconds=settings.restart_backoff_seconds,
        )
        super().__init__(settings, self._workers, encoder_factory=FakeEncoder, metrics=metrics)

    def worker_pids(self) -> Mapping[str, int]:
        return self._workers.pids


@asynccontextmanager
async def running(metrics: Metrics | None = None, **changes: Any) -> AsyncIterator[WatchedRunner]:
    runner = WatchedRunner(replace(SETTINGS, **changes), metrics)
    await runner.start()
    try:
        await runner.wait_ready(30.0)
        async with asyncio.timeout(30.0):
            yield runner
    finally:
        await runner.stop(grace_seconds=0.0)


def request(prompt: str = "", engine: str = "fake", deadline: float | None = None, **changes: object) -> SongRequest:
    audio = AudioSettings(sample_rate_hertz=RATE_HERTZ)
    return SongRequest("request", engine, params(prompt, **changes), audio, deadline)


async def told(job: Job) -> list[SongEvent]:
    return [event async for event in job.events()]


async def sound_of(job: Job) -> bytes:
    return b"".join(event.data for event in await told(job) if isinstance(event, Chunk))


async def first_chunk(events: AsyncIterator[SongEvent]) -> Chunk:
    async for event in events:
        if isinstance(event, Chunk):
            return event
    raise AssertionError("the song ended without a sound")


async def test_a_song_is_made_from_its_request_to_its_sum() -> None:
    async with running() as runner:
        events = await told(runner.submit(request()))
    kinds = [type(event) for event in events]
    assert kinds[0] is Planned
    assert kinds[-1] is SongCompleted
    assert kinds.count(SectionSent) == 2
    assert {Progressed, Chunk} < set(kinds)


async def test_a_song_is_the_same_alone_and_beside_others() -> None:
    async with running() as runner:
        alone = await sound_of(runner.submit(request(seed=5)))
        crowd = [runner.submit(request(seed=seed, steps=3 + seed)) for seed in range(5)]
        beside = runner.submit(request(seed=5))
        sounds = await asyncio.gather(*map(sound_of, [beside, *crowd]))
    assert sounds[0] == alone
    assert len(set(sounds)) == 6


async def test_a_song_that_nobody_reads_stops_being_made_and_leaves_the_device_to_others() -> None:
    async with running(stream_buffer_bytes=4096) as runner:
        unread = runner.submit(request(duration_seconds=ENDLESS_SECONDS))
        await told(runner.submit(request(duration_seconds=200.0)))
        assert unread.full
        assert unread.unsent_seconds < 60.0


async def test_a_song_goes_on_when_its_listener_reads_again() -> None:
    async with running(stream_buffer_bytes=1024) as runner:
        slow = runner.submit(request(duration_seconds=60.0))
        await told(runner.submit(request(duration_seconds=60.0)))
        events = await told(slow)
    assert isinstance(events[-1], SongCompleted)


async def test_a_cancelled_song_makes_place_within_a_step() -> None:
    async with running(devices=(NARROW,), max_queued_songs=0) as runner:
        async with runner.submit(request(duration_seconds=ENDLESS_SECONDS)) as job:
            await first_chunk(job.events())
        assert isinstance((await told(runner.submit(request())))[-1], SongCompleted)


async def test_a_poisoned_song_costs_the_others_nothing() -> None:
    async with running() as runner:
        alone = await sound_of(runner.submit(request(seed=5)))
        poisoned, beside = runner.submit(request("poison")), runner.submit(request(seed=5))
        with pytest.raises(SongFailed) as failure:
            await told(poisoned)
        assert "secret" not in str(failure.value)
        assert await sound_of(beside) == alone


async def test_impossible_parameters_are_refused_with_their_fields() -> None:
    async with running() as runner:
        with pytest.raises(InvalidRequest) as refusal:
            await told(runner.submit(request("invalid")))
    assert [violation.field for violation in refusal.value.violations] == ["lyrics"]


async def test_engines_that_are_unknown_or_missing_are_refused_at_once() -> None:
    async with running() as runner:
        with pytest.raises(UnknownEngine):
            runner.submit(request(engine="nonsense"))
        with pytest.raises(EngineNotReady, match="make weights"):
            runner.submit(request(engine="missing"))
        assert (runner.ready("fake"), runner.ready("missing"), list(runner.engines())) == (True, False, ["fake"])


async def test_songs_beyond_the_queue_are_refused_until_one_ends() -> None:
    async with running(devices=(NARROW,), max_queued_songs=1) as runner:
        first, second = runner.submit(request()), runner.submit(request())
        assert [job.accepted.queue_position for job in (first, second)] == [0, 1]
        with pytest.raises(Overloaded):
            runner.submit(request())
        await told(first)
        third = runner.submit(request())
        assert third.accepted.estimated_first_audio_seconds is not None
        await asyncio.gather(told(second), told(third))


@pytest.mark.parametrize("prompt", ["crash", "hang"])
async def test_a_request_that_ends_workers_is_given_up_and_its_neighbours_are_not(prompt: str) -> None:
    async with running(exchange_timeout_seconds=2.0) as runner:
        alone = await sound_of(runner.submit(request(seed=5)))
        neighbour = runner.submit(request(seed=5))
        poisoned = runner.submit(request(prompt))
        with pytest.raises(PoisonedRequest):
            await told(poisoned)
        with pytest.raises(PoisonedRequest):
            runner.submit(request(prompt, seed=99))
        assert await sound_of(neighbour) == alone


async def test_a_song_that_fits_on_no_device_says_so() -> None:
    async with running(retries=1) as runner:
        with pytest.raises(OutOfMemory):
            await told(runner.submit(request("no memory")))
        assert isinstance((await told(runner.submit(request())))[-1], SongCompleted)


async def test_songs_whose_worker_is_killed_go_on_and_sound_the_same() -> None:
    async with running(retries=10) as runner:
        requests = [request(seed=seed, duration_seconds=40.0) for seed in range(4)]
        undisturbed = [await sound_of(runner.submit(one)) for one in requests]
        jobs = [runner.submit(one) for one in requests]
        sounds = asyncio.gather(*map(sound_of, jobs))
        for _ in range(3):
            await heard_more(jobs)
            os.kill(runner.worker_pids()["cpu"], signal.SIGKILL)
            await restarted(runner)
        assert await sounds == undisturbed


async def test_a_song_of_a_lost_device_goes_on_on_another() -> None:
    devices = (DeviceSpec("cpu", "cpu"), DeviceSpec("cpu#2", "cpu"))
    async with running(devices=devices, restart_backoff_seconds=60.0) as runner:
        undisturbed = await sound_of(runner.submit(request(seed=5, duration_seconds=20.0)))
        jobs = [runner.submit(request(seed=5, duration_seconds=20.0)) for _ in devices]
        sounds = asyncio.gather(*map(sound_of, jobs))
        await heard_more(jobs)
        os.kill(runner.worker_pids()["cpu"], signal.SIGKILL)
        assert await sounds == [undisturbed] * 2


async def test_songs_fail_when_their_engine_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    monkeypatch.setenv("BROKEN", str(broken))
    async with running(engines=(FRAGILE,)) as runner:
        job = runner.submit(request(duration_seconds=ENDLESS_SECONDS))
        await first_chunk(job.events())
        broken.touch()
        os.kill(runner.worker_pids()["cpu"], signal.SIGKILL)
        with pytest.raises(WorkerLost, match="could not be restarted"):
            await told(job)


async def test_a_worker_that_renders_beside_denoising_makes_the_same_songs() -> None:
    async with running() as runner:
        expected = [await sound_of(runner.submit(request(seed=seed))) for seed in range(4)]
    device = DeviceSpec("cpu", "cpu", lanes=(Lane.DENOISE, Lane.RENDER))
    async with running(devices=(device,)) as runner:
        jobs = [runner.submit(request(seed=seed)) for seed in range(4)]
        assert await asyncio.gather(*map(sound_of, jobs)) == expected


async def test_a_worker_that_hangs_while_idle_is_replaced() -> None:
    async with running(exchange_timeout_seconds=1.0, ping_seconds=0.1) as runner:
        os.kill(runner.worker_pids()["cpu"], signal.SIGSTOP)
        assert isinstance((await told(await resubmitted(runner)))[-1], SongCompleted)


async def test_a_worker_killed_while_idle_is_replaced() -> None:
    async with running() as runner:
        changed = asyncio.Event()
        runner.subscribe(changed.set)
        os.kill(runner.worker_pids()["cpu"], signal.SIGKILL)
        await changed.wait()
        assert isinstance((await told(await resubmitted(runner)))[-1], SongCompleted)


async def test_a_passed_deadline_ends_the_song() -> None:
    async with running() as runner:
        with pytest.raises(SongDeadlineExceeded):
            await told(runner.submit(request(duration_seconds=ENDLESS_SECONDS, deadline=0.0)))
        await runner.idle()


async def test_after_drain_running_songs_end_and_new_ones_are_refused() -> None:
    async with running() as runner:
        job = runner.submit(request())
        runner.drain()
        with pytest.raises(Draining):
            runner.submit(request())
        await runner.idle()
        assert isinstance((await told(job))[-1], SongCompleted)


async def test_stopping_cuts_songs_off_and_leaves_neither_process_nor_thread() -> None:
    threads = threading.active_count()
    async with running() as runner:
        pid = runner.worker_pids()["cpu"]
        job = runner.submit(request(duration_seconds=ENDLESS_SECONDS))
        await first_chunk(job.events())
        assert await runner.stop(grace_seconds=0.0) == 1
        with pytest.raises(Draining):
            await told(job)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    async with asyncio.timeout(5.0):
        # asyncio waits for a process in a thread, which ends a moment after the process.
        while threading.active_count() > threads:
            await asyncio.sleep(0.001)


async def test_waiting_for_readiness_tells_what_is_missing() -> None:
    with pytest.raises(EngineNotReady, match="make weights"):
        async with running(engines=(MISSING,)):
            pass


async def resubmitted(runner: Runner) -> Job:
    """A job of the same server once its worker is back."""
    changed = asyncio.Event()
    runner.subscribe(changed.set)
    while not runner.ready("fake"):
        changed.clear()
        await changed.wait()
    return runner.submit(request())


async def test_a_song_that_waits_gives_signs_of_life_with_its_place() -> None:
    async with running(devices=(NARROW,), heartbeat_seconds=0.05, stream_buffer_bytes=1024) as runner:
        jobs = [runner.submit(request(duration_seconds=ENDLESS_SECONDS)) for _ in range(3)]
        for place, job in enumerate(jobs):
            if place:
                events = job.events()
                signs = [await anext(events) for _ in range(3)]
                assert signs == [Waiting(place)] * 3


async def test_once_a_song_was_measured_others_are_foretold() -> None:
    registry = CollectorRegistry()
    async with running(metrics=Metrics(registry, engines=["fake"], devices=["cpu"])) as runner:
        first = runner.submit(request())
        await told(first)
        assert (first.accepted.estimated_first_audio_seconds, first.accepted.estimated_finish_seconds) == (None, None)
        second = runner.submit(request())
        await told(second)
    told_first, told_finish = second.accepted.estimated_first_audio_seconds, second.accepted.estimated_finish_seconds
    assert told_first is not None
    assert told_finish is not None
    assert 0.0 < told_first <= told_finish < 10.0
    for what in ("first_audio", "finish"):
        labels = {"engine": "fake", "estimate": what}
        assert registry.get_sample_value("melisma_estimate_ratio_count", labels) == 1.0


async def test_a_deadline_that_cannot_be_met_is_refused_at_once() -> None:
    async with running(devices=(NARROW,)) as runner:
        await told(runner.submit(request()))
        endless = runner.submit(request(duration_seconds=ENDLESS_SECONDS))
        await first_chunk(endless.events())
        with pytest.raises(DeadlineTooShort) as refusal:
            runner.submit(request(duration_seconds=200.0, deadline=time.monotonic() + 0.05))
        assert refusal.value.retry_after_seconds > 0
        runner.submit(request(duration_seconds=200.0, deadline=time.monotonic() + 3600.0))


async def test_what_happens_is_measured() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, engines=["fake"], devices=["cpu"])
    async with running(metrics=metrics, retries=10) as runner:
        expose_depths(registry, runner.depths)
        with pytest.raises(UnknownEngine):
            runner.submit(request(engine="nonsense"))
        jobs = [runner.submit(request(duration_seconds=20.0))]
        sounds = asyncio.gather(*map(sound_of, jobs))
        await heard_more(jobs)
        assert registry.get_sample_value("melisma_running_songs", {"engine": "fake"}) == 1
        os.kill(runner.worker_pids()["cpu"], signal.SIGKILL)
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


async def heard_more(jobs: Sequence[Job]) -> None:
    """Return when every song has gone on by more than a section."""
    before = [job.sound_seconds for job in jobs]
    while any(job.sound_seconds < old + 2 * SECTION_SECONDS for job, old in zip(jobs, before, strict=True)):
        await asyncio.sleep(0.002)


async def restarted(runner: Runner) -> None:
    """Return when the worker that was killed has a successor."""
    while runner.ready("fake"):
        await asyncio.sleep(0.002)
    while not runner.ready("fake"):
        await asyncio.sleep(0.002)
