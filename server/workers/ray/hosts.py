"""Runs companions (processes beside the workers, such as encoders) on the nodes of the cluster. On each node one actor,
the host, starts and ends them.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from server.background import until_one_ends
from server.workers.base import WorkerDeath
from server.workers.ray.cluster_base import CONTROL, LIFE, SOUND, Actor, ActorLost, Cluster
from server.workers.ray.messages import CompanionMessage, CompanionStarted, FromDriver, SendToCompanion, StartCompanion
from server.workers.ray.node.silence import PERIODS
from server.workers.ray.reapers import Reapers

_log = logging.getLogger(__name__)

_END_SECONDS = 5.0


class Hosts:
    """Starts companions (processes beside the workers, such as encoders) on nodes, and passes messages between
    companions and the server.
    """

    def __init__(
        self,
        cluster: Cluster,
        reapers: Reapers,
        send: Callable[[FromDriver], None],
        *,
        pool: str,
        ping_seconds: float,
    ) -> None:
        """Set up the control of companions (processes beside the workers); `send` sends a message to the server. `pool`
        is the id of the server's worker pool. If a node sends nothing for three times `ping_seconds`, its companions
        count as lost.
        """
        self._cluster = cluster
        self._reapers = reapers
        self._send = send
        self._pool = pool
        self._ping_seconds = ping_seconds
        self._hosts: dict[str, _Host] = {}
        self._nodes: dict[int, str] = {}

    async def run(self, start: StartCompanion, node: str) -> None:
        """Start a companion (a process beside a worker) on a node, and pass its messages on to the server, until the
        companion ends or this call is cancelled.

        Raises:
            ActorLost: the companion has ended or, with `never_ran`, its node was lost before the companion had started.
        """
        number, host = start.companion, self._on(node)
        ended = host.ends[number] = asyncio.get_running_loop().create_future()
        self._nodes[number] = node
        try:
            await until_one_ends(_awaited(ended), self._run(host, start, node))
        except ActorLost as error:
            raise ActorLost(str(error), error.death, never_ran=number not in host.started) from error
        finally:
            host.started.discard(number)
            del self._nodes[number], host.ends[number]
            host.call("stop", number)

    async def close(self) -> None:
        """End the host actors of all nodes, which run the companions, and these companions. When this returns, their
        processes have ended or cannot be reached.
        """
        serving = [host.serving for host in self._hosts.values()]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def send(self, message: SendToCompanion) -> None:
        """Pass a message of the server to a companion (a process beside a worker); no effect if the companion has
        ended.
        """
        if (host := self._hosts.get(self._nodes.get(message.companion, ""))) is not None:
            host.call("send", message.companion, message.message)

    async def put(self, node: str, outgoing: bytes) -> None:
        """Send pickled sound to the encoders of a node; if they have ended, the sound is dropped."""
        if (host := self._hosts.get(node)) is not None:
            try:
                await host.actor.call("put", outgoing, group=SOUND)
            except ActorLost as error:
                _log.info("sound for the encoders of node %s was dropped: %s", node, error)

    async def _run(self, host: "_Host", start: StartCompanion, node: str) -> None:
        await host.begun.wait()
        address, first = await host.actor.call("start", start.companion, start.module, start.spec)
        host.started.add(start.companion)
        self._send(CompanionStarted(start.companion, node, address, first))
        await asyncio.Event().wait()

    def _on(self, node: str) -> "_Host":
        """Return the host actor of a node, which runs the companions there; it is started if necessary, and keeps
        running after the end of its last companion.
        """
        if node not in self._hosts:
            host = self._hosts[node] = _Host(self._cluster.start_host(node), self._received)
            host.serving = asyncio.create_task(self._serve(host, node), name=f"companions of {node}")
        return self._hosts[node]

    def _received(self, number: int, message: bytes) -> None:
        self._send(CompanionMessage(number, message))

    async def _serve(self, host: "_Host", node: str) -> None:
        """Run the host actor of a node, which runs the companions there, until the actor is lost or this call is
        cancelled.
        """
        slot = f"{self._pool}-host-{node}"
        try:
            await self._reapers.free(node, slot)
            await host.actor.call("hold", slot)
            host.begun.set()
            await host.listen(PERIODS * self._ping_seconds)
        except Exception as error:
            _log.warning("the process of the encoders of node %s was lost: %s", node, error)
            host.lose(error)
        finally:
            if self._hosts.get(node) is host:
                del self._hosts[node]
            await host.close()
            # If a new host of the node exists, it has the lock, and has called the reaper itself.
            if node not in self._hosts and await self._reapers.free(node, slot) is False:
                _log.error("the process of the encoders of node %s was killed but has not ended", node)


class _Host:
    """The host actor of one node, which runs the companions there (processes beside the workers). `ends` has a future
    for each companion, which fails when the companion ends.
    """

    def __init__(self, actor: Actor, received: Callable[[int, bytes], None]) -> None:
        self.actor = actor
        self.ends: dict[int, asyncio.Future[None]] = {}
        self.started: set[int] = set()
        self.begun = asyncio.Event()
        self.serving: asyncio.Task[None]
        self._received = received

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the host actor without waiting; if the actor is lost, `listen` raises the error."""
        self.actor.call(method, *arguments, group=CONTROL).add_done_callback(_ignored)

    async def listen(self, limit_seconds: float) -> None:
        """Pass on the messages of companions until the host actor, which runs them, is lost or silent for
        `limit_seconds`; then raise ActorLost.
        """
        while True:
            try:
                async with asyncio.timeout(limit_seconds):
                    taken = await self.actor.call("take", group=LIFE)
            except TimeoutError:
                raise ActorLost(
                    f"the process of the encoders of the node, or the network to it, was silent for "
                    f"{limit_seconds:g} seconds",
                    WorkerDeath.UNRESPONSIVE,
                ) from None
            for number, message in taken:
                if message is not None:
                    self._received(number, message)
                elif (ended := self.ends.get(number)) is not None and not ended.done():
                    ended.set_exception(ActorLost("the encoder process has ended"))

    def lose(self, error: Exception) -> None:
        """Mark all companions of the node as ended, because the host actor, which runs them, was lost."""
        for ended in self.ends.values():
            if not ended.done():
                ended.set_exception(ActorLost(str(error)))

    async def close(self) -> None:
        """End the companions of the node, then the host actor, which runs them."""
        with suppress(ActorLost, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self.actor.call("close", group=CONTROL)
        self.actor.kill()


def _ignored(call: asyncio.Future[object]) -> None:
    if not call.cancelled():
        call.exception()


async def _awaited(ended: asyncio.Future[None]) -> None:
    await ended
