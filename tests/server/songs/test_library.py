from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.errors import SongNotComplete
from server.song import SongState
from server.songs.library import Library
from server.songs.recordings.open_recordings import OpenRecordings
from server.songs.recordings.recording import Recording
from server.store.base import StoredEvent
from tests.support.store_kinds import embedded_replica
from tests.support.stored_songs import keep, making, record


@asynccontextmanager
async def left_behind(folder: Path) -> AsyncIterator[Library]:
    """Context manager with the library of a server whose store has a song that is begun and not ended, although the
    server does not make it any more.
    """
    async with embedded_replica(folder) as server:
        await (await making(server, record())).append([StoredEvent(b"", 5)], b"first")
        yield Library(server.store, OpenRecordings())


async def heard(recording: Recording | None) -> None:
    assert recording is not None
    with recording.listened() as told:
        async for _ in told:
            pass


async def test_an_open_song_of_the_embedded_store_that_is_not_made_was_not_kept(tmp_path: Path) -> None:
    async with left_behind(tmp_path) as library:
        song = await library.record("song-1")
        assert song is not None
        assert (song.state, song.reason) == (SongState.FAILED, "NOT_KEPT")
        assert list(await library.page("me", None, 10)) == [song]
        assert await library.asked_before("me", "request-1") is None
        with pytest.raises(SongNotComplete, match="could not store"):
            await heard(await library.recording("song-1"))


async def test_a_song_that_has_ended_is_found_by_its_name_and_by_its_request(tmp_path: Path) -> None:
    async with embedded_replica(tmp_path) as server:
        song = await keep(server, record())
        library = Library(server.store, OpenRecordings())
        assert await library.record("song-1") == song
        for recording in (await library.recording("song-1"), await library.asked_before("me", "request-1")):
            assert recording is not None
            assert recording.song == song
        assert await library.recording("song-2") is None
