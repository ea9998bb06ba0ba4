import asyncio
import os
import signal
from collections.abc import Sequence

import pytest

from server.errors import WorkerLost
from server.workers.base import Worker
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import EngineSpec
from server.workers.worker_process import WorkerProcess
from tests.support.fakes import FAKE
from tests.support.workers.engines import ENDLESS_LOAD
from tests.support.workers.observers import FakeObserver, is_alive, observed

TIMEOUT_SECONDS = 30.0
CPU = DeviceSpec("cpu", "cpu")


def local_pool(*engines: EngineSpec, devices: Sequence[DeviceSpec] = (CPU,), load_seconds: float = 30.0) -> LocalPool:
    return LocalPool(
        devices,
        engines,
        worker_threads=1,
        exchange_timeout_seconds=TIMEOUT_SECONDS,
        load_timeout_seconds=load_seconds,
        restart_backoff_seconds=0.0,
    )


def pid_of(worker: Worker) -> int:
    assert isinstance(worker, WorkerProcess)
    assert worker.pid is not None
    return worker.pid


async def test_a_dead_process_is_replaced_by_another_and_none_is_left_afterwards() -> None:
    observer = FakeObserver()
    async with observed(local_pool(FAKE), observer):
        first = pid_of(await observer.next_worker())
        os.kill(first, signal.SIGKILL)
        second = pid_of(await observer.next_worker())
        assert second != first
        assert not is_alive(first)
    assert not is_alive(second)


async def test_a_worker_that_does_not_load_in_time_is_a_failed_start() -> None:
    pool, observer = local_pool(ENDLESS_LOAD, load_seconds=0.1), FakeObserver()
    async with observed(pool, observer):
        await pool.settled()
        assert pool.given_up("endless")
        with pytest.raises(WorkerLost, match="restarted"):
            pool.require("endless")
        while not pool.hopeless():
            observer.changed.clear()
            await observer.changed.wait()
    assert len(observer.restarted) >= 4


async def test_a_pool_can_be_cancelled_while_a_worker_loads() -> None:
    observer = FakeObserver()
    async with observed(local_pool(ENDLESS_LOAD), observer):
        await asyncio.sleep(0.2)
    assert (observer.exited, observer.restarted) == ([], [])


class BrokenObserver(FakeObserver):
    """Has a bug where a restart is noted."""

    def worker_restarted(self, device: str) -> None:
        raise ValueError("a bug")


async def test_an_observer_that_cannot_note_a_restart_costs_no_device_its_worker() -> None:
    observer = BrokenObserver()
    async with observed(local_pool(FAKE), observer):
        first = pid_of(await observer.next_worker())
        os.kill(first, signal.SIGKILL)
        assert pid_of(await observer.next_worker()) != first
