import asyncio
from collections.abc import Callable

import pytest

from melisma.v1 import music_pb2
from server.errors import OffsetOutOfRange, SongCancelled, SongNotComplete
from server.song import SongState
from server.songs.recordings.logged_event import Message
from server.songs.recordings.recording import Recording
from server.store.base import SongRecord

SONG = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 0)
CHUNKS = (b"first", b"second", b"third")
WHOLE = b"".join(CHUNKS)


def told() -> list[Message]:
    """Return all events of the test song, from `accepted` to `finished`, whose sound is CHUNKS."""
    offsets = [sum(map(len, CHUNKS[:number])) for number in range(len(CHUNKS))]
    chunks = [
        Message(chunk=music_pb2.AudioChunk(sequence=number, data=data, byte_offset=offset, duration_seconds=0.5))
        for number, (data, offset) in enumerate(zip(CHUNKS, offsets, strict=True))
    ]
    return [
        Message(accepted=music_pb2.SongAccepted(song_id="song-1")),
        Message(plan=music_pb2.SongPlan(duration_seconds=3.0)),
        *chunks[:2],
        Message(section_finished=music_pb2.SectionFinished(section_index=0)),
        chunks[2],
        Message(finished=music_pb2.SongFinished(duration_seconds=3.0, size_bytes=len(WHOLE), sha256="sum")),
    ]


class Booth:
    """A recording with counters: `read` lists its reads from the store as byte offset and size, `left` counts how often
    its last listener left.
    """

    def __init__(self, linger_seconds: float | None = 1.0) -> None:
        self.read: list[tuple[int, int]] = []
        self.left = 0
        self.recording = Recording(SONG, self._read, linger_seconds=linger_seconds, on_left=self._note)

    def append(self, *messages: Message) -> None:
        for message in messages:
            self.recording.append(message)

    def finish(self) -> None:
        self.recording.end(SongState.COMPLETED, 5)

    async def heard(self, byte_offset: int = 0, *, number: int = 0, sound: bool = True) -> list[Message]:
        with self.recording.listened(byte_offset, number=number, sound=sound) as following:
            return [one.message async for one in following]

    async def heard_so_far(self, count: int) -> list[Message]:
        """Return the first `count` events that a listener gets."""
        with self.recording.listened() as following:
            return [(await anext(following)).message for _ in range(count)]

    async def _read(self, offset: int, size: int) -> bytes:
        self.read.append((offset, size))
        return WHOLE[offset : offset + size]

    def _note(self, _: Recording) -> None:
        self.left += 1


def sound(messages: list[Message]) -> bytes:
    return b"".join(message.chunk.data for message in messages)


async def settled(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_what_was_told_is_told_again_to_each_listener() -> None:
    booth = Booth()
    booth.append(*told())
    booth.finish()
    assert await booth.heard() == await booth.heard() == told()


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("offset", range(len(WHOLE) + 1))
async def test_sound_comes_from_exactly_the_byte_that_is_asked_for(offset: int, kept: bool) -> None:
    booth = Booth()
    booth.append(*told())
    booth.finish()
    for entry in booth.recording.entries if kept else ():
        entry.release_sound()
    messages = await booth.heard(offset)
    assert sound(messages) == WHOLE[offset:]
    chunks = [message.chunk for message in messages if message.HasField("chunk")]
    assert [chunk.byte_offset for chunk in chunks][:1] == ([offset] if offset < len(WHOLE) else [])
    assert bool(booth.read) == (kept and offset < len(WHOLE))


async def test_a_complete_song_has_no_byte_beyond_its_end() -> None:
    booth = Booth()
    booth.append(*told())
    booth.finish()
    with pytest.raises(OffsetOutOfRange):
        await booth.heard(len(WHOLE) + 1)


async def test_live_listeners_get_everything_in_order() -> None:
    booth = Booth()
    listeners = [asyncio.create_task(booth.heard(offset)) for offset in (0, 7)]
    for message in told():
        booth.append(message)
        await asyncio.sleep(0)
    booth.finish()
    assert [sound(await listener) for listener in listeners] == [WHOLE, WHOLE[7:]]
    assert booth.left == 1


async def test_progress_is_told_as_it_is_and_not_kept() -> None:
    booth = Booth()
    progress = [Message(progress=music_pb2.SongProgress(step=step)) for step in (1, 2)]
    booth.append(*told()[:2], *progress)
    listener = asyncio.create_task(booth.heard())
    await settled(lambda: booth.recording.listeners == 1)
    booth.append(*told()[2:])
    booth.finish()
    steps = [message.progress.step for message in await listener if message.HasField("progress")]
    assert steps == [2]
    assert len(booth.recording.entries) == len(told())


async def test_who_wants_no_sound_gets_none_and_from_the_entry_that_is_asked_for() -> None:
    booth = Booth()
    booth.append(*told())
    booth.finish()
    kinds = [message.WhichOneof("event") for message in await booth.heard(number=1, sound=False)]
    assert kinds == ["plan", "section_finished", "finished"]


def unheard(booth: Booth) -> tuple[int, float]:
    return booth.recording.sound.unheard_bytes, booth.recording.sound.unheard_seconds


async def test_a_song_with_no_listener_is_never_held_back() -> None:
    booth = Booth()
    booth.append(*told())
    assert unheard(booth) == (0, 0.0)


async def test_a_slow_listener_holds_the_song_back_and_a_fast_one_does_not() -> None:
    booth = Booth()
    rooms: list[str] = []
    booth.recording.sound.on_heard(lambda: rooms.append("room"))
    booth.append(*told()[:2])
    with booth.recording.listened() as slow:
        await anext(slow)
        booth.append(*told()[2:4])
        assert unheard(booth) == (len(CHUNKS[0] + CHUNKS[1]), 1.0)
        with booth.recording.listened() as fast:
            for _ in range(3):
                await anext(fast)
            assert (unheard(booth), rooms) == ((len(CHUNKS[1]), 0.5), ["room"])
            await anext(fast)
            assert (unheard(booth), rooms) == ((0, 0.0), ["room"] * 2)
        booth.append(told()[5])
        for _ in range(3):
            await anext(slow)
        assert (unheard(booth), rooms) == ((len(CHUNKS[2]), 0.5), ["room"] * 2)
    assert (unheard(booth), rooms) == ((0, 0.0), ["room"] * 3)


async def test_what_was_told_before_somebody_listened_does_not_count() -> None:
    booth = Booth()
    booth.append(*told()[:4])
    with booth.recording.listened() as late:
        await anext(late)
        assert unheard(booth) == (0, 0.0)
        booth.append(*told()[4:6])
        assert unheard(booth) == (len(CHUNKS[2]), 0.5)


async def test_sound_that_is_stored_stays_in_memory_until_it_is_heard() -> None:
    booth = Booth()
    with booth.recording.listened() as listener:
        booth.append(*told()[:4])
        booth.recording.sound.note_stored(4)
        assert [entry.has_sound for entry in booth.recording.entries[2:]] == [True, True]
        heard = [await anext(listener) for _ in range(3)]
        assert [entry.has_sound for entry in booth.recording.entries[2:]] == [False, True]
        heard.append(await anext(listener))
        assert [entry.has_sound for entry in booth.recording.entries[2:]] == [False, False]
        assert sound([one.message for one in heard]) == CHUNKS[0] + CHUNKS[1]
    assert booth.read == []
    assert sound(await booth.heard_so_far(4)) == CHUNKS[0] + CHUNKS[1]
    assert booth.read == [(0, 11)]


async def test_sound_that_nobody_listens_to_leaves_the_memory_when_it_is_stored() -> None:
    booth = Booth()
    booth.append(*told()[:4])
    booth.recording.sound.note_stored(3)
    assert [entry.has_sound for entry in booth.recording.entries[2:]] == [False, True]


async def test_a_detached_song_waits_for_nobody() -> None:
    booth = Booth(linger_seconds=None)
    with booth.recording.listened() as slow:
        booth.append(*told()[:4])
        await anext(slow)
        assert unheard(booth) == (0, 0.0)


async def test_events_alone_do_not_hold_the_song_back() -> None:
    booth = Booth()
    with booth.recording.listened(sound=False) as watching:
        booth.append(*told()[:4])
        await anext(watching)
        assert unheard(booth) == (0, 0.0)


async def test_who_listens_hears_the_error_itself_and_who_comes_later_that_there_is_no_more() -> None:
    booth = Booth()
    booth.append(*told()[:3])
    listener = asyncio.create_task(booth.heard())
    await settled(lambda: booth.recording.listeners == 1)
    booth.recording.end(SongState.CANCELLED, 5, SongCancelled("somebody"))
    booth.recording.end(SongState.FAILED, 6, SongCancelled("too late"))
    with pytest.raises(SongCancelled, match="somebody"):
        await listener
    with pytest.raises(SongNotComplete, match="cancelled"):
        await booth.heard()
    assert (booth.recording.song.state, booth.recording.song.ended_ns) == (SongState.CANCELLED, 5)


async def test_a_song_can_be_restored_from_what_was_stored() -> None:
    booth, later = Booth(), Booth(None)
    booth.append(*told())
    booth.finish()
    stored = [entry.stored() for entry in booth.recording.entries]
    assert b"".join(data for _, data in stored) == WHOLE
    later.recording.load([event for event, _ in stored])
    later.finish()
    assert await later.heard() == told()


async def test_the_record_follows_what_is_told() -> None:
    booth = Booth()
    booth.append(*told()[:3])
    song = booth.recording.song
    assert (song.state, song.duration_seconds, song.size_bytes) == (SongState.RUNNING, 3.0, 5)
    booth.append(*told()[3:])
    assert (booth.recording.song.size_bytes, booth.recording.song.sha256) == (len(WHOLE), "sum")
