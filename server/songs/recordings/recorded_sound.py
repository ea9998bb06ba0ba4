"""Holds the sound of one song in memory until it is stored and delivered; later reads come from the store."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from server.errors import SongDeleted
from server.songs.recordings.backlog import Backlog
from server.songs.recordings.logged_event import LoggedEvent, Message
from server.store.base import SongGone, StoreFailed

ReadSound: TypeAlias = Callable[[int, int], Awaitable[bytes]]
"""Function that takes a byte offset and a size, and returns that many bytes of a song's stored sound."""

BLOCK_BYTES = 128 << 10
"""Maximum number of stored bytes that are read at once for one listener; each read opens the file on a thread."""


class RecordedSound:
    """The sound of one song. It measures the part that listeners have not read yet, and reads the bytes of chunks from
    memory or store.
    """

    def __init__(self, song_id: str, entries: Sequence[LoggedEvent], read: ReadSound) -> None:
        """Set up the sound of a song; `entries` is the song's growing event log, `read` reads sound from the store."""
        self._song_id = song_id
        self._entries = entries
        self._read = read
        self._backlog = Backlog()
        self._on_heard: Callable[[], None] = lambda: None
        self._stored = 0
        self._released = 0
        self.furthest_byte = 0
        """Byte offset up to which the fastest listener has read the song's sound."""

    @property
    def unheard_bytes(self) -> int:
        """Size of the song's sound that the fastest listener has not read yet, in bytes."""
        return self._backlog.size_bytes

    @property
    def unheard_seconds(self) -> float:
        """Length of the song's sound that the fastest listener has not read yet, in seconds."""
        return self._backlog.seconds

    def on_heard(self, callback: Callable[[], None]) -> None:
        """Register a `callback`, which is called whenever a listener reads sound of the song."""
        self._on_heard = callback

    def wait_for_listener(self, entry: LoggedEvent) -> None:
        """Add a new chunk (`entry`) to the unread sound of the song."""
        self._backlog.add(entry.end, entry.end - entry.start, entry.message.chunk.duration_seconds)

    def wait_for_nobody(self) -> None:
        """Set the unread sound of the song to zero, because the song has no listener any more."""
        if self._backlog.clear():
            self._less()

    def note_taken(self, entry: LoggedEvent) -> None:
        """Record that a listener has read the chunk `entry` and all chunks before it."""
        self.furthest_byte = max(self.furthest_byte, entry.end)
        if self._backlog.take(entry.end):
            self._less()

    def note_stored(self, count: int) -> None:
        """Record that the first `count` log entries are stored; sound that is stored and also delivered is removed from
        memory.
        """
        self._stored = count
        self._release_sound()

    def reader(self, byte_offset: int) -> "SoundReader":
        """Return a reader of the song's chunks for one listener, who gets the sound from `byte_offset` on."""
        return SoundReader(self, self._entries, byte_offset)

    async def blocks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the sound of a complete song from byte `start` to before `end`, in blocks of at most 128 KiB or one
        chunk.

        Raises:
            SongDeleted: the song's caller has deleted it.
            StoreFailed: the sound is missing in the store.
        """
        for number, entry in enumerate(self._entries):
            while start < min(entry.end, end):
                if entry.has_sound:
                    sound, stop = entry.message.chunk.data[start - entry.start :], entry.end
                else:
                    stop = stored_until(self._entries, number, start)
                    sound = await self.stored(start, stop)
                yield sound[: end - start]
                self.note_taken(entry)
                start = stop

    async def stored(self, start: int, end: int) -> bytes:
        """Return the song's sound from byte `start` to before `end`, read from the store.

        Raises:
            SongDeleted: the song's caller has deleted it.
            StoreFailed: the sound is missing in the store.
        """
        try:
            sound = await self._read(start, end - start)
        except SongGone as gone:
            raise SongDeleted(self._song_id) from gone
        if len(sound) != end - start:
            raise StoreFailed(
                f"the sound of the song {self._song_id} is missing in the song store: restore it from a backup, or "
                "delete the song"
            )
        return sound

    def _less(self) -> None:
        self._release_sound()
        self._on_heard()

    def _release_sound(self) -> None:
        """Remove stored sound of the song from memory, up to the first chunk that no listener has read yet."""
        unheard_from = self._backlog.start_byte
        while self._released < self._stored:
            entry = self._entries[self._released]
            if unheard_from is not None and entry.end > unheard_from:
                return
            entry.release_sound()
            self._released += 1


class SoundReader:
    """Reads the chunks of a song in order for one listener, and buffers one block of stored sound."""

    def __init__(self, sound: RecordedSound, entries: Sequence[LoggedEvent], byte_offset: int) -> None:
        """Set up a reader of a song's sound from `byte_offset` on; `entries` is the song's growing event log."""
        self._sound = sound
        self._entries = entries
        self._byte_offset = byte_offset
        self._block, self._block_start = b"", 0

    async def chunk(self, number: int) -> Message | None:
        """Return the chunk of log entry `number` without the bytes before the reader's byte offset; `None` if the whole
        chunk is before it.

        Raises:
            SongDeleted: the song's caller has deleted it.
            StoreFailed: the sound is missing in the store.
        """
        entry = self._entries[number]
        if entry.end <= self._byte_offset:
            return None
        start = max(entry.start, self._byte_offset)
        if entry.has_sound and start == entry.start:
            return entry.message
        chunk = entry.message.chunk
        sound = chunk.data[start - entry.start :] if entry.has_sound else await self._stored(number, start)
        message = Message(chunk=chunk)
        message.chunk.data, message.chunk.byte_offset = sound, start
        return message

    async def _stored(self, number: int, start: int) -> bytes:
        end = self._entries[number].end
        if not self._block_start <= start < end <= self._block_start + len(self._block):
            self._block = b""  # otherwise two blocks would be in memory during the read of the second one
            block = await self._sound.stored(start, stored_until(self._entries, number, start))
            self._block, self._block_start = block, start
        first = start - self._block_start
        sound = self._block[first : first + end - start]
        if first + end - start == len(self._block):
            self._block = b""
        return sound


def stored_until(entries: Sequence[LoggedEvent], number: int, start: int) -> int:
    """Return the end, as a byte offset, of the block of sound that is read from the store at once. The block begins at
    byte `start`, in log entry `number`.

    A block ends with a chunk, and before a chunk whose sound is in memory. It has at most 128 KiB, but at least one
    chunk.
    """
    end = entries[number].end
    for following in range(number + 1, len(entries)):
        entry = entries[following]
        if entry.end and (entry.has_sound or entry.end > start + BLOCK_BYTES):
            break
        end = max(end, entry.end)
    return end
