"""Tests of songs whose encoders are lost, slow or faulty."""

import asyncio
import os
import signal
import threading
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from model.song import Window
from server.encoders.base import EncoderDied
from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from server.errors import SongFailed, WorkerLost
from server.song import AudioSettings, Chunk, Planned, SectionSent, SongCompleted, SongEvent
from server.telemetry.metrics import Metrics
from tests.support.encoders.in_process import InProcessEncoder, in_process_encoders
from tests.support.fakes import FAKE_ENCODER, FakeEncoder
from tests.support.runners import Bench, heard_more, request, restarted, running

LONG = request(seed=5, duration_seconds=40.0)


async def encoders_back(bench: Bench, count: int = 1) -> None:
    """Wait until `count` encoders are running."""
    while len(bench.encoders.up) < count:
        await asyncio.sleep(0.002)


def kill_encoder(bench: Bench) -> None:
    next(iter(bench.encoders.up.values())).kill()


def in_order(events: list[SongEvent]) -> bool:
    """Return True if the events are complete and in order: one plan, each chunk and section once, then the end."""
    chunks = [event.sequence for event in events if isinstance(event, Chunk)]
    sections = [event.section_index for event in events if isinstance(event, SectionSent)]
    plans = sum(isinstance(event, Planned) for event in events)
    counted = chunks == [*range(len(chunks))] and sections == [*range(len(sections))] and plans == 1
    return counted and isinstance(events[0], Planned) and isinstance(events[-1], SongCompleted)


async def test_songs_whose_encoder_and_worker_processes_are_killed_sound_the_same() -> None:
    pool = LocalEncoders(lambda address: EncoderProcess(address, FAKE_ENCODER), restart_backoff_seconds=0.0)
    async with running(encoders=pool, retries=10) as bench:
        requests = [request(seed=seed, duration_seconds=40.0) for seed in range(3)]
        undisturbed = [await bench.submit(one).sound() for one in requests]
        songs = [bench.submit(one) for one in requests]
        told = asyncio.gather(*(song.told() for song in songs))
        await heard_more(songs)
        kill_encoder(bench)
        while bench.encoders.up:
            await asyncio.sleep(0.002)
        await heard_more(songs)
        os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
        await restarted(bench.runner)
        events = await told
    assert all(map(in_order, events))
    sounds = [b"".join(event.data for event in each if isinstance(event, Chunk)) for each in events]
    assert sounds == undisturbed


async def test_one_of_two_encoders_takes_over_the_songs_of_the_other() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, engines=("fake",), devices=("cpu",))
    async with running(metrics, encoders=in_process_encoders(encoders=2)) as bench:
        undisturbed = await bench.submit(LONG).sound()
        songs = [bench.submit(LONG) for _ in range(4)]
        told = asyncio.gather(*(song.told() for song in songs))
        await heard_more(songs)
        kill_encoder(bench)
        events = await told
        await encoders_back(bench, 2)
    assert all(map(in_order, events))
    assert {b"".join(event.data for event in each if isinstance(event, Chunk)) for each in events} == {undisturbed}
    assert registry.get_sample_value("melisma_encoder_restarts_total") == 1
    retried = {"engine": "fake", "reason": "encoder_lost"}
    assert registry.get_sample_value("melisma_songs_retried_total", retried) == 2


class FickleEncoder(FakeEncoder):
    """An encoder whose frames differ from those of all encoders before it."""

    opened = 0

    def __init__(
        self, source_rate_hertz: int, audio: AudioSettings, *, tags: Mapping[str, str], sample_count: int | None
    ) -> None:
        super().__init__(source_rate_hertz, audio, tags=tags)
        type(self).opened += 1
        self._digest.update(bytes([self.opened]))


async def test_a_stream_that_comes_again_as_another_one_ends_with_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with running(encoders=in_process_encoders(FickleEncoder)) as bench:
        song = bench.submit(LONG)
        await song.first_chunk()
        kill_encoder(bench)
        with pytest.raises(SongFailed):
            await song.told()
    assert "chunks differ from those sent" in caplog.text


async def test_a_song_that_loses_its_encoder_too_often_is_given_up() -> None:
    async with running(retries=0) as bench:
        song = bench.submit(LONG)
        await song.first_chunk()
        kill_encoder(bench)
        with pytest.raises(WorkerLost, match="encoders"):
            await song.told()


async def test_a_song_with_sound_that_no_encoder_takes_fails_alone() -> None:
    async with running() as bench:
        alone = await bench.submit(LONG).sound()
        mono, beside = bench.submit(request("mono")), bench.submit(LONG)
        with pytest.raises(SongFailed):
            await mono.told()
        assert await beside.sound() == alone


class SlowEncoder(FakeEncoder):
    """An encoder that takes a while for every window."""

    go_on = threading.Event()

    def feed(self, window: Window) -> bytes:
        assert self.go_on.wait(30.0)
        return super().feed(window)


async def test_a_slow_encoder_holds_its_song_back() -> None:
    SlowEncoder.go_on.clear()
    async with running(encoders=in_process_encoders(SlowEncoder)) as bench:
        song = bench.submit(LONG)
        try:
            while not song.job.full:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            assert 4.0 <= song.job.unsent_seconds <= 5.0
        finally:
            SlowEncoder.go_on.set()
        assert in_order(await song.told())


class FragileEncoder(InProcessEncoder):
    """An encoder that can be started until the test breaks it."""

    broken = False

    async def start(self, timeout_seconds: float) -> None:
        if self.broken:
            raise EncoderDied("it ended")
        await super().start(timeout_seconds)


async def test_no_engine_is_ready_while_no_encoder_can_be_started() -> None:
    FragileEncoder.broken = False
    pool = LocalEncoders(lambda address: FragileEncoder(address, FakeEncoder), restart_backoff_seconds=0.001)
    async with running(encoders=pool) as bench:
        song = bench.submit(LONG)
        await song.first_chunk()
        FragileEncoder.broken = True
        kill_encoder(bench)
        with pytest.raises(WorkerLost, match="could be started"):
            await song.told()
        assert bench.runner.readiness.readiness_problem() == "no engine is ready"
        with pytest.raises(WorkerLost, match="restarted"):
            bench.submit(LONG)
        while bench.runner.liveness_problem() != "no encoder process can be started; see the log":
            await asyncio.sleep(0.001)
        FragileEncoder.broken = False
        assert isinstance((await (await bench.resubmitted()).told())[-1], SongCompleted)


async def test_a_song_that_waits_while_its_encoder_is_lost_loses_nothing() -> None:
    async with running(retries=0) as bench:
        songs = [bench.submit(LONG) for _ in range(9)]
        told = asyncio.create_task(songs[-1].told())
        kill_encoder(bench)
        for song in songs[:-1]:
            with pytest.raises(WorkerLost):
                await song.told()
        assert in_order(await told)
