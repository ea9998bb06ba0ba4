"""Keeps recordings (event logs) in memory: of songs that are being made, and of songs that have listeners."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from server.songs.ports import SongJob
from server.songs.recordings.recording import Recording

FOUND_SECONDS = 5.0
"""Seconds for which an event log that was read from the store stays in memory until its first listener comes."""


@dataclass(frozen=True, slots=True)
class Made:
    """A song that is being made, or whose final state is not stored yet: its event log, and the job that makes it. The
    event `stored` is set once the final state is stored.
    """

    recording: Recording
    job: SongJob
    stored: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class OpenRecordings:
    """The recordings (event logs) in memory, by song id. A recording is removed when its song is not being made and has
    no listeners.

    A recording that was read from the store stays in memory for some seconds until its first listener comes.
    Simultaneous callers thus share one recording, and the store does not evict the song meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Set up an empty collection of recordings (event logs); `clock` returns monotonic seconds."""
        self._clock = clock
        self._made: dict[str, Made] = {}
        self._listened: dict[str, list[Recording]] = {}
        self._found: dict[str, tuple[Recording, float]] = {}

    def __iter__(self) -> Iterator[Made]:
        """Return an iterator over the songs that are being made."""
        return iter(tuple(self._made.values()))

    def get(self, song_id: str) -> Recording | None:
        """Return the recording (event log) of a song; `None` if it is not in memory or the song was deleted."""
        if made := self._made.get(song_id):
            return made.recording
        if (listened := self._listened.get(song_id)) and not listened[0].deleted:
            return listened[0]
        self._expire()
        found, _ = self._found.get(song_id, (None, 0.0))
        return found

    def made(self, song_id: str) -> Made | None:
        """Return the song with that id if it is being made; otherwise `None`."""
        return self._made.get(song_id)

    def begin(self, made: Made) -> None:
        """Add a song that this server has begun to make."""
        self._made[made.recording.song.song_id] = made

    def stored(self, song_id: str) -> None:
        """Remove a song from those that are being made: it has ended, and storing it has finished, with or without
        success.
        """
        self._made.pop(song_id).stored.set()

    def found(self, recording: Recording) -> None:
        """Add a recording (event log) that was read from the store, for a listener who is about to come."""
        self._expire()
        self._found[recording.song.song_id] = (recording, self._clock() + FOUND_SECONDS)

    def deleted(self, song_id: str) -> None:
        """Remove the recordings (event logs) of a deleted song, and end the calls of its listeners with SongDeleted."""
        for recording in self.listened_of(song_id):
            recording.delete()
        if found := self._found.pop(song_id, None):
            found[0].delete()

    def joined(self, recording: Recording) -> None:
        """Add a recording (event log) to those that have listeners."""
        self._found.pop(recording.song.song_id, None)
        self._listened.setdefault(recording.song.song_id, []).append(recording)

    def left(self, recording: Recording) -> None:
        """Remove a recording (event log), whose last listener has left, from those that have listeners."""
        listened = self._listened[recording.song.song_id]
        listened.remove(recording)
        if not listened:
            del self._listened[recording.song.song_id]

    @property
    def listened(self) -> Sequence[Sequence[Recording]]:
        """The recordings (event logs) that have listeners now, grouped by song. A song has two recordings if this
        server took it over from another one.
        """
        return [tuple(recordings) for recordings in self._listened.values()]

    def listened_of(self, song_id: str) -> Sequence[Recording]:
        """Return those recordings (event logs) of one song that have listeners now."""
        return self._listened.get(song_id, ())

    @property
    def listeners(self) -> int:
        """Number of listeners of all songs now."""
        return sum(recording.listeners for listened in self._listened.values() for recording in listened)

    @property
    def song_ids(self) -> Collection[str]:
        """The ids of songs that are in use here, which the store must not evict."""
        self._expire()
        return frozenset(self._made) | frozenset(self._listened) | frozenset(self._found)

    def _expire(self) -> None:
        now = self._clock()
        for song_id in [song_id for song_id, (_, until) in self._found.items() if until < now]:
            del self._found[song_id]
