"""Pauses songs whose leases could not be renewed for too long, because the song directory may soon assign them to
another server.
"""

import asyncio
import logging
from dataclasses import dataclass

from server.songs.ports import SongJob

_GOOD_SHARE = 2 / 3

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A song with a lease, and the time of the event loop's clock until which the song may run; the timer is `None`
    while the song is paused.
    """

    job: SongJob
    good_until: float
    timer: asyncio.TimerHandle | None = None


class LeaseWatch:
    """Pauses each song when two thirds of its lease duration have passed since the last renewal.

    The last third is a safety margin for steps in progress and for differences between the clocks of servers.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._good_seconds = lease_seconds * _GOOD_SHARE
        self._songs: dict[str, _Watched] = {}

    def watch(self, song_id: str, job: SongJob) -> None:
        """Start the timer for the lease of a song that was just assigned to this server."""
        watched = self._songs[song_id] = _Watched(job, asyncio.get_running_loop().time() + self._good_seconds)
        self._wait(song_id, watched)

    def renewed(self, song_id: str, asked_at: float) -> None:
        """Restart the timer of a song whose lease was renewed by a call made at the time `asked_at` (event loop's
        clock); a paused song resumes.
        """
        watched = self._songs[song_id]
        watched.good_until = asked_at + self._good_seconds
        if watched.timer is None and watched.good_until > asyncio.get_running_loop().time():
            logger.info("the paused song %s continues: its lease was renewed", song_id, extra={"song_id": song_id})
            watched.job.resume()
            self._wait(song_id, watched)

    def remove(self, song_id: str) -> None:
        """Cancel the timer for the lease of a song."""
        if (timer := self._songs.pop(song_id).timer) is not None:
            timer.cancel()

    def _wait(self, song_id: str, watched: _Watched) -> None:
        watched.timer = asyncio.get_running_loop().call_at(watched.good_until, self._look, song_id, watched)

    def _look(self, song_id: str, watched: _Watched) -> None:
        if watched.good_until > asyncio.get_running_loop().time():
            self._wait(song_id, watched)
            return
        watched.timer = None
        logger.warning("the song %s is paused until its lease can be renewed", song_id, extra={"song_id": song_id})
        watched.job.pause()
