"""Reports to the song directory (shared registry of songs) which songs have listeners on this server, and the furthest
byte that they have reached.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence

from server.songs.recordings.open_recordings import OpenRecordings
from server.songs.recordings.recording import Recording
from server.songs.tickets import ATTEND_SECONDS
from server.store.base import StoreFailed
from server.store.directory import Attendance, Directory

logger = logging.getLogger(__name__)


class Attending:
    """Reports the listeners of this server to the other servers, so that these neither cancel running songs with
    listeners nor evict ended ones.

    A song that this server took over has two recordings (event logs) with listeners: that of the song made by the
    earlier server, and that of the song made here.
    """

    def __init__(self, directory: Directory, opened: OpenRecordings) -> None:
        self._directory = directory
        self._open = opened
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    def found(self, recording: Recording) -> None:
        """Report that a song that has ended is about to get a listener on this server."""
        self._send(_attendance([recording]))

    def joined(self, recording: Recording) -> None:
        """Report that the song of a recording (event log) has at least one listener on this server now."""
        if not recording.ended:
            self._send(_attendance([recording, *self._open.listened_of(recording.song.song_id)]))

    def left(self, recording: Recording) -> None:
        """Report that the last listener of a song has left this server, so that the song's lingering time begins. No
        report is sent while another recording of the song has listeners.
        """
        if not (recording.ended or self._draining or self._open.listened_of(recording.song.song_id)):
            self._send(Attendance(recording.song.song_id, 0, recording.linger_seconds or 0.0))

    def start_draining(self) -> None:
        """Send no reports about listeners that leave from now on, because they move to other servers; their last report
        stays valid for a while.
        """
        self._draining = True

    async def run(self) -> None:
        """Renew the report on all listeners of this server every two seconds, until cancelled."""
        while True:
            await asyncio.sleep(ATTEND_SECONDS / 3)
            await self._attend([*map(_attendance, self._open.listened)])

    async def close(self) -> None:
        """Wait until the last reports on listeners are sent."""
        await asyncio.gather(*self._tasks)

    def _send(self, attendance: Attendance) -> None:
        task = asyncio.create_task(self._attend([attendance]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, attendances: Sequence[Attendance]) -> None:
        try:
            if attendances:
                await self._directory.attend(attendances)
        except StoreFailed as error:
            logger.error(
                "the listeners of songs could not be registered in the song directory; the server tries again soon: %s",
                error,
            )


def _attendance(recordings: Collection[Recording]) -> Attendance:
    """Return the report on the listeners of one song. It stays valid long enough for the listeners to come back through
    another server.
    """
    first = next(iter(recordings))
    linger_seconds = max(recording.linger_seconds or 0.0 for recording in recordings)
    furthest = max(recording.sound.furthest_byte for recording in recordings)
    return Attendance(first.song.song_id, furthest, ATTEND_SECONDS + linger_seconds)
