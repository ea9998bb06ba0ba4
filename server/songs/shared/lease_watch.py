"""Pauses songs whose leases could not be renewed for too long, because another server may soon claim them."""

import asyncio
import logging
from dataclasses import dataclass

from server.songs.ports import SongJob

_GOOD_SHARE = 2 / 3

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A song whose lease is watched, and the event loop's time until which it may run; the timer is `None` while the
    song is paused.
    """

    job: SongJob
    good_until: float
    timer: asyncio.TimerHandle | None = None


class LeaseWatch:
    """Pauses each song when two thirds of its lease duration have passed since the last renewal.

    The last third is a margin for steps in flight and for differences between the clocks.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._good_seconds = lease_seconds * _GOOD_SHARE
        self._songs: dict[str, _Watched] = {}

    def watch(self, song_id: str, job: SongJob) -> None:
        """Watch the lease of a song that was just claimed."""
        watched = self._songs[song_id] = _Watched(job, asyncio.get_running_loop().time() + self._good_seconds)
        self._wait(song_id, watched)

    def renewed(self, song_id: str, asked_at: float) -> None:
        """Record that a lease was renewed by a call made at that time; a paused song resumes."""
        watched = self._songs[song_id]
        watched.good_until = asked_at + self._good_seconds
        if watched.timer is None and watched.good_until > asyncio.get_running_loop().time():
            logger.info("a paused song continues: its lease was renewed", extra={"song_id": song_id})
            watched.job.resume()
            self._wait(song_id, watched)

    def remove(self, song_id: str) -> None:
        """Stop watching the lease of a song."""
        if (timer := self._songs.pop(song_id).timer) is not None:
            timer.cancel()

    def _wait(self, song_id: str, watched: _Watched) -> None:
        watched.timer = asyncio.get_running_loop().call_at(watched.good_until, self._look, song_id, watched)

    def _look(self, song_id: str, watched: _Watched) -> None:
        if watched.good_until > asyncio.get_running_loop().time():
            self._wait(song_id, watched)
            return
        watched.timer = None
        logger.warning("a song is paused until its lease can be renewed", extra={"song_id": song_id})
        watched.job.pause()
