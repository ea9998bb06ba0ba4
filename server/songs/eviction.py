"""Deletes stored songs (eviction) when the store exceeds its limits of size, number or age."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator

from server.store.base import SongStore, StoreFailed

EVICTION_SECONDS = 600.0

logger = logging.getLogger(__name__)


class _InUse(Collection[str]):
    """The ids of songs that must not be deleted, read anew from a function at each use of the collection."""

    def __init__(self, song_ids: Callable[[], Collection[str]]) -> None:
        self._song_ids = song_ids

    def __contains__(self, song_id: object) -> bool:
        return song_id in self._song_ids()

    def __iter__(self) -> Iterator[str]:
        return iter(self._song_ids())

    def __len__(self) -> int:
        return len(self._song_ids())


class Eviction:
    """Evicts (deletes) stored songs, oldest first, while the store exceeds its limits: after each new song, and
    periodically because of the age limit.
    """

    def __init__(self, store: SongStore, in_use: Callable[[], Collection[str]]) -> None:
        """Set up the eviction of songs; `in_use` returns the ids of songs that must not be deleted."""
        self._store = store
        self._in_use = _InUse(in_use)
        self._wanted = False
        self._running = False
        self.count = 0
        """Number of songs that this server has evicted since the start."""

    async def evict(self) -> None:
        """Delete stored songs while the store exceeds its limits. If such a deletion is running already, it is repeated
        once after its end instead.
        """
        self._wanted = True
        if self._running:
            return
        self._running = True
        try:
            while self._wanted:
                self._wanted = False
                await self._evict()
        finally:
            self._running = False

    async def _evict(self) -> None:
        try:
            deleted = await self._store.evict(self._in_use)
        except StoreFailed as error:
            logger.error(
                "old songs could not be deleted from the song store; the server tries again at the next check: %s",
                error,
            )
            return
        self.count += deleted
        if deleted:
            logger.info("%d old songs were deleted from the song store", deleted, extra={"songs": deleted})

    async def run(self) -> None:
        """Delete stored songs that exceed the store's limits, every ten minutes until cancelled."""
        while True:
            await self.evict()
            await asyncio.sleep(EVICTION_SECONDS)
