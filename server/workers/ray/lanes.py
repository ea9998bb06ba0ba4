"""Passes the replies of one worker to the server, each after its sound has been sent to the encoders that are not on
the worker's node.

A worker has one lane, or two whose commands run at the same time.
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
"""Function that sends sound, pickled, to the encoders of a node."""


class Lanes:
    """The lanes of one worker. A slow encoder delays only the lane that sends to it, and no other worker."""

    def __init__(
        self, actor: Actor, lanes: Iterable[Lane], replied: Callable[[Lane, bytes], None], relay: Relay
    ) -> None:
        """Set up the lanes; `replied` is called on the event loop, in the order of each lane's commands."""
        self._actor = actor
        self._replied = replied
        self._relay = relay
        self._nodes: dict[SongKey, str] = {}
        self._links = EncoderLinks()
        self._calls = {lane: asyncio.Queue[asyncio.Future[Any]]() for lane in lanes}
        self._threads = {lane: ThreadPoolExecutor(1, f"sound-{lane}") for lane in self._calls}

    def send(self, command: bytes, lane: Lane) -> None:
        """Send a pickled command, without waiting for the replies to earlier ones."""
        self._calls[lane].put_nowait(self._actor.call("run", command, group=lane.value))

    async def run(self) -> None:
        """Pass on replies until cancelled; a call that fails raises its error here."""
        await until_one_ends(*map(self._run, self._calls))

    def close(self) -> None:
        """Drop replies that are not passed on yet, and close the connections to the encoders."""
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
        """Return the node of the encoder to which sound goes; empty for one beside the server."""
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
    """Ignore the result of a call that nobody waits for any more; its error is not reported."""
    if not call.cancel() and not call.cancelled():
        call.exception()
