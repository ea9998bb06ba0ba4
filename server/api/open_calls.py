"""Counts open calls, so that a shutdown can wait for their end, and ends calls whose clients stop reading."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from server.errors import ListenerStalled

LAST_BYTE_GRACE_SECONDS = 0.1
"""Seconds to wait at the end of a call, in which the peer reads and acknowledges the last bytes of the response."""

DRAINING_STALL_SECONDS = 10.0
"""Seconds for which a client may read nothing while the server is shutting down; players read in bursts of some
seconds."""


class OpenCalls:
    """Counts the calls that are in progress. Not thread-safe: use it on one event loop."""

    def __init__(self, stall_seconds: float = 300.0) -> None:
        """Set up the counter. A call is ended if its client reads nothing for `stall_seconds`."""
        self._stall_seconds = stall_seconds
        self._sending: set[asyncio.Timeout] = set()
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._draining = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Context manager that counts one call as open."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    def start_draining(self) -> None:
        """Mark the server as shutting down: each connection closes with its last call, and clients that read nothing
        are cut off after `DRAINING_STALL_SECONDS`.
        """
        self._draining = True
        self._stall_seconds = min(self._stall_seconds, DRAINING_STALL_SECONDS)
        latest = asyncio.get_running_loop().time() + self._stall_seconds
        for limit in self._sending:
            limit.reschedule(min(latest, limit.when() or latest))

    async def taken(self, sending: Awaitable[None]) -> None:
        """Await the pending write `sending`, which finishes when the client has read enough of the response.

        Raises:
            ListenerStalled: the client read nothing for too long.
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
        """Wait briefly between a call's last message and its end while the server is draining.

        The end of the last call closes a draining connection. If the peer sends something at that moment, such as an
        acknowledgement, the closed socket answers with a reset, and the peer's system drops received data that its
        program has not read yet: the end of the song. This happens with HAProxy 2.8.
        """
        if self._draining:
            await asyncio.sleep(LAST_BYTE_GRACE_SECONDS)

    async def none(self) -> None:
        """Wait until the number of open calls is zero."""
        await self._none.wait()
