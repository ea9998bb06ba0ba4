"""A simulated cluster without Ray: its actors are objects of this process, whose calls run on one thread for each of
the actor's concurrency groups.
"""

import asyncio
import itertools
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.pipes.piped_process import ProcessEnded
from server.workers.ray.cluster_base import Actor, ActorLost
from server.workers.ray.driver import Driver
from server.workers.ray.messages import ClusterSpec, Connected
from server.workers.ray.node.actor import WorkerActor
from server.workers.ray.node.host import CompanionHost
from server.workers.ray.node.reaper import Reaper

PING_SECONDS = 5.0


class ThreadActor:
    """An actor that calls methods of an object on threads; after `kill` all calls fail."""

    def __init__(self, make: Callable[[Callable[[], None]], Any]) -> None:
        """Create the actor's object by `make`; the argument of `make` is a function with which the object ends its
        actor.
        """
        self._loop = asyncio.get_running_loop()
        self._groups: dict[str, ThreadPoolExecutor] = {}
        self._calls: set[asyncio.Future[Any]] = set()
        self.dead = False
        self.never_ran = False
        self.silent = False
        """True for an actor that does not answer any more, like a frozen process."""
        self.target = make(self._leave)

    def call(self, method: str, *arguments: object, group: str = "") -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.dead:
            answer.set_exception(ActorLost("the actor has ended", never_ran=self.never_ran))
            return answer
        self._calls.add(answer)
        answer.add_done_callback(self._calls.discard)
        threads = self._groups.setdefault(group, ThreadPoolExecutor(1))
        done = threads.submit(getattr(self.target, method), *arguments)
        done.add_done_callback(lambda done: self._done(done, answer))
        return answer

    def kill(self) -> None:
        if self.dead:
            return
        self.dead = True
        self.target.end()
        for threads in self._groups.values():
            threads.shutdown(wait=False)
        for call in [*self._calls]:
            if not call.done():
                call.set_exception(ActorLost("the actor has ended"))

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self.kill)

    def _done(self, done: Future[Any], answer: asyncio.Future[Any]) -> None:
        if not self.dead:
            self._loop.call_soon_threadsafe(self._answer, done, answer)

    def _answer(self, done: Future[Any], answer: asyncio.Future[Any]) -> None:
        if answer.done() or self.silent:
            return
        error = done.exception()
        if error is None:
            answer.set_result(done.result())
        elif isinstance(error, Exception):
            answer.set_exception(RuntimeError(str(error)))
        else:
            answer.set_exception(ActorLost("the actor has ended"))


class NodeWorker(WorkerActor):
    """A worker actor that reports `node`, a name in the simulated cluster, as the node on which it runs."""

    node = "localhost"

    def where(self) -> tuple[str, str, tuple[str, ...]]:
        return self.node, self.node, ()


class FakeCluster:
    """A simulated cluster, which starts actors at once; `node` is the name of the node on which the next worker
    starts.
    """

    node = "localhost"

    def __init__(self, ping_seconds: float) -> None:
        self._ping_seconds = ping_seconds
        self.workers: list[ThreadActor] = []
        self.reapers: list[ThreadActor] = []
        self.hosts: list[ThreadActor] = []
        self.closed = False
        self.forgetful = False
        """True for a cluster that drops actors before they run."""

    def start_worker(self, device: str) -> Actor:
        actor = ThreadActor(lambda leave: NodeWorker(self._ping_seconds, leave))
        actor.target.node = self.node
        self.workers.append(actor)
        if self.forgetful:
            actor.never_ran = True
            actor.kill()
        return actor

    def start_reaper(self, node: str) -> Actor:
        self.reapers.append(ThreadActor(lambda leave: Reaper(self._ping_seconds, leave)))
        return self.reapers[-1]

    def start_host(self, node: str) -> Actor:
        self.hosts.append(ThreadActor(lambda leave: CompanionHost(self._ping_seconds, leave)))
        return self.hosts[-1]

    def free_devices(self, device: str) -> float:
        return 0.0

    def close(self) -> None:
        for actor in (*self.workers, *self.hosts, *self.reapers):
            actor.kill()
        self.closed = True


class DriverTask:
    """A stand-in for the process that drives a cluster: a task of this process with a simulated cluster."""

    _pids = itertools.count(1)

    def __init__(self, clusters: list[FakeCluster], first: object = Connected()) -> None:
        """Set up the task; its cluster is added to `clusters`, and `first` is its first message."""
        self._clusters = clusters
        self._first = first
        self._pipe: AsyncPipe | None = None
        self._task: asyncio.Task[None] | None = None
        self.pid: int | None = None

    async def start(self, spec: object, timeout_seconds: float) -> object:
        assert isinstance(spec, ClusterSpec)
        near, far = socket.socketpair()
        self._pipe = await AsyncPipe.open(near)
        cluster = FakeCluster(spec.ping_seconds)
        self._clusters.append(cluster)
        self._task = asyncio.create_task(_drive(await AsyncPipe.open(far), cluster, spec), name="driver")
        self.pid = next(self._pids)
        return self._first

    def send(self, message: object) -> None:
        assert self._pipe is not None
        self._pipe.send(message)

    async def receive(self) -> object:
        assert self._pipe is not None
        try:
            return await self._pipe.receive()
        except PipeClosed:
            raise ProcessEnded("the process has ended") from None

    async def stop(self, grace_seconds: float) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def die(self) -> None:
        """End like a killed process: the actors of its cluster end with it."""
        assert self._task is not None
        self._task.cancel()


async def _drive(pipe: AsyncPipe, cluster: FakeCluster, spec: ClusterSpec) -> None:
    try:
        await Driver(pipe, cluster, pool=spec.pool, ping_seconds=spec.ping_seconds).run()
    finally:
        pipe.close()
