"""Tells the directory which running songs have listeners on this replica, and how far these have got."""

import asyncio
import logging
from collections.abc import Collection, Sequence

from server.songs.recording import Recording
from server.songs.tickets import ATTEND_SECONDS
from server.store.base import StoreFailed
from server.store.directory import Attendance, Directory

logger = logging.getLogger(__name__)


class Attending:
    """The listened recordings of this replica whose songs have not ended, and do not go on without listeners.

    A song that was taken over has two: one that was followed here before, and one of the song that is made here.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._listened: dict[str, set[Recording]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._parted = False

    def joined(self, recording: Recording) -> None:
        """Note a recording that has listeners now."""
        if recording.linger_seconds is not None and not recording.ended:
            recordings = self._listened.setdefault(recording.song.song_id, set())
            recordings.add(recording)
            self._tell(_attendance(recordings))

    def left(self, recording: Recording) -> None:
        """Note a recording whose last listener has left: the song lingers from now on."""
        recordings = self._listened.get(recording.song.song_id, set())
        recordings.discard(recording)
        if recordings or self._parted:
            return
        if self._listened.pop(recording.song.song_id, None) is not None and not recording.ended:
            self._tell(Attendance(recording.song.song_id, 0, recording.linger_seconds or 0.0))

    def part(self) -> None:
        """Count listeners that leave from now on as present for a while: they go to other replicas."""
        self._parted = True

    async def run(self) -> None:
        """Renew what was told, for ever."""
        while True:
            await asyncio.sleep(ATTEND_SECONDS / 3)
            running = {song_id: set(filter(_runs, found)) for song_id, found in self._listened.items()}
            self._listened = {song_id: recordings for song_id, recordings in running.items() if recordings}
            await self._attend([*map(_attendance, self._listened.values())])

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


def _runs(recording: Recording) -> bool:
    return not recording.ended


def _attendance(recordings: Collection[Recording]) -> Attendance:
    """The listeners of one song. Should this replica be lost, they have time to come back elsewhere."""
    first = next(iter(recordings))
    linger_seconds = max(recording.linger_seconds or 0.0 for recording in recordings)
    furthest = max(recording.sound.furthest_byte for recording in recordings)
    return Attendance(first.song.song_id, furthest, ATTEND_SECONDS + linger_seconds)
