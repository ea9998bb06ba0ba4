import asyncio
from pathlib import Path

from server.songs.library import Library
from server.songs.recordings.open_recordings import FOUND_SECONDS, OpenRecordings
from server.songs.recordings.recording import Recording
from server.store.base import SongRecord
from tests.support.fakes import ManualClock
from tests.support.store_kinds import embedded_replica
from tests.support.stored_songs import keep, record

SONG = record(1)


async def nothing(offset: int, size: int) -> bytes:
    return b""


def recording(opened: OpenRecordings, song: SongRecord = SONG) -> Recording:
    return Recording(song, nothing, linger_seconds=None, on_joined=opened.joined, on_left=opened.left)


def test_a_recording_is_known_while_somebody_listens() -> None:
    opened = OpenRecordings()
    one = recording(opened)
    with one.listened(), one.listened():
        assert (opened.get(SONG.song_id), opened.listeners, opened.song_ids) == (one, 2, {SONG.song_id})
    assert (opened.get(SONG.song_id), opened.listeners, opened.song_ids) == (None, 0, frozenset())


def test_a_song_stays_in_use_until_all_of_its_recordings_were_left() -> None:
    opened = OpenRecordings()
    first, second = recording(opened), recording(opened)
    with first.listened():
        with second.listened():
            assert opened.listeners == 2
        assert (opened.get(SONG.song_id), opened.listeners, opened.song_ids) == (first, 1, {SONG.song_id})


def test_one_that_was_found_is_in_use_until_its_first_listener_comes_but_not_for_long() -> None:
    clock = ManualClock()
    opened = OpenRecordings(clock)
    one = recording(opened)
    opened.found(one)
    clock.now += FOUND_SECONDS
    assert (opened.get(SONG.song_id), opened.song_ids) == (one, {SONG.song_id})
    clock.now += 1.0
    assert (opened.get(SONG.song_id), opened.song_ids) == (None, frozenset())
    with one.listened():
        assert opened.song_ids == {SONG.song_id}


async def test_callers_that_come_together_share_a_recording(tmp_path: Path) -> None:
    async with embedded_replica(tmp_path) as server:
        await keep(server, SONG)
        library = Library(server.store, OpenRecordings())
        first, second = await asyncio.gather(*(library.recording(SONG.song_id) for _ in range(2)))
    assert first is not None
    assert first is second
