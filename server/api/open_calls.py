"""Counts open calls, so that a server can wait for their end, and ends those whose clients stop reading."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from server.errors import ListenerStalled

LAST_BYTE_GRACE_SECONDS = 0.1
"""Time for a peer to read, and acknowledge, the last bytes that were sent."""

DRAINING_STALL_SECONDS = 10.0
"""Seconds for which a client may read nothing while the server drains: players read in bursts of some seconds."""


class OpenCalls:
    """Counts calls from their beginning to their end. Lives on one event loop."""

    def __init__(self, stall_seconds: float = 300.0) -> None:
        """The call of a client that reads nothing for `stall_seconds` is ended."""
        self._stall_seconds = stall_seconds
        self._sending: set[asyncio.Timeout] = set()
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._draining = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """One call, open while the context lasts."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    def start_draining(self) -> None:
        """Have connections end with their last call from now on, and stalled clients sooner."""
        self._draining = True
        self._stall_seconds = min(self._stall_seconds, DRAINING_STALL_SECONDS)
        latest = asyncio.get_running_loop().time() + self._stall_seconds
        for limit in self._sending:
            limit.reschedule(min(latest, limit.when() or latest))

    async def taken(self, sending: Awaitable[None]) -> None:
        """Wait until a client has taken as much as `sending`, which sends something, waits for.

        Raises:
            ListenerStalled: it took nothing for too long.
        """
        limit = asyncio.timeout(self._stall_seconds)
        self._sending.add(limit)
        try:
            async with limit:
                await sending
        except TimeoutError:
            if not limit.expired():
                raise
            raise ListenerStalled(self._stall_seconds) from None
        finally:
            self._sending.discard(limit)

    async def before_end(self) -> None:
        """To be awaited between a call's last message and its end.

        The last call of a connection that is to end takes the connection with it. What the peer sends at that moment,
        such as that it has read something, meets a closed socket, and the answer to that makes the peer's system drop
        what it has received but not yet handed on: the end of the song. Seen with HAProxy 2.8.
        """
        if self._draining:
            await asyncio.sleep(LAST_BYTE_GRACE_SECONDS)

    async def none(self) -> None:
        """Return once no call is open."""
        await self._none.wait()
