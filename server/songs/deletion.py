"""Deletes songs on the request of their callers."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from server.errors import SongNotEnded, UnknownSong
from server.songs.open_recordings import OpenRecordings
from server.store.base import SongRecord, SongStore, StoreFailed

STORED_SECONDS: Final = 5.0
"""Most seconds to wait until the end of a song is stored, before it can be deleted."""

logger = logging.getLogger(__name__)


class Deletion:
    """Deletes songs that have ended, even songs with listeners."""

    def __init__(
        self, store: SongStore, opened: OpenRecordings, on_deleted: Callable[[str], None] | None = None
    ) -> None:
        """Set up the deletion of songs; `on_deleted` is called with the id of each deleted song."""
        self._on_deleted = on_deleted
        self._store = store
        self._open = opened
        self.count = 0
        """The number of songs that were deleted through this server."""

    async def delete(self, song: SongRecord) -> None:
        """Delete a song, given its present record. Its listeners get the error SongDeleted.

        Raises:
            SongNotEnded: the song is waiting or being made.
            UnknownSong: another call has deleted the song meanwhile.
            StoreFailed: the song could not be deleted; the call may be repeated.
        """
        if not song.state.ended:
            raise SongNotEnded(song.song_id)
        await self._stored(song.song_id)
        # A song that was cancelled before its plan is not stored; it exists here only for its listeners.
        was_open = self._open.get(song.song_id) is not None
        # End the calls of listeners first, because the sound that they would read next is about to be deleted.
        self._open.deleted(song.song_id)
        deleted = await self._store.delete(song.song_id)
        self._open.deleted(song.song_id)
        if not (deleted or was_open):
            raise UnknownSong(song.song_id)
        if self._on_deleted:
            self._on_deleted(song.song_id)
        self.count += 1
        logger.info("a song was deleted by its caller", extra={"song_id": song.song_id, "caller": song.caller})

    async def _stored(self, song_id: str) -> None:
        """Wait until the end of a song that was made here is stored, so that nothing is written after its deletion."""
        if (made := self._open.made(song_id)) is None:
            return
        try:
            async with asyncio.timeout(STORED_SECONDS):
                await made.stored.wait()
        except TimeoutError as error:
            raise StoreFailed(
                f"the end of the song {song_id} is not stored yet, so it cannot be deleted: try again in a moment"
            ) from error
