"""Tests that every worker pool has to pass, run with worker processes and with workers in this process."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Protocol

import pytest

from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.workers.base import Worker, WorkerDied, WorkerPool
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import (
    Done,
    Failed,
    Fault,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Reply,
    SectionKey,
    SongKey,
    Step,
    Stepped,
)
from server.workers.ray.pool import RayPool
from server.workers.ray.worker import RayWorker
from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FAKE, MISSING, params
from tests.support.workers.fake_cluster import DriverTask, FakeCluster
from tests.support.workers.in_process_pool import IN_PROCESS_FAKE, InProcessPool, InProcessWorker
from tests.support.workers.observers import FakeObserver, exchange, observed

TIMEOUT_SECONDS = 30.0
CPU = DeviceSpec("cpu", "cpu")
SECOND_CPU = DeviceSpec("cpu#2", "cpu")
TWO_LANES = DeviceSpec("cpu", "cpu", lanes=(Lane.DENOISE, Lane.RENDER))
BROKEN = EngineSpec("broken", "tests.support.fakes:NoSuchEngine")
SONG = SongKey("a")
SECTION = SectionKey(SONG, 0)


class PoolKind(Protocol):
    """Protocol of a kind of worker pool under test; `fake` is the specification of its engine "fake"."""

    fake: EngineSpec

    def pool(self, engines: Sequence[EngineSpec], devices: Sequence[DeviceSpec]) -> WorkerPool:
        """Return a pool with these engines and devices, which restarts its workers without delay."""

    def kill(self, worker: Worker) -> None:
        """End a worker as if it had crashed."""


class ProcessPools:
    """Worker pools with worker processes."""

    fake = FAKE

    def pool(self, engines: Sequence[EngineSpec], devices: Sequence[DeviceSpec]) -> WorkerPool:
        return LocalPool(
            devices,
            engines,
            worker_threads=1,
            exchange_timeout_seconds=TIMEOUT_SECONDS,
            load_timeout_seconds=TIMEOUT_SECONDS,
            restart_backoff_seconds=0.0,
        )

    def kill(self, worker: Worker) -> None:
        assert isinstance(worker, WorkerProcess)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)


class InProcessPools:
    """Worker pools whose workers run in this process."""

    fake = IN_PROCESS_FAKE

    def pool(self, engines: Sequence[EngineSpec], devices: Sequence[DeviceSpec]) -> WorkerPool:
        return InProcessPool(devices, engines)

    def kill(self, worker: Worker) -> None:
        assert isinstance(worker, InProcessWorker)
        worker.kill()


class ClusterPools:
    """Worker pools of a simulated cluster, without Ray."""

    fake = IN_PROCESS_FAKE

    def __init__(self) -> None:
        self._clusters: list[FakeCluster] = []

    def pool(self, engines: Sequence[EngineSpec], devices: Sequence[DeviceSpec]) -> WorkerPool:
        self._clusters.clear()
        return RayPool(
            devices,
            engines,
            address="head:6379",
            new_process=lambda: DriverTask(self._clusters),
            exchange_timeout_seconds=TIMEOUT_SECONDS,
            load_timeout_seconds=TIMEOUT_SECONDS,
            restart_backoff_seconds=0.0,
        )

    def kill(self, worker: Worker) -> None:
        assert isinstance(worker, RayWorker)
        for actor in self._clusters[0].workers:
            actor.kill()


@pytest.fixture(params=[ProcessPools(), InProcessPools(), ClusterPools()], ids=["processes", "in process", "cluster"])
def kind(request: pytest.FixtureRequest) -> PoolKind:
    made: PoolKind = request.param
    return made


async def replies(worker: Worker, lane: Lane, count: int) -> list[Reply]:
    return [await worker.receive(lane) for _ in range(count)]


async def test_an_engine_is_ready_once_its_worker_has_loaded_it(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    with pytest.raises(EngineNotReady, match="still being loaded"):
        pool.require("fake")
    async with observed(pool, observer):
        await observer.next_worker()
        pool.require("fake")
        assert observer.changed.is_set()
        assert (list(pool.infos()), pool.devices_of("fake")) == (["fake"], ("cpu",))
        assert pool.engines_on("cpu") == frozenset({"fake"})
        assert (pool.unavailable("fake"), pool.all_starts_failed()) == (False, False)
    assert pool.infos() == {}


async def test_every_device_has_a_worker_of_its_own(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU, SECOND_CPU]), FakeObserver()
    async with observed(pool, observer):
        workers = dict([await observer.workers.get() for _ in pool.devices])
        assert set(workers) == set(pool.devices_of("fake")) == {"cpu", "cpu#2"}
        assert workers["cpu"] is not workers["cpu#2"]


async def test_an_unknown_engine_is_told_apart_from_one_that_cannot_be_loaded(kind: PoolKind) -> None:
    pool = kind.pool([MISSING, BROKEN], [CPU])
    async with observed(pool, FakeObserver()):
        await pool.settled()
        assert pool.engine_names == ("missing", "broken")
        with pytest.raises(UnknownEngine, match="missing, broken"):
            pool.require("nonsense")
        with pytest.raises(EngineNotReady, match="run `make weights`"):
            pool.require("missing")
        with pytest.raises(EngineNotReady, match="log"):
            pool.require("broken")
        assert pool.unavailable("missing")


async def test_an_engine_is_loaded_only_where_it_is_placed(kind: PoolKind) -> None:
    placed = DeviceSpec("cpu", "cpu", engines=("fake",))
    pool, observer = kind.pool([kind.fake, MISSING], [placed]), FakeObserver()
    async with observed(pool, observer):
        await observer.next_worker()
        assert pool.devices_of("fake") == ("cpu",)
        with pytest.raises(EngineNotReady, match="has no device"):
            pool.require("missing")


async def test_replies_come_in_the_order_of_the_commands(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    async with observed(pool, observer):
        worker = await observer.next_worker()
        assert worker.lanes == (Lane.BOTH,)
        for command in (Plan(SONG, "fake", params()), Prepare(SECTION), Step((SECTION,)), Ping()):
            worker.send(command, Lane.BOTH)
        assert [type(reply) for reply in await replies(worker, Lane.BOTH, 4)] == [Planned, Prepared, Stepped, Done]


async def test_every_lane_answers_its_own_commands(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [TWO_LANES]), FakeObserver()
    async with observed(pool, observer):
        worker = await observer.next_worker()
        assert worker.lanes == (Lane.DENOISE, Lane.RENDER)
        assert isinstance(await exchange(worker, Plan(SONG, "fake", params()), Lane.RENDER), Planned)
        worker.send(Prepare(SECTION), Lane.RENDER)
        worker.send(Ping(), Lane.DENOISE)
        assert await worker.receive(Lane.DENOISE) == Done()
        assert isinstance(await worker.receive(Lane.RENDER), Prepared)


async def test_a_fault_of_an_engine_is_a_reply_and_costs_no_worker(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    async with observed(pool, observer):
        worker = await observer.next_worker()
        reply = await exchange(worker, Plan(SONG, "fake", params("invalid")))
        assert isinstance(reply, Failed)
        assert (reply.song, reply.failure.fault) == (SONG, Fault.CALLER)
        assert await exchange(worker, Ping()) == Done()
        assert not worker.exited


async def test_a_wait_for_a_reply_ends_when_the_worker_dies(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    async with observed(pool, observer):
        worker = await observer.next_worker()
        waiting = asyncio.create_task(worker.receive(Lane.BOTH))
        await asyncio.sleep(0)
        kind.kill(worker)
        with pytest.raises(WorkerDied):
            await waiting
        await observer.next_worker()
        assert worker.exited
        with pytest.raises(WorkerDied):
            await exchange(worker, Ping())


async def test_a_command_that_ends_its_worker_is_noticed(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    async with observed(pool, observer):
        worker = await observer.next_worker()
        await exchange(worker, Plan(SONG, "fake", params("crash")))
        await exchange(worker, Prepare(SECTION))
        with pytest.raises(WorkerDied):
            await exchange(worker, Step((SECTION,)))


async def test_a_dead_worker_is_replaced(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU]), FakeObserver()
    async with observed(pool, observer):
        first = await observer.next_worker()
        observer.changed.clear()
        kind.kill(first)
        await observer.changed.wait()
        with pytest.raises(WorkerLost, match="restarted"):
            pool.require("fake")
        second = await observer.next_worker()
        assert second is not first
        pool.require("fake")
        assert (observer.exited, observer.restarted) == (["cpu"], ["cpu"])
        assert await exchange(second, Ping()) == Done()


async def test_a_bug_in_serving_costs_a_worker_and_not_the_device(kind: PoolKind) -> None:
    class BuggyOnce(FakeObserver):
        async def serve(self, device: str, worker: Worker) -> None:
            if not self.restarted:
                raise KeyError("a bug")
            await super().serve(device, worker)

    pool, observer = kind.pool([kind.fake], [CPU]), BuggyOnce()
    async with observed(pool, observer):
        assert await exchange(await observer.next_worker(), Ping()) == Done()
        assert observer.restarted == ["cpu"]


async def test_nothing_is_left_of_a_pool_whose_run_is_cancelled(kind: PoolKind) -> None:
    pool, observer = kind.pool([kind.fake], [CPU, SECOND_CPU]), FakeObserver()
    tasks = asyncio.all_tasks()
    async with observed(pool, observer):
        workers = [await observer.next_worker() for _ in pool.devices]
    assert (pool.infos(), observer.restarted) == ({}, [])
    for worker in workers:
        with pytest.raises(WorkerDied):
            await exchange(worker, Ping())
    assert asyncio.all_tasks() == tasks
