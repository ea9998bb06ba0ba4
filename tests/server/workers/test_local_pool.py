import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.workers.base import WorkerDied
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import DevicePool
from server.workers.messages import EngineSpec
from server.workers.worker_process import WorkerProcess
from tests.support.fakes import FAKE, MISSING
from tests.support.workers import is_alive

TIMEOUT_SECONDS = 30.0
CPU = DeviceSpec("cpu", "cpu")
BROKEN = EngineSpec("broken", "tests.support.fakes:NoSuchEngine")


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
async def driven(devices: DevicePool) -> AsyncIterator[asyncio.Queue[WorkerProcess]]:
    """Workers of the pool as they come up; each is kept until its process ends."""
    workers: asyncio.Queue[WorkerProcess] = asyncio.Queue()
    ended = asyncio.Event()

    async def serve(device: str, worker: WorkerProcess) -> None:
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

    async def serve(device: str, worker: WorkerProcess) -> None:
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
