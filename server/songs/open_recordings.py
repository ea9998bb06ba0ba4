"""The recordings in memory: of songs that are being made, and of songs that somebody listens to."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from server.songs.ports import SongJob
from server.songs.recording import Recording


@dataclass(frozen=True, slots=True)
class Made:
    """A song that is being made, or whose end is not stored yet."""

    recording: Recording
    job: SongJob


class OpenRecordings:
    """Recordings by song id. One is forgotten when it is neither being made nor listened to."""

    def __init__(self) -> None:
        self._made: dict[str, Made] = {}
        self._listened: dict[str, Recording] = {}

    def __iter__(self) -> Iterator[Made]:
        """The songs that are being made."""
        return iter(tuple(self._made.values()))

    def get(self, song_id: str) -> Recording | None:
        """The recording of a song, if it is in memory."""
        made = self._made.get(song_id)
        return made.recording if made else self._listened.get(song_id)

    def made(self, song_id: str) -> Made | None:
        """A song that is being made."""
        return self._made.get(song_id)

    def begin(self, made: Made) -> None:
        """Note a song that is made from now on."""
        self._made[made.recording.song.song_id] = made

    def stored(self, song_id: str) -> None:
        """Note that a song has ended and is in the store, as far as it can be."""
        del self._made[song_id]

    def joined(self, recording: Recording) -> None:
        """Note a recording that has listeners now."""
        self._listened[recording.song.song_id] = recording

    def left(self, recording: Recording) -> None:
        """Note a recording whose last listener has left."""
        if self._listened.get(recording.song.song_id) is recording:
            del self._listened[recording.song.song_id]

    @property
    def listeners(self) -> int:
        """The number of listeners now."""
        return sum(recording.listeners for recording in self._listened.values())

    @property
    def song_ids(self) -> Collection[str]:
        """The songs that the store must not delete."""
        return frozenset(self._made) | frozenset(self._listened)
