import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from server.errors import (
    Draining,
    EngineNotReady,
    OutOfMemory,
    PoisonedRequest,
    SongFailed,
    WorkerLost,
)
from server.song import SongCompleted
from server.workers.device_spec import DeviceSpec
from tests.support.fakes import FRAGILE, MISSING
from tests.support.runners import BESIDE, CPU, ENDLESS_SECONDS, heard_more, request, restarted, running


async def test_a_poisoned_song_costs_the_others_nothing() -> None:
    async with running() as bench:
        alone = await bench.submit(request(seed=5)).sound()
        poisoned, beside = bench.submit(request("poison")), bench.submit(request(seed=5))
        with pytest.raises(SongFailed) as failure:
            await poisoned.told()
        assert "secret" not in str(failure.value)
        assert await beside.sound() == alone


@pytest.mark.parametrize(("prompt", "device"), [("crash", CPU), ("crash", BESIDE), ("hang", CPU)])
async def test_a_request_that_ends_workers_is_given_up_and_its_neighbours_are_not(
    prompt: str, device: DeviceSpec
) -> None:
    async with running(devices=(device,), exchange_timeout_seconds=2.0) as bench:
        alone = await bench.submit(request(seed=5)).sound()
        neighbour = bench.submit(request(seed=5))
        poisoned = bench.submit(request(prompt))
        with pytest.raises(PoisonedRequest):
            await poisoned.told()
        with pytest.raises(PoisonedRequest):
            bench.submit(request(prompt, seed=99))
        assert await neighbour.sound() == alone


async def test_a_song_that_fits_on_no_device_says_so() -> None:
    async with running(retries=1) as bench:
        with pytest.raises(OutOfMemory):
            await bench.submit(request("no memory")).told()
        assert isinstance((await bench.submit(request()).told())[-1], SongCompleted)


@pytest.mark.parametrize("device", [CPU, BESIDE], ids=["one lane", "two lanes"])
async def test_songs_whose_worker_is_killed_go_on_and_sound_the_same(device: DeviceSpec) -> None:
    async with running(devices=(device,), retries=10) as bench:
        requests = [request(seed=seed, duration_seconds=40.0) for seed in range(4)]
        undisturbed = [await bench.submit(one).sound() for one in requests]
        jobs = [bench.submit(one) for one in requests]
        sounds = asyncio.gather(*(song.sound() for song in jobs))
        for _ in range(3):
            await heard_more(jobs)
            os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
            await restarted(bench.runner)
        assert await sounds == undisturbed


async def test_a_song_of_a_lost_device_goes_on_on_another() -> None:
    devices = (DeviceSpec("cpu", "cpu"), DeviceSpec("cpu#2", "cpu"))
    async with running(devices=devices, restart_backoff_seconds=60.0) as bench:
        undisturbed = await bench.submit(request(seed=5, duration_seconds=20.0)).sound()
        jobs = [bench.submit(request(seed=5, duration_seconds=20.0)) for _ in devices]
        sounds = asyncio.gather(*(song.sound() for song in jobs))
        await heard_more(jobs)
        os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
        assert await sounds == [undisturbed] * 2


async def test_songs_fail_when_their_engine_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    monkeypatch.setenv("BROKEN", str(broken))
    async with running(engines=(FRAGILE,)) as bench:
        job = bench.submit(request(duration_seconds=ENDLESS_SECONDS))
        await job.first_chunk()
        broken.touch()
        os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
        with pytest.raises(WorkerLost, match="could be started"):
            await job.told()


async def test_a_worker_that_hangs_while_idle_is_replaced() -> None:
    async with running(exchange_timeout_seconds=1.0, ping_seconds=0.1) as bench:
        os.kill(bench.pool.pids["cpu"], signal.SIGSTOP)
        assert isinstance((await (await bench.resubmitted()).told())[-1], SongCompleted)


async def test_a_worker_killed_while_idle_is_replaced() -> None:
    async with running() as bench:
        changed = asyncio.Event()
        bench.runner.readiness.subscribe(changed.set)
        os.kill(bench.pool.pids["cpu"], signal.SIGKILL)
        await changed.wait()
        assert isinstance((await (await bench.resubmitted()).told())[-1], SongCompleted)


async def test_stopping_cuts_songs_off_and_leaves_neither_process_nor_thread() -> None:
    threads = {*threading.enumerate()}
    async with running() as bench:
        pid = bench.pool.pids["cpu"]
        job = bench.submit(request(duration_seconds=ENDLESS_SECONDS))
        await job.first_chunk()
        assert await bench.runner.stop(grace_seconds=0.0) == 1
        with pytest.raises(Draining):
            await job.told()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    async with asyncio.timeout(10):  # the thread that has waited for the process is at its end, too
        while not {*threading.enumerate()} <= threads:
            await asyncio.sleep(0.005)


async def test_waiting_for_readiness_tells_what_is_missing() -> None:
    with pytest.raises(EngineNotReady, match="make weights"):
        async with running(engines=(MISSING,)):
            pass
