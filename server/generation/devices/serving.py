"""Serves the devices of a worker pool: gives each device to the scheduler while its worker runs."""

import asyncio

from server.errors import WorkerLost
from server.generation.devices.lanes import LaneLoop
from server.generation.devices.parts import LaneParts
from server.generation.jobs.registry import Jobs
from server.generation.readiness import EngineReadiness
from server.workers.base import Worker, WorkerDeath, WorkerPool


class Devices:
    """Observer of the worker pool: starts and ends the command loops of a worker when the worker starts and ends."""

    def __init__(self, pool: WorkerPool, jobs: Jobs, readiness: EngineReadiness, parts: LaneParts) -> None:
        self._pool = pool
        self._jobs = jobs
        self._readiness = readiness
        self._parts = parts
        self._scheduler = parts.scheduler

    async def serve(self, device: str, worker: Worker) -> None:
        """Give work to a worker until it dies; then its songs wait for another worker.

        Raises:
            WorkerDied: the worker has ended.
        """
        self._scheduler.open(device, self._pool.engines_on(device))
        self._parts.metrics.devices.worker_up(device, True)
        self._parts.wakes.all()
        lanes = [asyncio.create_task(LaneLoop(device, lane, worker, self._parts).run()) for lane in worker.lanes]
        try:
            done, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            self._parts.metrics.devices.worker_up(device, False)
            self._parts.failures.settle(self._scheduler.close(device))
            self._parts.wakes.all()

    def worker_exited(self, device: str) -> None:
        """Wake the command loops, so that those of `device` notice the end of its worker."""
        self._parts.wakes.all()

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        """Count the restart of a worker, and the cause of the worker's death, in the metrics."""
        self._parts.metrics.devices.worker_restarted(device, death)

    def readiness_changed(self) -> None:
        """Fail the waiting songs of engines for which no worker is left, and notify the subscribers of readiness."""
        for engine in filter(self._pool.unavailable, self._pool.engine_names):
            for song_id in self._scheduler.waiting(engine):
                if job := self._jobs.get(song_id):
                    job.fail(
                        WorkerLost(f"no worker of engine {engine!r} could be started: ask for the song again later")
                    )
        self._readiness.notify()
