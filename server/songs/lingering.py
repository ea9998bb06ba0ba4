"""Cancels running songs that have no listener any more, at once or after some seconds."""

import asyncio
from collections.abc import Callable

from server.songs.recordings.recording import Recording


class Lingering:
    """Timers that cancel running songs after their last listener has left."""

    def __init__(self, expire: Callable[[Recording], None]) -> None:
        """Set up the timers; `expire` is called with the recording (event log) of a song whose timer ends without a
        listener.
        """
        self._expire = expire
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def last_listener_left(self, recording: Recording) -> None:
        """Start the timer of a song whose last listener has left, for the song's `linger_seconds`; a running timer is
        restarted.
        """
        song_id, linger_seconds = recording.song.song_id, recording.linger_seconds
        if recording.ended or linger_seconds is None:
            return
        if linger_seconds == 0:
            self._time_out(recording)
            return
        if timer := self._timers.pop(song_id, None):
            timer.cancel()
        self._timers[song_id] = asyncio.get_running_loop().call_later(linger_seconds, self._time_out, recording)

    def close(self) -> None:
        """Cancel the timers of all songs."""
        for timer in self._timers.values():
            timer.cancel()

    def _time_out(self, recording: Recording) -> None:
        self._timers.pop(recording.song.song_id, None)
        if not recording.listeners:
            self._expire(recording)
