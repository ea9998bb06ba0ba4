"""Tells the directory which running songs have listeners on this replica, and how far these have got."""

import asyncio
import logging
from collections.abc import Sequence

from server.songs.recording import Recording
from server.songs.tickets import ATTEND_SECONDS
from server.store.base import StoreFailed
from server.store.directory import Attendance, Directory

logger = logging.getLogger(__name__)


class Attending:
    """The listened recordings of this replica whose songs have not ended, and do not go on without listeners."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._listened: dict[str, Recording] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def joined(self, recording: Recording) -> None:
        """Note a recording that has listeners now."""
        if recording.linger_seconds is not None and not recording.ended:
            self._listened[recording.song.song_id] = recording
            self._tell(Attendance(recording.song.song_id, recording.sound.furthest_byte, ATTEND_SECONDS))

    def left(self, recording: Recording) -> None:
        """Note a recording whose last listener has left: the song lingers from now on."""
        if self._listened.pop(recording.song.song_id, None) and not recording.ended:
            self._tell(Attendance(recording.song.song_id, 0, recording.linger_seconds or 0.0))

    async def run(self) -> None:
        """Renew what was told, for ever."""
        while True:
            await asyncio.sleep(ATTEND_SECONDS / 3)
            self._listened = {song_id: one for song_id, one in self._listened.items() if not one.ended}
            told = [Attendance(k, one.sound.furthest_byte, ATTEND_SECONDS) for k, one in self._listened.items()]
            await self._attend(told)

    async def close(self) -> None:
        """Wait until the last news are told."""
        await asyncio.gather(*self._tasks)

    def _tell(self, attendance: Attendance) -> None:
        task = asyncio.create_task(self._attend([attendance]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, attendances: Sequence[Attendance]) -> None:
        try:
            if attendances:
                await self._directory.attend(attendances)
        except StoreFailed as error:
            logger.error("the listeners of songs could not be told: %s", error)
