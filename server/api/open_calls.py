"""The calls that are open now, for a server that wants to end its connections without cutting anything off."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

PARTING_SECONDS = 0.1
"""Enough for a peer to have read, and to have said so, what was sent before."""


class OpenCalls:
    """Counts calls from their beginning to their end. Lives on one event loop."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._parting = False

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

    def part(self) -> None:
        """Have connections end with their last call from now on."""
        self._parting = True

    async def before_end(self) -> None:
        """To be awaited between a call's last message and its end.

        The last call of a connection that is to end takes the connection with it. What the peer sends at that moment,
        such as that it has read something, meets a closed socket, and the answer to that makes the peer's system drop
        what it has received but not yet handed on: the end of the song. Seen with HAProxy 2.8.
        """
        if self._parting:
            await asyncio.sleep(PARTING_SECONDS)

    async def none(self) -> None:
        """Return once no call is open."""
        await self._none.wait()
