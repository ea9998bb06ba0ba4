"""Deletes ended songs from the song directory (Redis or Valkey) and the object store."""

import asyncio
import logging
from typing import Final

from server.background import BackgroundTasks
from server.store.base import StoreFailed
from server.store.shared.connection import Connection
from server.store.shared.object_store.objects import Objects
from server.store.shared.reading import Reader

_DELETED_SECONDS: Final = 86_400
"""Seconds for which the deletion of a song is remembered, so that a server that was disconnected meanwhile cannot store
it again.
"""

FORGET_SECONDS: Final = 5.0
"""Seconds for which a song that was cancelled before it was planned can still be read."""

logger = logging.getLogger(__name__)


class Deletion:
    """Deletes ended songs. The objects of a song are deleted first, so that a failed deletion can be found and
    repeated.
    """

    def __init__(self, connection: Connection, objects: Objects, reader: Reader) -> None:
        self._connection = connection
        self._objects = objects
        self._reader = reader
        self._tasks = BackgroundTasks()

    async def delete_ended(self, song_id: str) -> bool:
        """Delete a song if it has ended; return False otherwise. Raises StoreFailed."""
        return await self._delete(song_id, "ended", _DELETED_SECONDS)

    async def delete_unheard(self, song_id: str) -> bool:
        """Delete a song if it has ended and has no listener; return False otherwise. Raises StoreFailed."""
        return await self._delete(song_id, "unheard")

    def delete_soon(self, song_id: str) -> None:
        """Schedule the deletion of a song that was cancelled before its plan was made, so that it has no sound;
        listeners first get some seconds to read that it was cancelled.
        """
        self._tasks.start(self._delete_later(song_id), f"forget {song_id}")

    def close(self) -> None:
        """Cancel the scheduled deletions."""
        self._tasks.cancel()

    async def _delete_later(self, song_id: str) -> None:
        await asyncio.sleep(FORGET_SECONDS)
        try:
            await self.delete_unheard(song_id)
        except StoreFailed as error:
            logger.warning(
                "the song store could not delete the song %s, which was cancelled before it was planned: %s",
                song_id,
                error,
                extra={"song_id": song_id},
            )

    async def _delete(self, song_id: str, condition: str, deleted_seconds: int = 0) -> bool:
        """Delete a song if it meets `condition`, a word for the Lua script "delete": "ended" or "unheard" (ended,
        without a listener). Return False if it does not. For `deleted_seconds` the song directory then refuses to store
        the song again.
        """
        usage, may = await self._connection.run("delete", song_id, condition)
        self._reader.note_usage(usage)
        if not may:
            return False
        await self._objects.delete(song_id)
        usage, deleted = await self._connection.run("delete", song_id, "forget", deleted_seconds)
        self._reader.note_usage(usage)
        return bool(deleted)
