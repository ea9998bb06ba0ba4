"""Controls one worker of a Ray cluster, from its start to its end, in the driver process."""

import asyncio
import logging
import pickle
from collections.abc import Callable
from typing import cast

from server.background import until_one_ends
from server.version import VERSION
from server.workers.base import WorkerDeath
from server.workers.messages import Lane, Ready
from server.workers.ray.cluster_base import CONTROL, LIFE, Actor, ActorLost, Cluster, ClusterLost, Place
from server.workers.ray.lanes import Lanes, Relay
from server.workers.ray.messages import CommandDone, FromDriver, RunCommand, StartWorker, WorkerEnded, WorkerLoaded
from server.workers.ray.node.silence import PERIODS
from server.workers.ray.reapers import Reapers

_log = logging.getLogger(__name__)

_PLACING_WARNING_SECONDS = 30.0
_LAST_REPLIES_SECONDS = 0.05
"""Seconds to wait after a worker's end for its last replies, because the oldest command without a reply counts as the
cause of the end.
"""
_STARTS, _AGAIN_SECONDS = 3, 1.0
"""Number of attempts to start a worker, and seconds between them. A cluster head that is restarted drops actors before
they run, and may then drop all actors of this process.
"""


class DrivenWorker:
    """Controls one worker of a Ray cluster: its start, its heartbeat, its commands and its end."""

    def __init__(
        self,
        start: StartWorker,
        cluster: Cluster,
        reapers: Reapers,
        send: Callable[[FromDriver], None],
        relay: Relay,
        placed: Callable[[], None],
        *,
        pool: str,
        ping_seconds: float,
    ) -> None:
        """Set up the control of one worker. `send` sends a message to the server, `relay` sends sound to the encoders
        of a node; `placed` is called when the worker has a node. `pool` is the id of the server's worker pool; a
        heartbeat is sent to the worker every `ping_seconds`.
        """
        self._start = start
        self._cluster = cluster
        self._reapers = reapers
        self._send = send
        self._relay = relay
        self._on_placed = placed
        self._pool = pool
        self._ping_seconds = ping_seconds
        self._actor: Actor | None = None
        self._lanes: Lanes | None = None
        self._held: tuple[str, str] | None = None

    @property
    def device(self) -> str:
        """Name of the device, as in the settings, for which the worker was started."""
        return self._start.device

    @property
    def node(self) -> str:
        """Id of the node on which the worker runs; empty while the worker waits for a free device."""
        return self._held[0] if self._held is not None else ""

    def send(self, command: RunCommand) -> None:
        """Send a command to a lane (command queue) of the worker. No effect if the worker has not loaded its engines or
        has ended, which the server learns by another message.
        """
        if self._lanes is not None:
            self._lanes.send(command.command, command.lane)

    async def run(self) -> None:
        """Start the worker and pass on its replies, until the worker ends or this call is cancelled. When this returns,
        the worker's process has ended or its node cannot be reached.

        Raises:
            ClusterLost: the cluster starts no actors any more; no message about the worker was sent to the server.
        """
        number = self._start.worker
        ended: WorkerEnded | None = WorkerEnded(number, WorkerDeath.UNRESPONSIVE, "the server has ended the worker")
        try:
            await self._serve(*await self._started())
        except ActorLost as error:
            ended = WorkerEnded(number, error.death, str(error))
        except ClusterLost:
            ended = None
            raise
        except Exception as error:  # raised by a method of the actor, or because the cluster is being lost
            ended = WorkerEnded(number, WorkerDeath.EXITED, f"{type(error).__name__}: {error}")
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end()))
            if ended is not None:
                self._send(ended)

    async def _started(self) -> tuple[Actor, Place]:
        """Start an actor for the worker, and wait until the actor runs on a node; return both. An actor that is lost
        before it runs is started again.
        """
        starts = 1
        while True:
            self._actor = actor = self._cluster.start_worker(self._start.spec.device)
            try:
                return actor, await self._placed(actor)
            except ActorLost as error:
                if not error.never_ran:
                    raise
                if starts == _STARTS:
                    raise ClusterLost(str(error)) from error
                _log.warning("the worker of device %s was lost before it ran: %s", self._start.device, error)
            starts += 1
            actor.kill()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _serve(self, actor: Actor, place: Place) -> None:
        if place.version != VERSION:
            raise ActorLost(
                f"the node {place.host} has version {place.version} of the code, and this server {VERSION}: run the "
                "same image on all nodes"
            )
        await until_one_ends(self._send_heartbeats(actor), _life(actor, self._start.device), self._work(actor, place))

    async def _placed(self, actor: Actor) -> Place:
        call = actor.call("place")
        while True:
            done, _ = await asyncio.wait([call], timeout=_PLACING_WARNING_SECONDS)
            if done:
                return cast(Place, call.result())
            kind = self._start.spec.device
            _log.warning(
                "the worker of device %s waits for a node with a free device: %g of kind %s are free in the cluster; "
                "start more nodes, or lower COUNT in MELISMA_DEVICES",
                self._start.device,
                await asyncio.to_thread(self._cluster.free_devices, kind),
                kind,
            )

    async def _send_heartbeats(self, actor: Actor) -> None:
        """Send heartbeats to the worker periodically; raise ActorLost if the worker does not answer one in time."""
        limit = PERIODS * self._ping_seconds
        while True:
            try:
                async with asyncio.timeout(limit):
                    await actor.call("heartbeat", group=CONTROL)
            except TimeoutError:
                raise ActorLost(
                    f"the worker of device {self._start.device}, or the network to it, was silent for "
                    f"{limit:g} seconds",
                    WorkerDeath.UNRESPONSIVE,
                ) from None
            await asyncio.sleep(self._ping_seconds)

    async def _work(self, actor: Actor, place: Place) -> None:
        slot = "gpu-" + "-".join(place.gpus) if place.gpus else f"{self._pool}-{self._start.device}"
        self._held = place.node, slot
        self._on_placed()
        if await self._reapers.free(place.node, slot) is False:
            raise ActorLost(
                f"a process that was killed still uses the device of {self._start.device} on {place.host}: it is stuck "
                "in the device driver; see 'nvidia-smi' there, and restart that node",
                WorkerDeath.UNRESPONSIVE,
            )
        loaded = await actor.call("load", slot, pickle.dumps(self._start.spec, pickle.HIGHEST_PROTOCOL))
        self._lanes = Lanes(actor, self._start.spec.lanes, self._replied, self._relay)
        self._send(WorkerLoaded(self._start.worker, cast(Ready, pickle.loads(loaded)), place.host, place.node))
        await self._lanes.run()

    def _replied(self, lane: Lane, reply: bytes) -> None:
        self._send(CommandDone(self._start.worker, lane, reply))

    async def _end(self) -> None:
        """End the worker's process; if the process is frozen, the reaper of its node kills it."""
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            lanes.close()
        if self._actor is not None:
            self._actor.kill()
        if self._held is not None and await self._reapers.free(*self._held) is False:
            _log.error("the worker of device %s was killed but has not ended", self._start.device)


async def _life(actor: Actor, device: str) -> None:
    """Wait until the worker of `device` has ended and its last replies have arrived; then raise ActorLost."""
    try:
        await actor.call("live", group=LIFE)
    except ActorLost:
        await asyncio.sleep(_LAST_REPLIES_SECONDS)
        raise
    raise ActorLost(f"the worker of device {device} has ended")
