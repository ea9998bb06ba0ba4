"""Deletes stored songs beyond the limits of the store."""

import asyncio
import logging
from collections.abc import Callable, Collection

from server.store.base import SongStore, StoreFailed

EVICTION_SECONDS = 600.0

logger = logging.getLogger(__name__)


class Eviction:
    """Deletes songs after each song, and now and again: songs grow old without anything else happening."""

    def __init__(self, store: SongStore, in_use: Callable[[], Collection[str]]) -> None:
        """`in_use` gives the ids of songs that must stay."""
        self._store = store
        self._in_use = in_use
        self.count = 0
        """The number of songs that this server has deleted because of the limits."""

    async def evict(self) -> None:
        """Delete what is too old or too much; a store that fails is logged."""
        try:
            deleted = await self._store.clean_up(self._in_use())
        except StoreFailed as error:
            logger.error("the song store was not cleaned up: %s", error)
            return
        self.count += deleted
        if deleted:
            logger.info("songs deleted from the store", extra={"songs": deleted})

    async def run(self) -> None:
        """Evict periodically, for ever."""
        while True:
            await self.evict()
            await asyncio.sleep(EVICTION_SECONDS)
