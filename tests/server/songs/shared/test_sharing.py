"""Tests of songs of a service of two replicas: made by one, received from and cancelled on both."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from server.errors import EndedElsewhere, QuotaExceeded, SongCancelled, UnknownSong, WorkerLost
from server.quota import Quota
from server.song import SongState
from server.songs.shared.making import SharedMaking
from server.store.base import (
    INTERRUPTED,
    Extent,
    SongStore,
    StoredEvent,
    StoreFailed,
    WrongOffset,
)
from server.store.directory import Attendance
from server.store.embedded.directory import EmbeddedService
from server.store.eviction import StoreLimits
from tests.support.fake_runner import FAKE_EVENTS
from tests.support.replica_pair import LONG, REQUEST_ID, heard, pair, request, taken_over, until
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record


def expire(service: EmbeddedService, song_id: str) -> None:
    """Let the lease of a song expire now."""
    service.songs._songs[song_id].lease_until = 0.0
    service.bulletin.post("any")


async def test_a_song_that_waits_here_is_accepted_at_once_and_made_and_heard_elsewhere(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        recording = await replicas.here.generate(request(), "me")
        assert [entry.message.WhichOneof("event") for entry in recording.entries] == ["accepted"]
        kinds, sound = await heard(recording)
        assert kinds == ["accepted", "plan", *["chunk"] * 12, "finished"]
        assert sound == b"sound" * 12
        assert replicas.maker.requests[0].params.seed == 5
        for songs in (replicas.here, replicas.there):
            song = await songs.get("song-1", "me")
            assert (song.state, song.owner, song.size_bytes) == (SongState.COMPLETED, "there", 60)
            assert (await heard(await songs.find("song-1", "me"), 7))[1] == (b"sound" * 12)[7:]


async def test_a_running_song_is_heard_from_any_byte_and_listed_on_both(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True) as replicas:
        first = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(first.entries) == len(LONG) + 1)
        other = await replicas.here.generate(request(request_id=REQUEST_ID), "me")
        assert (other.song.song_id, len(replicas.maker.jobs)) == (first.song.song_id, 1)
        listening = [heard(first), heard(other, 12), heard(await replicas.here.find("song-1", "me"), 55)]
        told = asyncio.gather(*listening)
        assert [song.song_id for song in (await replicas.here.page("me"))[0]] == ["song-1"]
        assert (await replicas.here.get("song-1", "me")).state is SongState.RUNNING
        replicas.maker.stop()
        assert [sound for _, sound in await told] == [b"sound" * 12, (b"sound" * 12)[12:], b"sound"]


async def test_nothing_but_its_admission_is_heard_of_a_song_before_it_is_stored(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        replicas.store.held.clear()
        recording = await replicas.there.generate(request(), "me")
        await until(lambda: replicas.maker.jobs[0].ended.is_set())
        assert [entry.message.WhichOneof("event") for entry in recording.entries] == ["accepted"]
        assert not recording.ended
        assert not (await replicas.here.get("song-1", "me")).state.ended
        replicas.store.held.set()
        assert (await heard(recording))[1] == b"sound" * 12


@pytest.mark.parametrize("from_here", [True, False])
async def test_a_song_is_cancelled_from_either_replica(tmp_path: Path, from_here: bool) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.here.generate(request(request_id=REQUEST_ID), "me")
        listening = asyncio.create_task(heard(recording))
        await until(lambda: bool(replicas.maker.jobs))
        songs = replicas.here if from_here else replicas.there
        assert (await songs.cancel("song-1", "me")).state is SongState.CANCELLED
        assert replicas.maker.jobs[0].closed.is_set()
        with pytest.raises(SongCancelled):
            await listening


async def test_a_waiting_song_is_cancelled_by_whoever_is_asked(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        replicas.maker.slots = 0
        listening = asyncio.create_task(heard(await replicas.here.generate(request(), "me")))
        await asyncio.sleep(0)
        assert (await replicas.there.cancel("song-1", "me")).state is SongState.CANCELLED
        with pytest.raises(SongCancelled):
            await listening
        assert replicas.maker.jobs == []


async def test_a_song_ends_when_its_last_listener_has_left_another_replica(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.here.generate(request(), "me")
        with recording.listened() as told:
            async for one in told:
                if one.message.WhichOneof("event") == "chunk":
                    break
            await asyncio.sleep(0.4)
            assert not replicas.maker.jobs[0].closed.is_set()
        await replicas.maker.jobs[0].ended.wait()
        await until(lambda: not replicas.service.songs.record("song-1"))
        assert (await replicas.there.get("song-1", "me")).state is SongState.CANCELLED


async def test_a_failure_elsewhere_is_told_with_its_reason(tmp_path: Path) -> None:
    async with pair(FAKE_EVENTS[:2], folder=tmp_path, error=WorkerLost("gone")) as replicas:
        with pytest.raises(EndedElsewhere, match="gone") as failure:
            await heard(await replicas.here.generate(request(), "me"))
        assert failure.value.reason == "WORKER_LOST"


async def test_quotas_count_over_both_replicas_and_are_free_once_the_end_is_heard(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, quota=Quota(concurrent_songs=1)) as replicas:
        for first, second in ((replicas.here, replicas.there), (replicas.there, replicas.here)):
            recording = await first.generate(request(), "me")
            with pytest.raises(QuotaExceeded):
                await second.generate(request(), "me")
            assert (await heard(recording))[1] == b"sound"


async def test_a_maker_that_has_lost_its_song_gives_it_up_and_all_listeners_hear_what_the_new_one_stores(
    tmp_path: Path,
) -> None:
    async with pair(LONG[:3], folder=tmp_path, hangs=True) as replicas:
        first = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(first.entries) > 1)
        recordings = [first, await replicas.here.generate(request(request_id=REQUEST_ID), "me")]
        listening = [asyncio.create_task(heard(recording)) for recording in recordings]
        await until(lambda: all(len(recording.entries) == 4 for recording in recordings))
        claim = await taken_over(replicas.service, "song-1")
        assert claim.extent == Extent(10, 4)
        song = replace(claim.song, state=SongState.FAILED, reason=INTERRUPTED, error="gone", ended_ns=1)
        await replicas.store.end(song, lease=claim.lease, at=claim.extent)
        for told in listening:
            with pytest.raises(EndedElsewhere, match="gone"):
                await told
        await replicas.maker.jobs[0].closed.wait()
        assert (await replicas.there.get("song-1", "me")).reason == INTERRUPTED


async def test_a_song_that_nobody_makes_any_more_is_ended_as_interrupted(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        dead = Replica(cast(SongStore, replicas.store), replicas.service.replica("dead"))
        await (await making(dead, record())).append([StoredEvent(b"", 5)], b"first")
        listening = asyncio.create_task(heard(await replicas.here.find("song-1", "me"), 5))
        await asyncio.sleep(0)
        expire(replicas.service, "song-1")
        with pytest.raises(EndedElsewhere) as failure:
            await listening
        assert failure.value.reason == INTERRUPTED
        song = await replicas.there.get("song-1", "me")
        assert (song.state, song.reason, song.size_bytes) == (SongState.FAILED, INTERRUPTED, 5)


@pytest.mark.parametrize("trouble", [StoreFailed("the answer was lost"), WrongOffset("song-1", Extent())])
async def test_an_append_whose_answer_was_lost_is_not_stored_twice(tmp_path: Path, trouble: Exception) -> None:
    async with pair(LONG, folder=tmp_path, outage_seconds=60.0) as replicas:
        replicas.store.trouble.append(trouble)
        assert (await heard(await replicas.there.generate(request(), "me")))[1] == b"sound" * 12
        assert await replicas.store.read("song-1", 0, 1000) == b"sound" * 12


async def test_a_song_that_has_ended_is_kept_for_those_who_hear_it_on_another_replica(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True, limits=StoreLimits(max_bytes=0)) as replicas:
        made = await replicas.there.generate(request(), "me")
        await until(lambda: len(made.entries) == len(LONG) + 1)
        live = await replicas.here.find("song-1", "me")
        with live.listened() as told:
            assert (await anext(told)).number == 0
            replicas.maker.stop()
            await live.wait_ended()
            await until(lambda: replicas.there._open.made("song-1") is None)
            await replicas.there.eviction.evict()
            late = await heard(await replicas.here.find("song-1", "me"), 50)
            assert late[1] == b"sound" * 2
            assert b"".join([one.message.chunk.data async for one in told]) == b"sound" * 12
        async with asyncio.timeout(30):
            while await replicas.there._library.record("song-1") is not None:
                for replica in ("here", "there"):  # each reports its last listeners for a moment
                    replicas.service.audiences.note(replica, Attendance("song-1", 0, 0.0))
                await replicas.there.eviction.evict()
        with pytest.raises(UnknownSong):
            await replicas.here.find("song-1", "me")


async def test_a_found_song_is_kept_for_its_first_listener(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, limits=StoreLimits(max_bytes=0)) as replicas:
        made = await replicas.there.generate(request(), "me")
        with made.listened():
            await made.wait_ended()
            await until(lambda: replicas.there._open.made("song-1") is None)
            found = await replicas.here.find("song-1", "me")
        await asyncio.sleep(0)
        await replicas.there.eviction.evict()
        assert (await heard(found))[1] == b"sound" * 12


async def test_listeners_of_a_song_that_goes_on_without_any_are_told_to_its_maker(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True, linger_seconds=0.05) as replicas:
        await replicas.there.generate(request(), "me", detached=True)
        assert isinstance(replicas.there._making, SharedMaking)
        recorder = replicas.there._making._songs["song-1"].recorder
        await until(lambda: not recorder.has_listener)
        found = await replicas.here.find("song-1", "me")
        with found.listened():
            await until(lambda: recorder.has_listener)
        await until(lambda: not recorder.has_listener)
