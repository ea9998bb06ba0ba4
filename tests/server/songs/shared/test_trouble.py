"""Tests, in a service of two replicas, of a lost connection to the song directory, and of full stores."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import EndedElsewhere, Overloaded
from server.song import SongState
from server.songs.shared import storing
from server.songs.shared.making import SharedMaking
from server.store.base import INTERRUPTED, NOT_KEPT
from tests.support.replica_pair import LONG, REQUEST_ID, heard, pair, request, taken_over, until


async def test_a_maker_that_cannot_renew_its_leases_pauses_until_it_can(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.there.generate(request(), "me")
        listening = asyncio.create_task(heard(recording))
        await until(lambda: len(recording.entries) == len(LONG) + 1)
        replicas.directories[1].away = True
        job = replicas.maker.jobs[0]
        await until(lambda: not job.going.is_set())
        assert not job.closed.is_set()
        replicas.directories[1].away = False
        await until(job.going.is_set)
        assert not listening.done()
        job.cancel()
        assert (await listening)[1] == b"sound" * 12


async def test_a_paused_song_whose_lease_turns_out_lost_is_given_up_and_its_listeners_stay(tmp_path: Path) -> None:
    async with pair(LONG[:3], folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.there.generate(request(), "me")
        listening = asyncio.create_task(heard(recording))
        await until(lambda: len(recording.entries) == 4)
        replicas.directories[1].away = True
        job = replicas.maker.jobs[0]
        await until(lambda: not job.going.is_set())
        claim = await taken_over(replicas.service, "song-1")
        replicas.directories[1].away = False
        await job.closed.wait()
        assert not listening.done()
        song = replace(claim.song, state=SongState.FAILED, reason=INTERRUPTED, error="gone", ended_ns=1)
        await replicas.store.end(song, lease=claim.lease, at=claim.extent)
        with pytest.raises(EndedElsewhere, match="gone"):
            await listening


async def test_a_song_without_room_in_the_store_goes_on_where_it_is_made_and_is_not_kept(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True, outage_seconds=60.0) as replicas:
        recording = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        listening = asyncio.create_task(heard(recording))
        assert isinstance(replicas.there._making, SharedMaking)
        recorder, job = replicas.there._making._songs["song-1"].recorder, replicas.maker.jobs[0]
        while len(recorder.entries) < 5:
            await asyncio.sleep(0)
        job.pause()
        await until(lambda: recording.entries[1:] != [] and len(recording.entries) >= 5)
        elsewhere = asyncio.create_task(heard(await replicas.here.find("song-1", "me")))
        replicas.store.full = True
        job.resume()
        await until(lambda: len(recording.entries) == len(LONG) + 1)
        late = asyncio.create_task(heard(await replicas.there.find("song-1", "me")))
        await until(lambda: recording.listeners == 2)
        job.cancel()
        for told in (listening, late):
            assert await told == (["accepted", "plan", *["chunk"] * 12, "finished"], b"sound" * 12)
        with pytest.raises(EndedElsewhere) as failure:
            await elsewhere
        assert failure.value.reason == NOT_KEPT
        song = await replicas.there.get("song-1", "me")
        assert (song.state, song.reason, song.sha256) == (SongState.FAILED, NOT_KEPT, "")
        assert song.size_bytes in range(5, 60)
        replicas.store.full = False
        again = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        assert again.song.song_id == "song-2"
        await until(lambda: len(again.entries) == len(LONG) + 1)
        replicas.maker.stop()
        assert (await heard(again))[1] == b"sound" * 12


async def test_a_song_without_room_in_the_store_that_nobody_hears_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "JOIN_SECONDS", 0.0)
    async with pair(folder=tmp_path, hangs=True) as replicas:
        replicas.store.full = True
        recording = await replicas.there.generate(request(), "me", detached=True)
        await replicas.maker.jobs[0].closed.wait()
        await recording.wait_ended()
        song = await replicas.here.get("song-1", "me")
        assert (song.state, song.reason, song.size_bytes) == (SongState.FAILED, NOT_KEPT, 0)


async def test_a_full_directory_refuses_new_songs_with_advice(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        replicas.directories[0].full = True
        with pytest.raises(Overloaded, match="no room") as refusal:
            await replicas.here.generate(request(), "me")
        assert (refusal.value.retry_after_seconds or 0.0) > 0
