"""Deletes songs on the request of their callers."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from server.errors import SongNotEnded, UnknownSong
from server.songs.recordings.open_recordings import OpenRecordings
from server.store.base import SongRecord, SongStore, StoreFailed

STORED_SECONDS: Final = 5.0
"""Time limit in seconds for waiting until the final state of a song is stored, before the song can be deleted."""

logger = logging.getLogger(__name__)


class Deletion:
    """Deletes songs that have ended, even while they have listeners."""

    def __init__(
        self, store: SongStore, opened: OpenRecordings, on_deleted: Callable[[str], None] | None = None
    ) -> None:
        """Set up the deletion of songs; `on_deleted` is called with the id of each deleted song."""
        self._on_deleted = on_deleted
        self._store = store
        self._open = opened
        self.count = 0
        """Number of songs that this server has deleted at their callers' request."""

    async def delete(self, song: SongRecord) -> None:
        """Delete an ended song, given its present record. Listeners of the song get the error SongDeleted.

        Raises:
            SongNotEnded: the song is waiting or being made.
            UnknownSong: another call has deleted the song meanwhile.
            StoreFailed: the song could not be deleted; the call may be repeated.
        """
        if not song.state.ended:
            raise SongNotEnded(song.song_id)
        await self._stored(song.song_id)
        # A song that was cancelled before its plan is not stored; this server only keeps its recording for listeners.
        was_open = self._open.get(song.song_id) is not None
        # The calls of listeners end first, because the sound that they would read next is about to be deleted.
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
        """Wait until the final state of a song that this server has made is stored, so that nothing is written after
        the deletion.
        """
        if (made := self._open.made(song_id)) is None:
            return
        try:
            async with asyncio.timeout(STORED_SECONDS):
                await made.stored.wait()
        except TimeoutError as error:
            raise StoreFailed(
                f"the end of the song {song_id} is not stored yet, so it cannot be deleted: try again in a moment"
            ) from error
