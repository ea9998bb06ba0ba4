"""Tracks if a song is stored, for callers who want to fetch it later."""

import asyncio

from server.errors import SongNotKept

KEEP_SECONDS = 30.0
"""Most seconds to wait until a song is stored."""


class Keeping:
    """Tracks how far one song is stored. A song that is not being made is already stored."""

    def __init__(self, *, done: bool = True) -> None:
        """Set up the tracking. With `done` the song is already stored."""
        self.lost = False
        """True once the song cannot be stored."""
        self._begun = asyncio.Event()
        self._done = asyncio.Event()
        if done:
            self.finish()

    @property
    def has_begun(self) -> bool:
        """True once the song's record is stored, or cannot be stored."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Record that the song's record is stored."""
        self._begun.set()

    def finish(self) -> None:
        """Record that the whole song is stored."""
        self._begun.set()
        self._done.set()

    def lose(self) -> None:
        """Record that the song could not be stored."""
        self.lost = True
        self.finish()

    async def begun(self) -> None:
        """Wait until the song's record is stored; raises SongNotKept."""
        await self._reached(self._begun)

    async def done(self) -> None:
        """Wait until the whole song is stored; raises SongNotKept."""
        await self._reached(self._done)

    async def _reached(self, event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await event.wait()
        except TimeoutError:
            raise SongNotKept from None
        if self.lost:
            raise SongNotKept
