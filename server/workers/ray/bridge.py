"""Connects the server to the process that drives a Ray cluster for it; starts that process, and again after it
has ended.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from server.workers.base import WorkerDeath, WorkerDied
from server.workers.piped_process import ProcessEnded
from server.workers.ray.messages import (
    ClusterSpec,
    CompanionEnded,
    NotConnected,
    OfCompanion,
    OfWorker,
    ToDriver,
    WorkerEnded,
)

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 90.0
_END_GRACE_SECONDS = 20.0


class DriverProcess(Protocol):
    """Interface of the handle of the driving process, which `PipedProcess` implements."""

    @property
    def pid(self) -> int | None:
        """The process id, once the process was started."""

    async def start(self, spec: object, timeout_seconds: float) -> object:
        """Start the process, send it `spec`, and return its first message; raises ProcessEnded."""

    def send(self, message: object) -> None:
        """Send a message without waiting."""

    async def receive(self) -> object:
        """Wait for the next message; raises ProcessEnded."""

    async def stop(self, grace_seconds: float) -> None:
        """Stop the process by closing its pipe; kill it after `grace_seconds`."""


class Bridge:
    """Passes messages between the handles of workers and the driving process. At most one such process runs."""

    def __init__(
        self,
        spec: ClusterSpec,
        new_process: Callable[[], DriverProcess],
        rejoin_seconds: float = 180.0,
        again_seconds: float = 2.0,
    ) -> None:
        """Set up the bridge. A cluster that was joined and then lost is tried again every `again_seconds`, for at most
        `rejoin_seconds`.
        """
        self._spec = spec
        self._new_process = new_process
        self._rejoin_seconds = rejoin_seconds
        self._again_seconds = again_seconds
        self._joined = False
        self._connected = False
        self._process: DriverProcess | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._workers: dict[int, Callable[[OfWorker], None]] = {}
        self._companions: dict[int, Callable[[OfCompanion], None]] = {}

    @property
    def pid(self) -> int | None:
        """The id of the driving process while it is connected or connecting; `None` otherwise."""
        return self._process.pid if self._process is not None else None

    def connect(self) -> asyncio.Task[None]:
        """Start the process unless it runs; returns a task that ends when the process has joined the cluster.

        The task raises WorkerDied if it cannot; the text says what to do.
        """
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="connect to Ray")
        return self._connecting

    def enter(self, receiver: Callable[[OfWorker], None]) -> int:
        """Register a new worker, whose messages are passed to `receiver`; returns the worker's number."""
        number = next(self._numbers)
        self._workers[number] = receiver
        return number

    def enter_companion(self, receiver: Callable[[OfCompanion], None]) -> int:
        """Register a new companion, whose messages are passed to `receiver`; returns the companion's number."""
        number = next(self._numbers)
        self._companions[number] = receiver
        return number

    def leave(self, number: int) -> None:
        """Drop all further messages of a worker or companion."""
        self._workers.pop(number, None)
        self._companions.pop(number, None)

    def send(self, message: ToDriver) -> None:
        """Send a message to the process; without effect while it has not joined the cluster, or if it has ended, which
        its workers are informed of.
        """
        if self._process is not None and self._connected:
            self._process.send(message)

    async def close(self) -> None:
        """Stop the process, which ends its workers."""
        tasks = [task for task in (self._connecting, self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connecting = self._running = None
        await self._stop()
        self._end_companions("the server stops")

    async def _connect(self) -> None:
        """Join the cluster. A cluster that was lost is tried again for a while, so that songs wait for it."""
        try:
            async with asyncio.timeout(self._rejoin_seconds if self._joined else None):
                while not await self._joins(once=not self._joined):  # noqa: ASYNC110 (a cluster tells nobody of its return)
                    await asyncio.sleep(self._again_seconds)
        except TimeoutError:
            raise WorkerDied(
                f"the Ray cluster at {self._spec.address} was lost and has not come back within "
                f"{self._rejoin_seconds:g} seconds: see its head, and the log"
            ) from None
        except BaseException:
            self._connecting = None
            raise
        self._joined = True

    async def _joins(self, *, once: bool) -> bool:
        """Start the process; returns True if it has joined the cluster. If it cannot join, returns False or, with
        `once`, raises WorkerDied.
        """
        process = self._process = self._new_process()
        try:
            first = await process.start(self._spec, _CONNECT_SECONDS)
            problem = first.text if isinstance(first, NotConnected) else ""
        except ProcessEnded as error:
            problem = (
                f"the process that drives the Ray cluster at {self._spec.address} has not joined it: {error}; check "
                "that the cluster is running and that MELISMA_POOL__RAY_TOKEN_FILE has its token"
            )
        except BaseException:
            await self._stop()
            raise
        if not problem:
            self._connected = True
            self._running = asyncio.create_task(self._run(process), name="messages of Ray")
            return True
        await self._stop()
        if once:
            raise WorkerDied(problem)
        _log.warning("the Ray cluster cannot be reached, and songs wait until it is back: %s", problem)
        return False

    async def _run(self, process: DriverProcess) -> None:
        try:
            while True:
                self._deliver(await process.receive())
        except ProcessEnded:
            self._connecting = None
            await self._stop()
            text = "the process that drives the Ray cluster has ended: the cluster was lost, or see the log"
            self._end_companions(text, cluster_lost=True)
            for number, receiver in [*self._workers.items()]:
                receiver(WorkerEnded(number, WorkerDeath.EXITED, text, cluster_lost=True))

    def _end_companions(self, text: str, *, cluster_lost: bool = False) -> None:
        for number, receiver in [*self._companions.items()]:
            receiver(CompanionEnded(number, text, cluster_lost))

    def _deliver(self, message: object) -> None:
        if isinstance(message, OfWorker):
            if worker := self._workers.get(message.worker):
                worker(message)
            return
        assert isinstance(message, OfCompanion)
        if companion := self._companions.get(message.companion):
            companion(message)

    async def _stop(self) -> None:
        process, self._process, self._connected = self._process, None, False
        if process is not None:
            await process.stop(_END_GRACE_SECONDS)
