from dataclasses import replace

import pytest

from server.errors import SongNotComplete
from server.song import SongState
from server.songs.library import Library
from server.songs.open_recordings import OpenRecordings
from server.store.base import SongRecord
from server.store.eviction import StoreLimits
from tests.support.memory_store import MemoryStore

SONG = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 0)


async def library(*, maker: str, state: SongState) -> Library:
    """The library of the process "here", with a song that another process, or this one, has left in that state."""
    store = MemoryStore(maker, StoreLimits(), lambda: 0)
    await store.create(SONG)
    await store.end(replace(SONG, state=state))
    store.owner = "here"
    return Library(store, OpenRecordings())


async def test_a_song_of_this_process_that_it_does_not_make_was_not_kept() -> None:
    song = await (await library(maker="here", state=SongState.RUNNING)).record("song-1")
    assert song is not None
    assert (song.state, song.reason) == (SongState.FAILED, "NOT_KEPT")


@pytest.mark.parametrize("state", [SongState.QUEUED, SongState.RUNNING])
async def test_a_song_that_another_process_makes_is_not_declared_failed(state: SongState) -> None:
    songs = await library(maker="elsewhere", state=state)
    song = await songs.record("song-1")
    assert song is not None
    assert (song.state, song.owner, song.epoch, song.reason) == (state, "elsewhere", 1, "")
    assert [song.state for song in await songs.page("me", None, 10)] == [state]
    with pytest.raises(SongNotComplete, match="another server makes it"):
        await songs.recording("song-1")


@pytest.mark.parametrize("maker", ["here", "elsewhere"])
async def test_a_song_that_has_ended_stays_as_it_is_whoever_made_it(maker: str) -> None:
    songs = await library(maker=maker, state=SongState.COMPLETED)
    recording = await songs.recording("song-1")
    assert recording is not None
    assert recording.song.state is SongState.COMPLETED
