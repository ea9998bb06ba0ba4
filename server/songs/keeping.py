"""Tracks whether a song is stored yet, for callers who wait for it."""

import asyncio

from server.errors import SongNotKept

KEEP_SECONDS = 30.0
"""Time limit in seconds for waiting until a song is stored."""


class Keeping:
    """Storage progress of one song: its record is stored first, then the whole song. Songs that were read from the
    store are already stored.
    """

    def __init__(self, *, done: bool = True) -> None:
        """Set up the storage progress of a song; with `done` the whole song is already stored."""
        self.lost = False
        """True once storing the song has failed."""
        self._begun = asyncio.Event()
        self._done = asyncio.Event()
        if done:
            self.finish()

    @property
    def has_begun(self) -> bool:
        """True once the song's record is stored, or storing it has failed."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Mark the song's record as stored, and wake the tasks that wait for that."""
        self._begun.set()

    def finish(self) -> None:
        """Mark the whole song as stored, and wake the tasks that wait for that."""
        self._begun.set()
        self._done.set()

    def lose(self) -> None:
        """Mark the song as not stored; tasks that wait in `begun` or `done` get SongNotKept."""
        self.lost = True
        self.finish()

    async def begun(self) -> None:
        """Wait until the song's record is stored. Raises SongNotKept if that fails or takes more than 30 seconds."""
        await self._reached(self._begun)

    async def done(self) -> None:
        """Wait until the whole song is stored. Raises SongNotKept if that fails or takes more than 30 seconds."""
        await self._reached(self._done)

    async def _reached(self, event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await event.wait()
        except TimeoutError:
            raise SongNotKept from None
        if self.lost:
            raise SongNotKept
