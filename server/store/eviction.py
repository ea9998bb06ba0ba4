"""Limits of a store, and the songs that go when there is too much."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

_HOUR_NS = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Limits of what is kept: bytes of sound, and hours since a song's end. `None` is no limit."""

    max_bytes: int | None = None
    max_age_hours: float | None = None


@dataclass(frozen=True, slots=True)
class EndedSong:
    """The facts of one ended song that decide about its eviction."""

    song_id: str
    ended_ns: int
    size_bytes: int


def evicted(
    songs: Iterable[EndedSong], limits: StoreLimits, *, stored_bytes: int, now_ns: int, in_use: Collection[str]
) -> Iterator[str]:
    """Yield the ids of the songs to delete: those that are too old, and the oldest until the rest has room.

    `songs` are all ended songs, the first ended first. `stored_bytes` is the size of all songs. No song of `in_use`
    is deleted.
    """
    surplus_bytes = 0 if limits.max_bytes is None else stored_bytes - limits.max_bytes
    old_ns = 0 if limits.max_age_hours is None else now_ns - round(limits.max_age_hours * _HOUR_NS)
    for song in songs:
        if surplus_bytes <= 0 and song.ended_ns >= old_ns:
            return
        if song.song_id not in in_use:
            surplus_bytes -= song.size_bytes
            yield song.song_id
