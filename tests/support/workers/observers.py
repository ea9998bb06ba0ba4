"""Helpers for tests of workers: send a command, observe a pool, look at its processes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.workers.base import Worker, WorkerDeath, WorkerDied, WorkerPool, WorkerPoolObserver
from server.workers.local_pool import LocalPool
from server.workers.messages import Command, Lane, Reply
from server.workers.worker_process import WorkerProcess


async def exchange(worker: Worker, command: Command, lane: Lane = Lane.BOTH) -> Reply:
    """Send a command to a lane (command queue) of a worker, and return the worker's reply."""
    worker.send(command, lane)
    return await worker.receive(lane)


def is_alive(pid: int | None) -> bool:
    """Return True if the process exists, also as a zombie."""
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class FakeObserver:
    """A stand-in for the runner: an observer that records the notifications of a pool, and holds each worker until the
    worker has ended.
    """

    def __init__(self) -> None:
        self.workers: asyncio.Queue[tuple[str, Worker]] = asyncio.Queue()
        self.changed = asyncio.Event()
        self.exited: list[str] = []
        self.restarted: list[str] = []
        self.deaths: list[WorkerDeath] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def serve(self, device: str, worker: Worker) -> None:
        end = self._ends[device] = asyncio.Event()
        self.workers.put_nowait((device, worker))
        if not worker.exited:
            await end.wait()
        raise WorkerDied("its process ended")

    def worker_exited(self, device: str) -> None:
        self.exited.append(device)
        if device in self._ends:
            self._ends[device].set()

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        self.restarted.append(device)
        self.deaths.append(death)

    def readiness_changed(self) -> None:
        self.changed.set()

    async def next_worker(self) -> Worker:
        """Wait until the next worker has started, and return it."""
        _, worker = await self.workers.get()
        return worker


@asynccontextmanager
async def observed(pool: WorkerPool, observer: FakeObserver, timeout_seconds: float = 30.0) -> AsyncIterator[None]:
    """Context manager in which a pool runs and notifies `observer`; its body fails with TimeoutError after
    `timeout_seconds`.
    """
    run = asyncio.create_task(pool.run(observer))
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


class WatchedPool(LocalPool):
    """A local pool whose `pids` are the process ids of its running workers, by device name."""

    pids: dict[str, int]

    async def run(self, observer: WorkerPoolObserver) -> None:
        self.pids = {}
        await super().run(_PidNotes(observer, self.pids))


class _PidNotes:
    def __init__(self, observer: WorkerPoolObserver, pids: dict[str, int]) -> None:
        self._pids = pids
        self._serve = observer.serve
        self.worker_exited = observer.worker_exited
        self.worker_restarted = observer.worker_restarted
        self.readiness_changed = observer.readiness_changed

    async def serve(self, device: str, worker: Worker) -> None:
        assert isinstance(worker, WorkerProcess)
        assert worker.pid is not None
        self._pids[device] = worker.pid
        try:
            await self._serve(device, worker)
        finally:
            del self._pids[device]
