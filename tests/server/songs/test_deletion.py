"""Tests of songs that their callers delete: on one server, and on two replicas of one service."""

import asyncio
from pathlib import Path

import pytest

from server.errors import QuotaExceeded, SongDeleted, SongNotEnded, UnknownSong, WorkerLost
from server.quota import Quota
from server.song import SongState
from server.songs.recordings import recorded_sound
from server.songs.recordings.recording import Recording
from server.songs.service import Songs
from server.songs.tickets import Terms
from server.store.base import StoreFailed
from tests.support.edge import songs_of
from tests.support.fake_runner import FakeRunner
from tests.support.replica_pair import LONG, REQUEST_ID, heard, pair, request, until


async def told_until_deleted(recording: Recording, after: asyncio.Event) -> list[str]:
    """Return the kinds of events that a listener gets, and "deleted" at the end; the listener waits for `after` between
    events.
    """
    kinds: list[str] = []
    try:
        with recording.listened() as told:
            async for one in told:
                kinds.append(str(one.message.WhichOneof("event")))
                await after.wait()
    except SongDeleted:
        return [*kinds, "deleted"]
    return kinds


async def heard_while_deleting(recording: Recording, songs: Songs) -> None:
    """Listen to a song, and delete it after its first sound."""
    with recording.listened() as told:
        async for one in told:
            if one.message.chunk.data:
                await songs.delete("song-1", "me")


async def assert_gone(songs: Songs, caller: str = "me") -> None:
    """Check that no call of the service finds the song any more."""
    for call in (
        songs.get("song-1", caller),
        songs.find("song-1", caller),
        songs.find("song-1"),
        songs.cancel("song-1", caller),
        songs.delete("song-1", caller),
    ):
        with pytest.raises(UnknownSong):
            await call
    assert "song-1" not in [song.song_id for song in (await songs.page(caller))[0]]


async def test_a_song_is_deleted_as_soon_as_it_has_ended_while_others_listen() -> None:
    async with songs_of(FakeRunner()) as songs:
        recording, go_on = await songs.generate(request(), "me"), asyncio.Event()
        slow = asyncio.create_task(told_until_deleted(recording, go_on))
        await heard(recording)
        late = asyncio.create_task(told_until_deleted(await songs.find("song-1"), go_on))
        await asyncio.sleep(0)
        await songs.delete("song-1", "me")
        await assert_gone(songs)
        go_on.set()
        assert [await slow, await late] == [["accepted", "deleted"], ["accepted", "deleted"]]
        await assert_gone(songs)
        assert songs.deletion.count == 1


async def test_a_song_that_nobody_has_listened_to_yet_is_deleted() -> None:
    async with songs_of(FakeRunner()) as songs:
        await heard(await songs.generate(request(), "me"))
        recording = await songs.find("song-1", "me")
        await songs.delete("song-1", "me")
        with pytest.raises(SongDeleted):
            await heard(recording)
        await assert_gone(songs)


@pytest.mark.parametrize("state", [SongState.CANCELLED, SongState.FAILED])
async def test_a_song_that_is_not_complete_is_deleted_and_one_that_is_made_is_not(state: SongState) -> None:
    runner = FakeRunner(hangs=True, error=None if state is SongState.CANCELLED else WorkerLost("gone"))
    async with songs_of(runner) as songs:
        await songs.generate(request(), "me", detached=True)
        with pytest.raises(SongNotEnded, match="cancel it, or wait"):
            await songs.delete("song-1", "me")
        if state is SongState.CANCELLED:
            await songs.cancel("song-1", "me")
        else:
            runner.stop()
            await until(lambda: runner.jobs[0].ended.is_set())
        await songs.delete("song-1", "me")
        await assert_gone(songs)


async def test_a_song_of_another_caller_is_not_deleted() -> None:
    async with songs_of(FakeRunner()) as songs:
        await heard(await songs.generate(request(), "me"))
        with pytest.raises(UnknownSong):
            await songs.delete("song-1", "somebody else")
        assert (await songs.get("song-1", "me")).state is SongState.COMPLETED


async def test_the_request_of_a_deleted_song_makes_a_new_one_and_counts_for_the_quota() -> None:
    terms = Terms(Quota(songs_per_minute=2.0))
    async with songs_of(FakeRunner(), terms=lambda _: terms) as songs:
        await heard(await songs.generate(request(request_id=REQUEST_ID), "me"))
        await songs.delete("song-1", "me")
        again = await songs.generate(request(request_id=REQUEST_ID, seed=6), "me")
        assert again.song.song_id == "song-2"
        await heard(again)
        await songs.delete("song-2", "me")
        with pytest.raises(QuotaExceeded):
            await songs.generate(request(), "me")


async def test_pages_go_on_behind_a_song_that_was_deleted() -> None:
    async with songs_of(FakeRunner()) as songs:
        for seed in range(4):
            await heard(await songs.generate(request(seed=seed), "me"))
        first, token = await songs.page("me", 2)
        assert [song.song_id for song in first] == ["song-4", "song-3"]
        await songs.delete("song-3", "me")
        assert [song.song_id for song in (await songs.page("me", 2, token))[0]] == ["song-2", "song-1"]


async def test_a_deletion_that_fails_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with songs_of(FakeRunner()) as songs:
        await heard(await songs.generate(request(), "me"))
        files = songs.deletion._store._opened.files  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setattr(files, "delete", lambda song_id: (_ for _ in ()).throw(StoreFailed("no way")))
            with pytest.raises(StoreFailed):
                await songs.delete("song-1", "me")
        assert (await songs.get("song-1", "me")).state is SongState.COMPLETED
        await songs.delete("song-1", "me")
        await assert_gone(songs)


async def test_a_song_is_gone_on_the_other_replica_at_once_while_it_is_heard_there(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        made = await replicas.there.generate(request(), "me")
        await heard(made)
        await made.keeping.done()
        go_on = asyncio.Event()
        hearing = [
            asyncio.create_task(told_until_deleted(await songs.find("song-1", "me"), go_on))
            for songs in (replicas.here, replicas.there)
        ]
        await until(lambda: replicas.here.listeners == replicas.there.listeners == 1)
        await replicas.there.delete("song-1", "me")
        for songs in (replicas.here, replicas.there):
            await assert_gone(songs)
        go_on.set()
        assert await asyncio.gather(*hearing) == [["accepted", "deleted"], ["accepted", "deleted"]]


async def test_a_song_that_was_made_elsewhere_and_is_just_over_is_deleted(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        made = await replicas.here.generate(request(), "me")
        await heard(made)
        await made.keeping.done()
        await replicas.here.delete("song-1", "me")
        for songs in (replicas.here, replicas.there):
            await assert_gone(songs)


async def test_a_song_is_cancelled_and_deleted_through_another_replica(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True) as replicas:
        made = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(made.entries) == len(LONG) + 1)
        with pytest.raises(SongNotEnded):
            await replicas.here.delete("song-1", "me")
        await replicas.here.cancel("song-1", "me")
        await replicas.here.delete("song-1", "me")
        for songs in (replicas.here, replicas.there):
            await assert_gone(songs)


async def test_a_listener_who_needs_the_next_byte_is_told_that_the_song_was_deleted_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_sound, "BLOCK_BYTES", 1)
    async with pair(LONG, folder=tmp_path) as replicas:
        made = await replicas.there.generate(request(), "me")
        await heard(made)
        await made.keeping.done()
        recording = await replicas.here.find("song-1", "me")
        with pytest.raises(SongDeleted, match="was deleted by its caller"):
            await heard_while_deleting(recording, replicas.there)
