"""Reads songs of the shared store: from the song directory (Redis or Valkey) until shortly after their end, later from
the object store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from server.store.base import Extent, SongGone, SongRecord, StoredEvent, StoreUsage, Whole
from server.store.directory import SongUpdate
from server.store.shared.connection import Connection
from server.store.shared.objects import Objects, Seal
from server.store.shared.records import event_of, present_record

READ_BYTES: Final = 1 << 20
"""Maximum number of bytes of sound in one response of the song directory, which serves no other call meanwhile."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of a song in the song directory at one moment, with the requested part of its sound and events.

    `seal` is the song's location in the object store, `None` while sound and events are in the song directory. `extent`
    is the length of the song's stored part.
    """

    song: SongRecord
    seal: Seal | None
    extent: Extent
    sound: bytes
    items: Sequence[bytes]


class Reader:
    """Reads songs of the shared store, from the song directory (Redis or Valkey) or the object store."""

    def __init__(self, connection: Connection, objects: Objects) -> None:
        self._connection = connection
        self._objects = objects
        self._usage, self._changes = StoreUsage(0, 0), -1

    @property
    def usage(self) -> StoreUsage:
        """Number and size of the stored songs, as in the song directory's last response."""
        return self._usage

    def note_usage(self, answer: Sequence[int]) -> None:
        """Record number and size of the stored songs from a response of the song directory. Its counter of changes
        shows if the response is older than the last one; such a response is ignored.
        """
        songs, size_bytes, changes = answer
        if changes >= self._changes:
            self._usage, self._changes = StoreUsage(songs, size_bytes), changes

    def renew_usage(self, answer: Sequence[int]) -> None:
        """Record number and size of the stored songs from a response that counts as the newest, even if the song
        directory has lost its last changes.
        """
        self._changes = -1
        self.note_usage(answer)

    async def present(self, song_id: str, offset: int, size: int, first_event: int | None) -> Reading | None:
        """Return the state of a song in the song directory, with up to `size` bytes of sound from `offset` on; `None`
        for an unknown song.

        Events are read from the number `first_event` on; none are read if it is `None`.
        """
        number = () if first_event is None else (first_event,)
        usage, *answer = await self._connection.run("read", song_id, offset, size, *number)
        self.note_usage(usage)
        if len(answer) == 1:
            if answer[0]:
                raise SongGone(song_id)
            return None
        fields, live, size_bytes, events, sound, items = answer
        song = present_record(fields, song_id)
        if live:
            return Reading(song, None, Extent(size_bytes, events), sound, items)
        stored = Extent(song.size_bytes, int(fields[7] or 0))
        return Reading(song, Seal(song_id, fields[5].decode()), stored, b"", ())

    async def events(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """Return the record of a song and all its events; `None` for an unknown song."""
        reading = await self.present(song_id, 0, 0, 0)
        return None if reading is None else (reading.song, await self._events(reading, 0))

    async def sound(self, song_id: str, offset: int, size: int) -> bytes | None:
        """Return up to `size` bytes of a song's sound from byte `offset` on; `None` for an unknown song."""
        parts: list[bytes] = []
        while True:
            reading = await self.present(song_id, offset, min(size, READ_BYTES), None)
            if reading is None:
                return None
            if reading.seal is not None:
                parts.append(await self._objects.sound(reading.seal, reading.song, offset, size))
                return b"".join(parts)
            parts.append(reading.sound)
            offset, size = offset + len(reading.sound), size - len(reading.sound)
            if not reading.sound or not size:
                return b"".join(parts)

    async def whole(self, song_id: str, at: Extent) -> Whole | None:
        """Return the events and sound of a song up to the length `at`, or fewer if fewer are stored; `None` for an
        unknown song.
        """
        loaded, sound = await self.events(song_id), await self.sound(song_id, 0, at.size_bytes)
        return None if loaded is None or sound is None else Whole(loaded[1], sound)

    async def update(self, song_id: str, at: Extent) -> SongUpdate | None:
        """Return the record of a song with the events and sound after the position `at`; `None` for an unknown song."""
        reading = await self.present(song_id, at.size_bytes, READ_BYTES, at.events)
        if reading is None:
            return None
        sound, first = reading.sound, at.size_bytes + len(reading.sound)
        if reading.extent.size_bytes > first:
            sound += await self.sound(song_id, first, reading.extent.size_bytes - first) or b""
        return SongUpdate(reading.song, await self._events(reading, at.events), sound)

    async def _events(self, reading: Reading, first: int) -> Sequence[StoredEvent]:
        items = reading.items
        if reading.seal is not None:
            items = (await self._objects.events(reading.seal, reading.extent.events))[first:]
        return [event_of(item, reading.song.song_id) for item in items]
