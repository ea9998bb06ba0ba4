"""Passes the replies of one worker to the server. The sound of a reply is first sent to those encoders that are not on
the worker's node.

A worker has one lane (command queue), or two whose commands run at the same time.
"""

import asyncio
import pickle
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, TypeAlias, cast

from server.background import until_one_ends
from server.workers.messages import Lane, SongKey
from server.workers.ray.cluster_base import Actor
from server.workers.ray.node.outbox import OpenedSong, Outgoing, deliver
from server.workers.ray.node.socket_path import parted
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import Sound

Relay: TypeAlias = Callable[[str, bytes], Awaitable[None]]
"""Function that sends pickled sound to the encoders of a node, given the node's id."""


class Lanes:
    """The lanes (command queues) of one worker. A slow encoder delays only the lane that sends to it, and no other
    worker.
    """

    def __init__(
        self, actor: Actor, lanes: Iterable[Lane], replied: Callable[[Lane, bytes], None], relay: Relay
    ) -> None:
        """Set up the lanes (command queues) of a worker; `replied` is called on the event loop with each reply, in the
        order of the lane's commands. `relay` sends sound to the encoders of a node.
        """
        self._actor = actor
        self._replied = replied
        self._relay = relay
        self._nodes: dict[SongKey, str] = {}
        self._links = EncoderLinks()
        self._calls = {lane: asyncio.Queue[asyncio.Future[Any]]() for lane in lanes}
        self._threads = {lane: ThreadPoolExecutor(1, f"sound-{lane}") for lane in self._calls}

    def send(self, command: bytes, lane: Lane) -> None:
        """Send a pickled command to a lane (command queue) of the worker, without waiting for the replies to earlier
        commands.
        """
        self._calls[lane].put_nowait(self._actor.call("run", command, group=lane.value))

    async def run(self) -> None:
        """Pass on the worker's replies until cancelled, or until a call to the worker fails; then raise the error of
        that call.
        """
        await until_one_ends(*map(self._run, self._calls))

    def close(self) -> None:
        """Drop the replies that were not passed on yet, and close the connections to the encoders."""
        for calls in self._calls.values():
            while not calls.empty():
                forget(calls.get_nowait())
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        self._links.close()

    async def _run(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        while True:
            call = await self._calls[lane].get()
            try:
                data = await call
            except BaseException:
                forget(call)
                raise
            reply, outgoing = cast(tuple[bytes, tuple[Outgoing, ...]], pickle.loads(data))
            for node, part in groupby(outgoing, self._node_of):
                if node:
                    await self._relay(node, pickle.dumps(tuple(part), pickle.HIGHEST_PROTOCOL))
                else:
                    await loop.run_in_executor(self._threads[lane], deliver, tuple(part), self._links)
            self._replied(lane, reply)

    def _node_of(self, one: Outgoing) -> str:
        """Return the id of the node whose encoder a message is for; empty for an encoder on the server's computer."""
        match one:
            case OpenedSong(target, opened):
                if node := parted(target.address)[0]:
                    self._nodes[opened.song] = node
                return node
            case Sound():
                return self._nodes.get(one.section.song, "")
            case SongKey():
                return self._nodes.pop(one, "")


def forget(call: asyncio.Future[Any]) -> None:
    """Drop the result of a call that no task waits for any more; an error of the call is not reported."""
    if not call.cancel() and not call.cancelled():
        call.exception()
