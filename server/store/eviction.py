"""Defines the limits of a song store, and chooses the songs to delete (evict) when a limit is exceeded."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

_HOUR_NS = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Limits of a store: bytes of sound, hours since the end of a song, number of songs, bytes of events; `None` means
    no limit.
    """

    max_bytes: int | None = None
    max_age_hours: float | None = None
    max_songs: int | None = None
    max_event_bytes: int | None = None

    def oldest_ns(self, now_ns: int) -> int:
        """Return the earliest time of a song's end, in nanoseconds since 1970, that is within the age limit."""
        return 0 if self.max_age_hours is None else now_ns - round(self.max_age_hours * _HOUR_NS)


@dataclass(frozen=True, slots=True)
class EndedSong:
    """The properties of an ended song by which the store decides about its deletion: time of its end, and sizes of
    sound and events.
    """

    song_id: str
    ended_ns: int
    size_bytes: int
    event_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """Totals of a store's contents: number of songs, bytes of their sound, bytes of their events."""

    songs: int
    size_bytes: int
    event_bytes: int = 0


def evicted(
    songs: Iterable[EndedSong], limits: StoreLimits, *, stored: Stored, now_ns: int, in_use: Collection[str]
) -> Iterator[str]:
    """Yield the ids of the songs to delete: first songs that are too old, then the oldest ones until the remaining
    songs are within the limits.

    `songs` are ended songs, in the order in which they ended. `stored` has the totals of all songs; `now_ns` is the
    present time in nanoseconds since 1970. Songs whose id is in `in_use` are not deleted.
    """
    surplus_songs = _surplus(stored.songs, limits.max_songs)
    surplus_bytes = _surplus(stored.size_bytes, limits.max_bytes)
    surplus_event_bytes = _surplus(stored.event_bytes, limits.max_event_bytes)
    oldest_ns = limits.oldest_ns(now_ns)
    for song in songs:
        room = surplus_songs <= 0 and surplus_bytes <= 0 and surplus_event_bytes <= 0
        if room and song.ended_ns >= oldest_ns:
            return
        if song.song_id not in in_use:
            surplus_songs -= 1
            surplus_bytes -= song.size_bytes
            surplus_event_bytes -= song.event_bytes
            yield song.song_id


def _surplus(stored: int, limit: int | None) -> int:
    return 0 if limit is None else stored - limit
