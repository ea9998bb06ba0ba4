"""Admission: bounds the number of songs in the service, and tells refused callers when to retry.

The bound counts songs from admission until their sound is made or given up, whether they wait or run. The last eighth
of the queue is kept for callers who have no song in the service, so that one caller cannot shut out the others. The
directory counts; here are the bounds, and the songs of this server alone.
"""

from collections.abc import Callable

from server.errors import Draining, Overloaded, SongStoreFull
from server.songs.ports import Room

_KEPT_SHARE = 8
_WEIGHT = 0.2
_LOW_WATERMARK_SHARE = 0.75
"""Crowded ends well below the mark, lest a server be taken out and put back with every song."""
_FALLBACK_SONG_SECONDS = 10.0


class RunningMean:
    """An exponentially weighted mean; `value` is `None` before the first measurement."""

    def __init__(self) -> None:
        self.value: float | None = None

    def add(self, measured: float) -> None:
        """Add a measurement."""
        self.value = measured if self.value is None else self.value + _WEIGHT * (measured - self.value)


class Admission:
    """Counts the songs of this server, of which `running` may run at once now, and as many as `queued` wait.

    It is crowded from when `high_watermark` of `queued` songs wait until three quarters of that do.
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
        """True if the server takes no more songs."""
        return self._draining

    @property
    def saturated(self) -> bool:
        """True if new songs should go to other servers."""
        self._note_crowd()
        return self._saturated

    @property
    def room(self) -> Room:
        """The bounds for songs in the service, and the places that are free for songs here."""
        running = self._running()
        free = 0 if self._draining else running - self.songs
        return Room(running, self._queued, self._queued // _KEPT_SHARE, free)

    def drain(self) -> None:
        """Refuse every song from now on."""
        self._draining = True

    def require_open(self) -> None:
        """Raise Draining after `drain`."""
        if self._draining:
            raise Draining(
                "this server is shutting down: send the request to another server, or again after the restart"
            )

    def enter(self) -> None:
        """Note that a song is made here, or waits here."""
        self.songs += 1
        self._note_crowd()

    def leave(self) -> None:
        """Note that a song is no longer here."""
        self.songs -= 1
        self._note_crowd()

    def overloaded(self, songs: int) -> Overloaded:
        """The error for a song that is refused because the queue is full."""
        text = f"the queue is full, with {songs} songs running or waiting: try again later"
        return Overloaded(text, self._retry_after_seconds())

    def store_full(self) -> SongStoreFull:
        """The error for a song that is refused because the store is full."""
        return SongStoreFull(
            "the song store has no room for another song: try again later", self._retry_after_seconds()
        )

    def measured_song(self, seconds: float) -> None:
        """Note the time from a song's first work to its last chunk."""
        self._song_seconds.add(seconds)

    def _note_crowd(self) -> None:
        waiting = self.songs - self._running()
        self._saturated = waiting >= (
            self._high_watermark * _LOW_WATERMARK_SHARE if self._saturated else self._high_watermark
        )

    def _retry_after_seconds(self) -> float:
        song = self._song_seconds.value
        return (_FALLBACK_SONG_SECONDS if song is None else song) / max(1, self._running())
