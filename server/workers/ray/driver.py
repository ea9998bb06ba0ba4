"""Controls the workers of one server on a Ray cluster. The driver process gets commands from the server by a pipe, and
sends replies back.
"""

import asyncio
import logging

from server.background import until_one_ends
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.ray.cluster_base import ActorLost, Cluster, ClusterLost
from server.workers.ray.driven_worker import DrivenWorker
from server.workers.ray.hosts import Hosts
from server.workers.ray.messages import (
    CompanionEnded,
    EndCompanion,
    EndWorker,
    RunCommand,
    SendToCompanion,
    StartCompanion,
    StartWorker,
)
from server.workers.ray.reapers import Reapers

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0


class Driver:
    """Controls all workers and companions (processes beside the workers, such as encoders) that the server has started
    on the cluster; each has a number.
    """

    def __init__(self, pipe: AsyncPipe, cluster: Cluster, *, pool: str, ping_seconds: float) -> None:
        self._pipe = pipe
        self._cluster = cluster
        self._pool = pool
        self._ping_seconds = ping_seconds
        self._reapers = Reapers(cluster, ping_seconds)
        self._hosts = Hosts(cluster, self._reapers, pipe.send, pool=pool, ping_seconds=ping_seconds)
        self._lost = asyncio.Event()
        self._placed = asyncio.Event()
        self._workers: dict[int, DrivenWorker] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._companions: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Execute the server's messages until the server closes the pipe or the cluster is lost. All workers have ended
        when this returns.
        """
        try:
            await until_one_ends(self._follow(), self._lost.wait())
        except PipeClosed:
            pass
        finally:
            await self._end()

    async def _follow(self) -> None:
        while True:
            self._handle(await self._pipe.receive())

    def _handle(self, message: object) -> None:
        match message:
            case RunCommand(worker=number):
                if worker := self._workers.get(number):
                    worker.send(message)
            case StartWorker(worker=number):
                self._begin(number, message)
            case EndWorker(worker=number):
                if task := self._tasks.get(number):
                    task.cancel()
            case SendToCompanion():
                self._hosts.send(message)
            case StartCompanion(companion=number):
                self._accompany(number, message)
            case EndCompanion(companion=number):
                if task := self._companions.get(number):
                    task.cancel()

    def _begin(self, number: int, start: StartWorker) -> None:
        worker = self._workers[number] = DrivenWorker(
            start,
            self._cluster,
            self._reapers,
            self._pipe.send,
            self._hosts.put,
            self._placed.set,
            pool=self._pool,
            ping_seconds=self._ping_seconds,
        )
        task = self._tasks[number] = asyncio.create_task(worker.run(), name=f"worker of {start.device}")
        task.add_done_callback(lambda task: self._ended(number, task))

    def _accompany(self, number: int, start: StartCompanion) -> None:
        running = self._run_companion(start)
        task = self._companions[number] = asyncio.create_task(running, name=f"companion of {start.device}")
        task.add_done_callback(lambda task: self._left(number, task))

    async def _run_companion(self, start: StartCompanion) -> None:
        """Run a companion (such as an encoder) on the node of its device's worker, as soon as that worker has a node.
        If the node is lost before the companion has started, try again.
        """
        while True:
            try:
                await self._hosts.run(start, await self._node_of(start.device))
            except ActorLost as error:
                if not error.never_ran:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)

    def _left(self, number: int, task: asyncio.Task[None]) -> None:
        del self._companions[number]
        # The error comes from a method of the actor, or from a cluster that is being lost.
        text = "the server has ended the encoder process" if task.cancelled() else str(task.exception())
        self._pipe.send(CompanionEnded(number, text))

    async def _node_of(self, device: str) -> str:
        """Wait until the device has a worker on some node, and return the id of the node."""
        while True:
            for worker in self._workers.values():
                if worker.device == device and worker.node:
                    return worker.node
            self._placed.clear()
            await self._placed.wait()

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        worker = self._workers.pop(number)
        del self._tasks[number]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ClusterLost):
            _log.error("the Ray cluster starts no workers any more, so the server joins it again: %s", error)
            self._lost.set()
        elif error is not None:
            _log.error(
                "the task that runs the worker of device %s in the Ray cluster failed because of a bug: please report "
                "this traceback",
                worker.device,
                exc_info=error,
            )

    async def _end(self) -> None:
        tasks = [*self._companions.values(), *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hosts.close()
        await self._reapers.close()
        self._cluster.close()
