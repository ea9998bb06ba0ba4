"""Admission control: limits the number of songs in the service, and estimates when refused callers should retry.

A song counts from its admission until its sound is complete or it has ended otherwise. The last eighth of the queue is
reserved for callers who have no song in the service, so that one caller cannot exclude the others. The song directory
(the registry of all songs) counts the songs of all servers; this module defines the limits, and counts the songs of
this server.
"""

from collections.abc import Callable

from server.errors import Draining, Overloaded, SongStoreFull
from server.songs.ports import Room

_KEPT_SHARE = 8
_WEIGHT = 0.2
_LOW_WATERMARK_SHARE = 0.75
"""Share of the high watermark below which saturation ends. The gap between both keeps readiness from changing with
every song.
"""
_FALLBACK_SONG_SECONDS = 10.0


class RunningMean:
    """An exponentially weighted running mean; `value` is `None` before the first measurement."""

    def __init__(self) -> None:
        self.value: float | None = None

    def add(self, measured: float) -> None:
        """Add a measured value to the running mean."""
        self.value = measured if self.value is None else self.value + _WEIGHT * (measured - self.value)


class Admission:
    """Admission control of this server: counts its songs, and refuses new songs while the server shuts down.

    `running` returns the number of songs that can run at once now; at most `queued` songs may wait. The server is
    saturated once the share `high_watermark` of `queued` songs wait, until fewer than three quarters of that number
    wait.
    """

    def __init__(self, running: Callable[[], int], queued: int, high_watermark: float = 1.0) -> None:
        self._running = running
        self._queued = queued
        self._high_watermark = max(1.0, high_watermark * queued)
        self._saturated = False
        self._draining = False
        self._song_seconds = RunningMean()
        self.songs = 0

    @property
    def draining(self) -> bool:
        """True if the server is shutting down and accepts no more songs."""
        return self._draining

    @property
    def saturated(self) -> bool:
        """True if the queue is nearly full, so that new songs should be sent to other servers."""
        self._note_crowd()
        return self._saturated

    @property
    def room(self) -> Room:
        """The limits on running and waiting songs, and the number of further songs that this server can start now."""
        running = self._running()
        free = 0 if self._draining else running - self.songs
        return Room(running, self._queued, self._queued // _KEPT_SHARE, free)

    def drain(self) -> None:
        """Refuse every new song from now on."""
        self._draining = True

    def require_open(self) -> None:
        """Check that the server accepts new songs.

        Raises:
            Draining: `drain` was called.
        """
        if self._draining:
            raise Draining(
                "this server is shutting down: send the request to another server, or again after the restart"
            )

    def enter(self) -> None:
        """Increase the number of songs that wait or are made on this server by one."""
        self.songs += 1
        self._note_crowd()

    def leave(self) -> None:
        """Decrease the number of songs that wait or are made on this server by one."""
        self.songs -= 1
        self._note_crowd()

    def overloaded(self, songs: int) -> Overloaded:
        """Return the error for a song that is refused because the queue is full; `songs` is the number of songs that
        run or wait.
        """
        text = f"the queue is full, with {songs} songs running or waiting: try again later"
        return Overloaded(text, self._retry_after_seconds())

    def store_full(self) -> SongStoreFull:
        """Return the error for a song that is refused because the store is full."""
        return SongStoreFull(
            "the song store has no room for another song: try again later", self._retry_after_seconds()
        )

    def measured_song(self, seconds: float) -> None:
        """Record the time from a song's first work to its last chunk, in seconds. The mean of these times determines
        when refused callers should retry.
        """
        self._song_seconds.add(seconds)

    def _note_crowd(self) -> None:
        waiting = self.songs - self._running()
        self._saturated = waiting >= (
            self._high_watermark * _LOW_WATERMARK_SHARE if self._saturated else self._high_watermark
        )

    def _retry_after_seconds(self) -> float:
        song = self._song_seconds.value
        return (_FALLBACK_SONG_SECONDS if song is None else song) / max(1, self._running())
