"""Connects the server to the process that drives a Ray cluster for it. Starts that driver process, and starts it again
after its end.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from server.workers.base import WorkerDeath, WorkerDied
from server.workers.pipes.piped_process import ProcessEnded
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
    """Protocol of the server's handle of the driver process; `PipedProcess` implements it."""

    @property
    def pid(self) -> int | None:
        """The id of the driver process; `None` before the start."""

    async def start(self, spec: object, timeout_seconds: float) -> object:
        """Start the driver process, send `spec` (its start parameters) as the first message, and return its first
        message. Raises ProcessEnded.
        """

    def send(self, message: object) -> None:
        """Send a message to the driver process without waiting."""

    async def receive(self) -> object:
        """Wait for the next message from the driver process, and return it. Raises ProcessEnded."""

    async def stop(self, grace_seconds: float) -> None:
        """Close the pipe of the driver process, which ends the process; kill it if it still runs after
        `grace_seconds`.
        """


class Bridge:
    """Passes messages between the server's handles of workers and the driver process of a Ray cluster. At most one
    driver process runs at a time.
    """

    def __init__(
        self,
        spec: ClusterSpec,
        new_process: Callable[[], DriverProcess],
        rejoin_seconds: float = 180.0,
        again_seconds: float = 2.0,
    ) -> None:
        """Set up the connection; `new_process` creates a handle of a driver process. After the loss of a cluster,
        attempts to join it again are made every `again_seconds`, for at most `rejoin_seconds`.
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
        """The id of the driver process while it is connected or connecting; otherwise `None`."""
        return self._process.pid if self._process is not None else None

    def connect(self) -> asyncio.Task[None]:
        """Start the driver process unless it runs; return a task that ends when the process has joined the cluster.

        The task raises WorkerDied if the process cannot join; the text says what to do.
        """
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="connect to Ray")
        return self._connecting

    def enter(self, receiver: Callable[[OfWorker], None]) -> int:
        """Register a new worker, whose messages are passed to `receiver`; return the number given to the worker."""
        number = next(self._numbers)
        self._workers[number] = receiver
        return number

    def enter_companion(self, receiver: Callable[[OfCompanion], None]) -> int:
        """Register a new companion (a process beside a worker, such as an encoder), whose messages are passed to
        `receiver`; return the number given to the companion.
        """
        number = next(self._numbers)
        self._companions[number] = receiver
        return number

    def leave(self, number: int) -> None:
        """Remove the registration of a worker, or of a companion (a process beside a worker); its further messages are
        dropped.
        """
        self._workers.pop(number, None)
        self._companions.pop(number, None)

    def send(self, message: ToDriver) -> None:
        """Send a message to the driver process. No effect while the process is not in the cluster or has ended; the
        handles of its workers then get `WorkerEnded`.
        """
        if self._process is not None and self._connected:
            self._process.send(message)

    async def close(self) -> None:
        """Stop the driver process, which ends all its workers."""
        tasks = [task for task in (self._connecting, self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connecting = self._running = None
        await self._stop()
        self._end_companions("the server stops")

    async def _connect(self) -> None:
        """Start the driver process and wait until it has joined the cluster. After the loss of a cluster, attempts to
        join it again are made for some time, so that songs wait for the cluster.
        """
        try:
            async with asyncio.timeout(self._rejoin_seconds if self._joined else None):
                while not await self._joins(once=not self._joined):  # noqa: ASYNC110 (a cluster sends no event when it is back)
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
        """Start the driver process; return True if it has joined the cluster. Otherwise return False or, with `once`,
        raise WorkerDied.
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
        _log.warning("the Ray cluster cannot be reached, and songs wait for it: %s", problem)
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
