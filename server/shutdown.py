"""Shuts the server down: handles signals, and waits for running songs and open connections to end."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import grpc.aio

from server.api.grpc.health import HealthServicer
from server.api.open_calls import OpenCalls
from server.background import first_of, in_background
from server.generation.frontend import Frontend
from server.generation.runner import Runner
from server.songs.service import Songs

FLUSH_SECONDS = 1.0
"""Seconds in which open calls may send their remaining sound and their final status."""
REFUSING_SECONDS = 1.0
"""Seconds for which new songs are refused before connections are closed, so that load balancers see the health status.
"""

GIVING_UP_SECONDS = 2.0
"""Time limit in seconds for handing incomplete songs over to other servers."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shutdown:
    """Shuts the parts of the server down. A running song has `grace_seconds` to finish, and is ended as soon as `force`
    is set.

    If several servers share a store, the other servers take over the songs that they can continue with identical sound,
    and the listeners of these songs. Songs that no other server takes over are finished here.
    """

    server: grpc.aio.Server
    runner: Runner | Frontend
    songs: Songs
    health: HealthServicer
    calls: OpenCalls
    grace_seconds: float
    force: asyncio.Event

    async def run(self) -> None:
        """Shut the server down: report "not ready", refuse new songs, let running songs finish or hand them over to
        other servers, and let listeners read the remaining sound.

        After `REFUSING_SECONDS` the port closes, and every connection ends with its last call. Clients and load
        balancers that do not check health then use other servers, too.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self.grace_seconds
        self.health.close()
        self.runner.drain()
        self.calls.start_draining()
        # Once the port is closed, clients cannot reconnect here. Listeners of other servers' songs must call those.
        async with in_background(self.songs.offer()):
            await self._until_served(min(REFUSING_SECONDS, self.grace_seconds))
            stopped = asyncio.ensure_future(self.server.stop(self.grace_seconds + REFUSING_SECONDS + FLUSH_SECONDS))
            self.songs.start_draining()
            await self._until_served(give_up_at - loop.time())
        if songs := await self._cut_off():
            logger.warning(
                "the server ended before these songs were complete; raise MELISMA_GRACE_SECONDS to give them more time",
                extra={"songs": songs},
            )
        # Calls that are still open belong to ended songs, or are endless, such as gRPC reflection.
        await self.server.stop(FLUSH_SECONDS)
        await stopped

    async def _cut_off(self) -> int:
        """Hand incomplete songs over to other servers and end the remaining ones; return the number of both
        together.
        """
        songs = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVING_UP_SECONDS):
                songs = await self.songs.hand_over()
        return songs + self.runner.cut_off()

    async def _until_served(self, timeout_seconds: float) -> None:
        await first_of(self._served(), self.force.wait(), timeout_seconds=timeout_seconds)

    async def _served(self) -> None:
        """Wait until every song is complete and every listener has received it."""
        await self.runner.idle()
        await self.calls.none()


@contextmanager
def handled_signals(callback: Callable[[], None]) -> Iterator[None]:
    """Context manager in which `callback` is called at every SIGTERM and SIGINT. Enter the context on the event
    loop.
    """
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
