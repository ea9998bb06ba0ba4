"""Writes one song into the store, under the lease (exclusive right) of the server that makes the song."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from server.song import SongState
from server.songs.recordings.logged_event import LoggedEvent
from server.store.base import Extent, SongRecord, SongStore, Whole
from server.store.claim import Claim


class SongWriter:
    """Writes the record, events and sound of one song into the store; `at` is the length of the part that is stored so
    far.
    """

    def __init__(self, store: SongStore, claim: Claim) -> None:
        self._store = store
        self._lease = claim.lease
        self.at = claim.extent

    async def create(self, song: SongRecord) -> None:
        """Store the record of the song, without events or sound."""
        await self._store.create(song, self._lease)

    async def discard(self) -> None:
        """Delete all stored data of the song."""
        await self._store.discard(self._lease)

    async def append(self, song: SongRecord, entries: Sequence[LoggedEvent]) -> None:
        """Append log entries of the song, with their sound, to the store; `song` is the record after these entries, and
        may already have ended.
        """
        events, sounds = zip(*(entry.stored() for entry in entries), strict=True)
        sound = b"".join(sounds)
        extent = Extent(self.at.size_bytes + len(sound), self.at.events + len(events))
        running = replace(song, state=SongState.RUNNING, ended_ns=None, size_bytes=extent.size_bytes)
        await self._store.append(running, events, sound, lease=self._lease, at=self.at)
        self.at = extent

    async def end(self, song: SongRecord, entries: Sequence[LoggedEvent] | None = None) -> None:
        """Store the final record of the song. `entries` are all log entries of the song with their sound, for a store
        that writes the whole song again at its end; `None` if their sound is not in memory.
        """
        ended = replace(song, size_bytes=self.at.size_bytes)
        whole = None if entries is None else partial(_whole, entries[: self.at.events])
        await self._store.end(ended, lease=self._lease, at=self.at, whole=whole)


def _whole(entries: Sequence[LoggedEvent]) -> Whole:
    stored = [entry.stored() for entry in entries]
    return Whole([event for event, _ in stored], b"".join(sound for _, sound in stored))
