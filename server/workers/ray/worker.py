"""The server's handle of one worker on a Ray cluster."""

import asyncio
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from server.workers.base import WorkerDeath, WorkerDied
from server.workers.messages import Command, Lane, Ready, Reply
from server.workers.ray.bridge import Bridge
from server.workers.ray.messages import (
    CommandDone,
    EndWorker,
    OfWorker,
    RunCommand,
    StartWorker,
    WorkerEnded,
    WorkerLoaded,
)
from server.workers.worker_spec import WorkerSpec

_END_SECONDS = 35.0
"""Time limit in seconds for the driver process to end a worker, which includes the killing of a frozen process. After
that time the server no longer waits for the end.
"""


class _ClusterLost(Exception):
    """The cluster was lost before the worker had loaded its engines."""


class RayWorker:
    """The server's handle of one worker on a Ray cluster, which the driver process starts and ends."""

    def __init__(
        self,
        device: str,
        spec: WorkerSpec,
        bridge: Bridge,
        *,
        exchange_timeout_seconds: float,
        on_exit: Callable[[], None],
    ) -> None:
        """Set up the handle of a worker for the device named `device`, which must reply to each command within
        `exchange_timeout_seconds`. `bridge` passes messages to and from the driver process. `on_exit` is called on the
        event loop when the worker has ended, unless `stop` ends it.
        """
        self._device = device
        self._spec = spec
        self._bridge = bridge
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._on_exit = on_exit
        self._replies = {lane: asyncio.Queue[Reply | None]() for lane in spec.lanes}
        self._ready: asyncio.Future[Ready] | None = None
        self._number: int | None = None
        self._ended: WorkerEnded | None = None
        self._gone = asyncio.Event()
        self._stopping = False
        self._silent = False
        self.node = ""
        """Address of the worker's computer; empty until the worker has loaded its engines."""
        self.node_id = ""
        """Id of the worker's node in the cluster; empty until the worker has loaded its engines."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes (command queues) of the worker."""
        return self._spec.lanes

    @property
    def distant(self) -> bool:
        """True: messages to the worker pass through three processes and perhaps a network."""
        return True

    @property
    def exited(self) -> bool:
        """True once the worker has ended, unless `stop` ended it."""
        return self._ended is not None

    @property
    def death(self) -> WorkerDeath:
        """The cause of the worker's end, once it has ended."""
        if self._silent or self._ended is None:
            return WorkerDeath.UNRESPONSIVE
        return self._ended.death

    async def launch(self) -> None:
        """Begin to join the cluster; `loaded` then starts the worker there."""
        self._bridge.connect()

    async def loaded(self, timeout_seconds: float) -> Ready:
        """Wait until the cluster is joined, a node has a free device, and the worker there has loaded its engines;
        return the worker's first message.

        Raises:
            WorkerDied: the cluster cannot be joined, or the worker has ended or took longer than `timeout_seconds`.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    await asyncio.shield(self._bridge.connect())
                    with suppress(_ClusterLost):
                        return await self._start()
        except TimeoutError:
            self._silent = True
            raise WorkerDied(
                f"no worker for device {self._device} has loaded within {timeout_seconds:g} seconds: check that the "
                "cluster has a free device of its kind; if loading takes longer, raise "
                "MELISMA_LIMITS__LOAD_TIMEOUT_SECONDS"
            ) from None

    def send(self, command: Command, lane: Lane) -> None:
        """Send a command to a lane (command queue) of the worker, which executes its commands in order."""
        assert self._number is not None
        self._bridge.send(RunCommand(self._number, lane, pickle.dumps(command, pickle.HIGHEST_PROTOCOL)))

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane (command queue) of the worker, and return it.

        Raises:
            WorkerDied: the worker has ended, or took longer than the time limit for replies.
        """
        try:
            async with asyncio.timeout(self._exchange_timeout_seconds):
                reply = await self._next(lane)
        except TimeoutError:
            self._silent = True
            raise WorkerDied(
                f"the worker of device {self._device} did not answer within {self._exchange_timeout_seconds:g} "
                "seconds; if its work takes longer, raise MELISMA_LIMITS__EXCHANGE_TIMEOUT_SECONDS"
            ) from None
        if reply is None:
            self._replies[lane].put_nowait(None)
            raise WorkerDied(self._ended.text if self._ended else f"the worker of device {self._device} was stopped")
        return reply

    async def stop(self, grace_seconds: float) -> None:
        """End the worker, and wait until its process has ended or its node counts as unreachable."""
        self._stopping = True
        if self._number is None:
            return
        if self._ended is None:
            self._bridge.send(EndWorker(self._number))
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS + grace_seconds):
                    await self._gone.wait()
        self._bridge.leave(self._number)

    async def _start(self) -> Ready:
        self._ready = asyncio.get_running_loop().create_future()
        if self._number is not None:
            self._bridge.leave(self._number)
        self._number = self._bridge.enter(self._take)
        self._bridge.send(StartWorker(self._number, self._device, self._spec))
        return await self._ready

    async def _next(self, lane: Lane) -> Reply | None:
        replies = self._replies[lane]
        return replies.get_nowait() if not replies.empty() else await replies.get()

    def _take(self, message: OfWorker) -> None:
        match message:
            case CommandDone(lane=lane, reply=reply):
                self._replies[lane].put_nowait(cast(Reply, pickle.loads(reply)))
            case WorkerLoaded():
                self.node, self.node_id = message.node, message.node_id
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(message.ready)
            case WorkerEnded():
                self._end(message)

    def _end(self, ended: WorkerEnded) -> None:
        if ended.cluster_lost and self._ready is not None and not self._ready.done():
            # The workers of a lost cluster end some moments before it; new ones wait until it is joined again.
            self._ready.set_exception(_ClusterLost)
            return
        self._ended = ended
        self._gone.set()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(WorkerDied(ended.text))
        for replies in self._replies.values():
            replies.put_nowait(None)
        if not self._stopping:
            self._on_exit()
