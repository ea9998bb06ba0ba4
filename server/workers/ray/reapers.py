"""Starts one reaper (an actor that kills frozen workers) on each node on which workers were started."""

import asyncio
import logging
from contextlib import suppress

from server.workers.ray.cluster_base import CONTROL, Actor, ActorLost, Cluster

_log = logging.getLogger(__name__)

_FREE_SECONDS = 15.0
"""Time limit in seconds for an answer of a reaper (the actor that kills frozen workers of a node); without an answer
the node counts as unreachable.
"""


class Reapers:
    """Starts reapers (actors that kill frozen workers) on nodes, and sends them heartbeats."""

    def __init__(self, cluster: Cluster, ping_seconds: float) -> None:
        self._cluster = cluster
        self._ping_seconds = ping_seconds
        self._actors: dict[str, Actor] = {}
        self._heartbeats: dict[str, asyncio.Task[None]] = {}

    async def free(self, node: str, slot: str) -> bool | None:
        """Let the reaper of a node kill the process that uses the device `slot` there. Returns True once no process
        uses the device, False if one still does after a time limit, and `None` if the node cannot be reached.
        """
        try:
            async with asyncio.timeout(_FREE_SECONDS):
                return bool(await self._of(node).call("free", slot))
        except (ActorLost, TimeoutError) as error:
            _log.warning(
                "the process on node %s that kills leftover workers (the reaper) cannot be reached: %s",
                node,
                str(error) or "no answer in time",
            )
            self._drop(node)
            return None

    async def close(self) -> None:
        """End all reapers (the actors that kill frozen workers)."""
        beats = [*self._heartbeats.values()]
        for node in [*self._actors]:
            self._drop(node)
        await asyncio.gather(*beats, return_exceptions=True)

    def _of(self, node: str) -> Actor:
        if node not in self._actors:
            self._actors[node] = self._cluster.start_reaper(node)
            self._heartbeats[node] = asyncio.create_task(
                self._send_heartbeats(node, self._actors[node]), name=f"reaper of {node}"
            )
        return self._actors[node]

    async def _send_heartbeats(self, node: str, actor: Actor) -> None:
        with suppress(ActorLost):
            while True:
                await actor.call("heartbeat", group=CONTROL)
                await asyncio.sleep(self._ping_seconds)
        if self._actors.get(node) is actor:
            self._drop(node)

    def _drop(self, node: str) -> None:
        if (actor := self._actors.pop(node, None)) is not None:
            self._heartbeats.pop(node).cancel()
            actor.kill()
