"""Tests of one replica's runner with songs that join the queue of a whole service."""

import time
from dataclasses import replace

import pytest

from model.engine import EngineInfo
from server.errors import DeadlineTooShort, Draining, EngineNotReady, Overloaded, UnknownEngine
from server.generation.runner import Runner
from server.songs.ports import ServiceState
from server.store.base import StoreFull
from server.store.whole_service import Queue, ServedEngine, WaitingSong
from tests.support.fake_runner import FAKE_INFO
from tests.support.runners import ENDLESS_SECONDS, Bench, heard_more, request, running
from tests.support.sinks import ReadSink


def service(
    info: EngineInfo, *waiting_seconds: float, running: int = 0, devices: int = 1, slots: int = 1
) -> ServiceState:
    """Return the state of a service with a waiting song for each of `waiting_seconds`, its length, and `running`
    running songs.
    """
    waiting = [
        WaitingSong(f"waiting-{number}", "me", info.name, seconds, None)
        for number, seconds in enumerate(waiting_seconds)
    ]
    engines = {info.name: ServedEngine(info, ["cpu"] * devices, slots)}
    return ServiceState(engines, Queue(waiting, running))


def info_of(bench: Bench) -> EngineInfo:
    return bench.runner.engines()["fake"]


def finish_seconds(runner: Runner, state: ServiceState | None) -> float:
    """Return the estimated seconds to the end of a new song."""
    told = runner.check(request(duration_seconds=10.0), state).accepted("song", 0).estimated_finish_seconds
    assert told is not None
    return told


async def measured(bench: Bench) -> None:
    await bench.submit(request(duration_seconds=10.0)).told()


async def test_an_engine_that_is_served_elsewhere_needs_not_be_ready_here() -> None:
    async with running() as bench:
        for name, refused in (("missing", EngineNotReady), ("nonsense", UnknownEngine)):
            bench.runner.check(request(engine=name), service(replace(FAKE_INFO, name=name)))
            for other in (None, service(FAKE_INFO)):
                with pytest.raises(refused):
                    bench.runner.check(request(engine=name), other)


async def test_the_eta_of_a_service_counts_all_that_waits_and_runs_and_all_its_devices() -> None:
    async with running() as bench:
        info = info_of(bench)
        assert bench.runner.waiting(service(info, 10.0))["waiting-0"].estimated_finish_seconds is None
        await measured(bench)
        alone = finish_seconds(bench.runner, service(info))
        assert alone < finish_seconds(bench.runner, service(info, running=1))
        behind = finish_seconds(bench.runner, service(info, 10.0, 10.0))
        assert alone < behind < finish_seconds(bench.runner, service(info, 10.0, 40.0))
        assert finish_seconds(bench.runner, service(info, 10.0, 10.0, devices=3, slots=3)) < behind
        told = bench.runner.waiting(service(info, 10.0, 10.0, running=1))
        assert [one.queue_position for one in told.values()] == [1, 2]
        first, second = (one.estimated_finish_seconds or 0.0 for one in told.values())
        assert 0.0 < first < second


async def test_a_song_that_is_made_here_after_all_is_told_the_eta_of_here() -> None:
    async with running() as bench:
        await measured(bench)
        crowded = service(info_of(bench), *[1000.0] * 20)
        checked = bench.runner.check(request(duration_seconds=10.0), crowded)
        waits = checked.accepted("song", 20).estimated_finish_seconds or 0.0
        accepted = checked.begin("song", ReadSink(), 0).accepted
        assert 0.0 < (accepted.estimated_finish_seconds or 0.0) < waits


async def test_a_deadline_is_judged_by_the_queue_of_the_service() -> None:
    async with running() as bench:
        await measured(bench)
        crowded = service(info_of(bench), *[ENDLESS_SECONDS] * 20)
        soon = request(duration_seconds=10.0, deadline=time.monotonic() + finish_seconds(bench.runner, crowded) / 2)
        bench.runner.check(soon)
        with pytest.raises(DeadlineTooShort):
            bench.runner.check(soon, crowded)


async def test_a_draining_runner_is_not_ready_and_has_no_room() -> None:
    async with running() as bench:
        bench.runner.drain()
        assert (bench.runner.ready("fake"), bench.runner.room().free) == (False, 0)
        with pytest.raises(Draining):
            bench.runner.check(request(), service(info_of(bench)))


async def test_a_full_store_is_told_with_advice() -> None:
    async with running() as bench:
        refusal = bench.runner.refusal(request(), StoreFull("no room"))
        assert isinstance(refusal, Overloaded)
        assert (refusal.retry_after_seconds or 0.0) > 0


async def test_a_paused_song_stops_being_made_and_goes_on_afterwards() -> None:
    async with running() as bench:
        song, other = (bench.submit(request(duration_seconds=ENDLESS_SECONDS)) for _ in range(2))
        await heard_more([song, other])
        song.job.pause()
        await heard_more([other])
        before = song.job.sound_seconds
        await heard_more([other])
        assert song.job.sound_seconds == before
        song.job.resume()
        await heard_more([song])
