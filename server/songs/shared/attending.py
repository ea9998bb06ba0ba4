"""Tells the directory which songs have listeners on this replica, and how far these have got."""

import asyncio
import logging
from collections.abc import Sequence

from server.songs.open_recordings import OpenRecordings
from server.songs.recording import Recording
from server.songs.tickets import ATTEND_SECONDS
from server.store.base import StoreFailed
from server.store.directory import Attendance, Directory

logger = logging.getLogger(__name__)


class Attending:
    """The listeners of this replica: they let songs go on, and keep ended ones from being deleted by others."""

    def __init__(self, directory: Directory, opened: OpenRecordings) -> None:
        self._directory = directory
        self._open = opened
        self._tasks: set[asyncio.Task[None]] = set()

    def found(self, recording: Recording) -> None:
        """Note a recording of an ended song, which somebody is about to listen to."""
        self._tell(_of(recording))

    def joined(self, recording: Recording) -> None:
        """Note a recording that has listeners now."""
        if not recording.ended:
            self._tell(_of(recording))

    def left(self, recording: Recording) -> None:
        """Note a recording whose last listener has left: the song lingers from now on."""
        if not recording.ended:
            self._tell(Attendance(recording.song.song_id, 0, recording.linger_seconds or 0.0))

    async def run(self) -> None:
        """Renew what was told, for ever."""
        while True:
            await asyncio.sleep(ATTEND_SECONDS / 3)
            await self._attend([_of(recording) for recording in self._open.listened])

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


def _of(recording: Recording) -> Attendance:
    return Attendance(recording.song.song_id, recording.sound.furthest_byte, ATTEND_SECONDS)
