import itertools
import random

import pytest

from melisma.v1 import music_pb2
from server.errors import MadeElsewhere
from server.song import SongState
from server.songs.recordings.logged_event import Message
from server.songs.recordings.recorded_sound import BLOCK_BYTES
from server.songs.recordings.recording import Recording
from server.store.base import SongRecord, StoreFailed

SONG = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 0)


def long_song(chunk_bytes: int, chunks: int) -> tuple[bytes, list[Message]]:
    """Return the bytes of a song of random sound in `chunks` chunks of `chunk_bytes`, and its events: the chunks, with
    an event of another kind between them.
    """
    whole = random.Random(0).randbytes(chunk_bytes * chunks)
    offsets = range(0, len(whole), chunk_bytes)
    between = Message(section_finished=music_pb2.SectionFinished(section_index=0))
    made = [
        Message(chunk=music_pb2.AudioChunk(data=whole[start : start + chunk_bytes], byte_offset=start))
        for start in offsets
    ]
    end = Message(finished=music_pb2.SongFinished(size_bytes=len(whole), sha256="sum"))
    return whole, [*made[:7], between, *made[7:], end]


class Shelf:
    """The recording of a complete song, whose first `stored` events are in the store and the others only in memory;
    `read` lists the reads from the store as byte offset and size.
    """

    def __init__(self, chunk_bytes: int, chunks: int, stored: int) -> None:
        self.whole, messages = long_song(chunk_bytes, chunks)
        self.read: list[tuple[int, int]] = []
        self.recording = Recording(SONG, self._read, linger_seconds=None)
        for message in messages:
            self.recording.append(message)
        self.recording.sound.note_stored(stored)
        self.recording.end(SongState.COMPLETED, 5)

    async def heard(self, offset: int) -> bytes:
        with self.recording.listened(offset) as told:
            return b"".join([one.message.chunk.data async for one in told])

    async def blocks(self, start: int, end: int) -> list[bytes]:
        with self.recording.read(start, end) as blocks:
            assert self.recording.listeners == 1
            return [block async for block in blocks]

    async def _read(self, offset: int, size: int) -> bytes:
        self.read.append((offset, size))
        return self.whole[offset : offset + size]


async def test_stored_sound_is_read_in_blocks_from_any_byte_and_comes_as_it_was() -> None:
    for chunk_bytes, stored, offset in itertools.product((24_000, 200_000), (0, 5, 40), (0, 1, 24_000, 123_456)):
        shelf = Shelf(chunk_bytes, 40, stored)
        case, size = (chunk_bytes, stored, offset), len(shelf.whole)
        assert await shelf.heard(offset) == shelf.whole[offset:], case
        told, shelf.read = shelf.read, []
        for end in (offset, offset + 1, size // 2, size):
            assert b"".join(await shelf.blocks(offset, end)) == shelf.whole[offset:end], (case, end)
        kept = max(BLOCK_BYTES, chunk_bytes)
        assert all(length <= kept for _, length in told + shelf.read), case
        stored_bytes = max(0, min(stored, 40) * chunk_bytes - offset)
        assert len(told) <= 1 + stored_bytes // (kept - chunk_bytes + 1), case


async def test_a_block_that_has_gone_from_the_store_is_named() -> None:
    shelf = Shelf(24_000, 40, 40)
    shelf.whole = shelf.whole[:100_000]
    for hearing in (shelf.heard(0), shelf.blocks(0, 40 * 24_000)):
        with pytest.raises(StoreFailed, match="song-1"):
            await hearing
    assert shelf.recording.listeners == 0


async def test_who_reads_a_whole_song_is_sent_away_between_blocks() -> None:
    shelf = Shelf(24_000, 40, 40)
    with shelf.recording.read(0, 40 * 24_000) as blocks:
        await anext(blocks)
        shelf.recording.send_away(MadeElsewhere("listen there"))
        with pytest.raises(MadeElsewhere):
            await anext(blocks)
