"""A second song store, in memory. It exists to show what `SongStore` takes, and forgets everything at its end."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from server.store.base import Place, SongRecord, StoredEvent, StoreFailed, Usage
from server.store.eviction import EndedSong, StoreLimits, evicted


@dataclass
class _Kept:
    """One song with its events and sound."""

    record: SongRecord
    events: list[StoredEvent] = field(default_factory=list)
    sound: bytearray = field(default_factory=bytearray)


class MemoryStore:
    """A SongStore. No call waits, so that calls take effect in the order in which they are made."""

    def __init__(self, owner: str, limits: StoreLimits, now_ns: Callable[[], int]) -> None:
        self.owner = owner
        self._limits = limits
        self._now_ns = now_ns
        self._songs: dict[str, _Kept] = {}
        self._closed = False

    def close(self) -> None:
        self._closed = True

    async def create(self, song: SongRecord) -> None:
        if song.song_id in self._open_songs():
            raise StoreFailed(f"there is a song {song.song_id}")
        self._songs[song.song_id] = _Kept(replace(song, owner=self.owner, epoch=1))

    async def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes) -> None:
        kept = self._kept(song.song_id)
        if kept.record.state.ended:
            raise StoreFailed(f"the song {song.song_id} takes no more sound")
        kept.events += events
        kept.sound += sound
        kept.record = _renewed(kept.record, song)

    async def end(self, song: SongRecord) -> None:
        kept = self._kept(song.song_id)
        kept.record = _renewed(kept.record, song)

    async def get(self, song_id: str) -> SongRecord | None:
        kept = self._open_songs().get(song_id)
        return kept.record if kept else None

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        return next((song for song in self._of(caller) if song.request_id == request_id), None)

    async def page(self, caller: str, after: Place | None, count: int) -> Sequence[SongRecord]:
        songs = self._of(caller)
        if after is not None:
            songs = [song for song in songs if _place(song) < (after.created_ns, after.song_id)]
        return songs[:count]

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        kept = self._open_songs().get(song_id)
        return (kept.record, list(kept.events)) if kept else None

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        return bytes(self._kept(song_id).sound[offset : offset + size])

    async def clean_up(self, in_use: Collection[str]) -> int:
        ended = sorted(self._ended(), key=lambda song: song.ended_ns)
        stored_bytes, now_ns = self.usage().size_bytes, self._now_ns()
        victims = list(evicted(ended, self._limits, stored_bytes=stored_bytes, now_ns=now_ns, in_use=in_use))
        for song_id in victims:
            del self._songs[song_id]
        return len(victims)

    def usage(self) -> Usage:
        return Usage(len(self._songs), sum(kept.record.size_bytes for kept in self._songs.values()))

    def _open_songs(self) -> dict[str, _Kept]:
        if self._closed:
            raise StoreFailed("the song store is closed")
        return self._songs

    def _kept(self, song_id: str) -> _Kept:
        if (kept := self._open_songs().get(song_id)) is None:
            raise StoreFailed(f"the song store has no song {song_id}")
        return kept

    def _of(self, caller: str) -> list[SongRecord]:
        """The songs of a caller, newest first."""
        records = (kept.record for kept in self._open_songs().values())
        return sorted((song for song in records if song.caller == caller), key=_place, reverse=True)

    def _ended(self) -> Iterator[EndedSong]:
        for kept in self._open_songs().values():
            if kept.record.ended_ns is not None:
                yield EndedSong(kept.record.song_id, kept.record.ended_ns, kept.record.size_bytes)


def _place(song: SongRecord) -> tuple[int, str]:
    return song.created_ns, song.song_id


def _renewed(before: SongRecord, after: SongRecord) -> SongRecord:
    return replace(after, owner=before.owner, epoch=before.epoch)
