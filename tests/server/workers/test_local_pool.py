import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import DevicePool, Worker, WorkerDied
from server.workers.messages import (
    Done,
    EngineSpec,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    SectionKey,
    SongKey,
    Step,
    WorkerSpec,
)
from tests.support.fakes import FAKE, MISSING, params

TIMEOUT_SECONDS = 30.0
CPU = DeviceSpec("cpu", "cpu")
SONG = SongKey("a")
BROKEN = EngineSpec("broken", "tests.support.fakes:NoSuchEngine")


@asynccontextmanager
async def started(exchange_timeout_seconds: float = TIMEOUT_SECONDS) -> AsyncIterator[tuple[Worker, asyncio.Event]]:
    exited = asyncio.Event()
    worker = Worker(WorkerSpec("cpu", (FAKE,)), exchange_timeout_seconds=exchange_timeout_seconds, on_exit=exited.set)
    try:
        await worker.start(TIMEOUT_SECONDS)
        yield worker, exited
    finally:
        await worker.stop(TIMEOUT_SECONDS)


def pool(*engines: EngineSpec, devices: Sequence[DeviceSpec] = (CPU,)) -> tuple[DevicePool, asyncio.Event]:
    changed = asyncio.Event()
    made = DevicePool(
        devices,
        engines,
        worker_threads=1,
        exchange_timeout_seconds=TIMEOUT_SECONDS,
        load_timeout_seconds=TIMEOUT_SECONDS,
        restart_backoff_seconds=0.0,
        on_change=changed.set,
    )
    return made, changed


@asynccontextmanager
async def driven(devices: DevicePool) -> AsyncIterator[asyncio.Queue[Worker]]:
    """Workers of the pool as they come up; each is kept until its process ends."""
    workers: asyncio.Queue[Worker] = asyncio.Queue()
    ended = asyncio.Event()

    async def serve(device: str, worker: Worker) -> None:
        ended.clear()
        workers.put_nowait(worker)
        await ended.wait()
        raise WorkerDied("its process ended")

    driver = asyncio.create_task(devices.drive("cpu", serve, ended.set))
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield workers
    finally:
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)


def is_alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def crash(worker: Worker, prompt: str) -> None:
    section = SectionKey(SONG, 0)
    await worker.exchange(Plan(SONG, "fake", params(prompt)))
    await worker.exchange(Prepare(section))
    await worker.exchange(Step((section,)))


async def test_commands_are_answered_by_another_process_that_is_gone_afterwards() -> None:
    async with started() as (worker, _):
        assert worker.pid != os.getpid()
        assert isinstance(await worker.exchange(Plan(SONG, "fake", params())), Planned)
        assert await worker.exchange(Ping()) == Done()
    assert not is_alive(worker.pid)


async def test_a_worker_that_dies_in_the_middle_of_a_command_is_noticed() -> None:
    async with started() as (worker, exited):
        with pytest.raises(WorkerDied):
            await crash(worker, "crash")
        await exited.wait()
        assert worker.exited


async def test_a_worker_that_does_not_answer_in_time_is_killed() -> None:
    async with started(exchange_timeout_seconds=0.5) as (worker, exited):
        with pytest.raises(WorkerDied):
            await crash(worker, "hang")
        await exited.wait()


async def test_a_worker_leaves_signals_to_the_server() -> None:
    async with started() as (worker, _):
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGTERM)
        os.kill(worker.pid, signal.SIGINT)
        assert await worker.exchange(Ping()) == Done()


async def test_an_engine_is_ready_once_its_worker_has_loaded_it() -> None:
    devices, _ = pool(FAKE)
    with pytest.raises(EngineNotReady, match="still loading"):
        devices.require("fake")
    async with driven(devices) as workers:
        await workers.get()
        devices.require("fake")
        assert (list(devices.infos()), devices.devices_of("fake")) == (["fake"], ("cpu",))
    assert devices.infos() == {}


async def test_an_unknown_engine_is_told_apart_from_one_that_cannot_be_loaded() -> None:
    devices, _ = pool(MISSING, BROKEN)
    async with driven(devices):
        await devices.settled()
        with pytest.raises(UnknownEngine, match="missing, broken"):
            devices.require("nonsense")
        with pytest.raises(EngineNotReady, match="run `make weights`"):
            devices.require("missing")
        with pytest.raises(EngineNotReady, match="log"):
            devices.require("broken")


async def test_a_dead_worker_is_replaced() -> None:
    devices, changed = pool(FAKE)
    async with driven(devices) as workers:
        first = await workers.get()
        changed.clear()
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        await changed.wait()
        with pytest.raises(WorkerLost, match="restarted"):
            devices.require("fake")
        second = await workers.get()
        assert second.pid != first.pid
        devices.require("fake")
    assert not is_alive(first.pid)
    assert not is_alive(second.pid)


async def test_lanes_of_one_worker_answer_beside_each_other() -> None:
    lanes = (Lane.DENOISE, Lane.RENDER)
    worker = Worker(WorkerSpec("cpu", (FAKE,), lanes=lanes), exchange_timeout_seconds=2.0, on_exit=lambda: None)
    try:
        await worker.start(TIMEOUT_SECONDS)
        section = SectionKey(SONG, 0)
        for command in (Plan(SONG, "fake", params("hang")), Prepare(section)):
            await worker.exchange(command, Lane.RENDER)
        hanging = asyncio.create_task(worker.exchange(Step((section,)), Lane.DENOISE))
        await asyncio.sleep(0)
        assert await worker.exchange(Ping(), Lane.RENDER) == Done()
        with pytest.raises(WorkerDied):
            await hanging
    finally:
        await worker.stop(TIMEOUT_SECONDS)


async def test_an_engine_is_loaded_only_where_it_is_placed() -> None:
    devices, _ = pool(FAKE, MISSING, devices=[DeviceSpec("cpu", "cpu", engines=("fake",))])
    async with driven(devices) as workers:
        await workers.get()
        assert devices.devices_of("fake") == ("cpu",)
        with pytest.raises(EngineNotReady, match="placed on no device"):
            devices.require("missing")


async def test_a_bug_in_serving_costs_a_worker_and_not_the_device() -> None:
    devices, changed = pool(FAKE)
    served = asyncio.Event()

    async def serve(device: str, worker: Worker) -> None:
        if not served.is_set():
            served.set()
            raise KeyError("a bug")
        changed.set()
        await asyncio.Event().wait()

    changed.clear()
    driver = asyncio.create_task(devices.drive("cpu", serve, lambda: None))
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await served.wait()
            changed.clear()
            await changed.wait()
    finally:
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)
