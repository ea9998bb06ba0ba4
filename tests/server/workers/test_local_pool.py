import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from server import child_process
from server.errors import WorkerLost
from server.workers import restarting_pool, worker_process
from server.workers.base import Worker, WorkerDeath
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FAKE
from tests.support.workers.engines import ENDLESS_LOAD
from tests.support.workers.observers import FakeObserver, is_alive, observed
from tests.support.workers.trouble import TROUBLE_ONCE

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
        assert observer.deaths == [WorkerDeath.KILLED]
    assert not is_alive(second)


async def test_a_worker_that_does_not_load_in_time_is_a_failed_start() -> None:
    pool, observer = local_pool(ENDLESS_LOAD, load_seconds=0.1), FakeObserver()
    async with observed(pool, observer):
        await pool.settled()
        assert pool.unavailable("endless")
        with pytest.raises(WorkerLost, match="restarted"):
            pool.require("endless")
        while not pool.all_starts_failed():
            observer.changed.clear()
            await observer.changed.wait()
    assert len(observer.restarted) >= 4
    assert set(observer.deaths) == {WorkerDeath.UNRESPONSIVE}


async def test_a_pool_can_be_cancelled_while_a_worker_loads() -> None:
    observer = FakeObserver()
    async with observed(local_pool(ENDLESS_LOAD), observer):
        await asyncio.sleep(0.2)
    assert (observer.exited, observer.restarted) == ([], [])


@pytest.mark.parametrize("trouble", ["load memory", "load broken"])
async def test_a_worker_that_cannot_load_for_want_of_memory_or_device_is_tried_again(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE", str(tmp_path / "trouble"))
    (tmp_path / "trouble").write_text(trouble)
    pool, observer = local_pool(TROUBLE_ONCE), FakeObserver()
    async with observed(pool, observer):
        await observer.next_worker()
        assert (observer.restarted, pool.devices_of("fake")) == (["cpu"], ("cpu",))
        assert observer.deaths == [WorkerDeath.EXITED]


async def test_a_process_that_cannot_be_ended_is_told_and_costs_no_device_its_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_process, "_KILLED_SECONDS", 0.05)
    monkeypatch.setattr(restarting_pool, "_END_GRACE_SECONDS", 0.05)
    observer = FakeObserver()
    async with observed(local_pool(FAKE), observer):
        stuck = await observer.next_worker()
        tasks = asyncio.all_tasks()
        assert isinstance(stuck, WorkerProcess)
        os.kill(pid_of(stuck), signal.SIGSTOP)  # so that it does not end with its pipes, either
        monkeypatch.setattr(child_process, "kill", lambda _: None)
        observer.worker_exited("cpu")
        second = pid_of(await observer.next_worker())
        monkeypatch.undo()
        assert second != pid_of(stuck)
        assert is_alive(pid_of(stuck))
        assert f"process {pid_of(stuck)} of device cpu was killed but has not ended" in caplog.text
        assert [task.get_name() for task in asyncio.all_tasks() - tasks] == ["exit of cpu"]  # that of the second
        os.kill(pid_of(stuck), signal.SIGKILL)
        while is_alive(pid_of(stuck)):
            await asyncio.sleep(0.01)


class BrokenObserver(FakeObserver):
    """An observer that raises an error when a worker is restarted."""

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        raise ValueError("a bug")


async def test_an_observer_that_cannot_note_a_restart_costs_no_device_its_worker() -> None:
    observer = BrokenObserver()
    async with observed(local_pool(FAKE), observer):
        first = pid_of(await observer.next_worker())
        os.kill(first, signal.SIGKILL)
        assert pid_of(await observer.next_worker()) != first


async def test_a_worker_that_was_launched_ahead_is_the_first_one_that_is_served() -> None:
    pool, observer = local_pool(FAKE), FakeObserver()
    await pool.launch()
    launched = children()
    async with observed(pool, observer):
        assert {pid_of(await observer.next_worker())} == launched
        await pool.close()
        kill(launched)
        assert pid_of(await observer.next_worker()) not in launched
        assert observer.exited == ["cpu"]


async def test_a_worker_that_died_before_it_was_served_is_replaced() -> None:
    pool, observer = local_pool(FAKE), FakeObserver()
    await pool.launch()
    launched = children()
    kill(launched)
    async with observed(pool, observer):
        assert pid_of(await observer.next_worker()) not in launched
        assert observer.restarted == ["cpu"]


async def test_a_pool_that_was_never_run_closes_its_launched_workers() -> None:
    pool = local_pool(ENDLESS_LOAD, devices=(CPU, DeviceSpec("cpu#2", "cpu")))
    await pool.launch()
    launched = children()
    assert len(launched) == 2
    await pool.close()
    assert not any(map(is_alive, launched))


def children() -> set[int]:
    """Return the process ids of the worker processes of this process."""
    return {child.pid for child in psutil.Process().children() if "server.workers.worker" in child.cmdline()}


def kill(pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
