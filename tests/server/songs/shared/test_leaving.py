"""Tests of a replica that is shutting down: its songs are handed over to other replicas, and its listeners continue
there.
"""

import asyncio
from pathlib import Path

import pytest

from server.errors import MadeElsewhere
from server.song import SongState
from server.songs.shared import takeover
from server.songs.shared.sharing import Resumption
from tests.server.songs.shared.begun_songs import WHOLE, begun
from tests.support.replica_pair import heard, until


async def test_an_offered_song_is_never_interrupted_by_those_who_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "MOST_EPOCHS", 1)
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots = 1
        await replicas.there.offer()
        assert await listening == WHOLE


async def test_offered_songs_are_taken_and_their_listeners_go_on(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots = 1
        await replicas.there.offer()
        assert await listening == WHOLE
        assert replicas.maker.jobs[0].closed.is_set()
        assert replicas.watcher.counts == {"handed over": 1, "taken over": 1}


async def test_an_offered_song_that_suits_nobody_stays_with_its_maker(tmp_path: Path) -> None:
    async with begun(tmp_path, resumption=Resumption(max_lost_seconds=0.0)) as (replicas, recording):
        replicas.full.slots, replicas.full.sounds = 1, "other"
        await replicas.there.offer()
        await replicas.service.replica("third").wait(0.1)
        assert not replicas.maker.jobs[0].closed.is_set()
        replicas.maker.stop()
        await recording.wait_ended()
        assert recording.song.owner == "there"


async def test_listeners_of_a_leaving_replica_are_sent_to_the_one_that_makes_their_song(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        await until(lambda: recording.listeners == 1)
        replicas.there.start_draining()
        assert not listening.done()
        replicas.full.slots = 1
        await replicas.there.offer()
        with pytest.raises(MadeElsewhere):
            await listening
        assert await heard(await replicas.here.find("song-1", "me")) == WHOLE


async def test_nobody_listens_at_a_leaving_replica_to_a_song_that_is_made_elsewhere(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, _):
        mirror = await replicas.here.find("song-1", "me")
        listening = asyncio.create_task(heard(mirror))
        await until(lambda: mirror.listeners == 1)
        replicas.here.start_draining()
        with pytest.raises(MadeElsewhere):
            await listening
        with pytest.raises(MadeElsewhere):
            await heard(await replicas.here.find("song-1", "me"))
        assert (await replicas.here.get("song-1", "me")).state is SongState.RUNNING
        (until_at, _) = replicas.service.audiences._of["song-1"]["here"]
        assert until_at > replicas.service.audiences._clock() + 6


async def test_songs_that_are_given_up_go_on_elsewhere(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots = 1
        replicas.maker.slots = 0
        assert await replicas.there.hand_over() == 1
        assert await listening == WHOLE


async def test_a_song_that_a_leaving_replica_has_made_is_heard_to_its_end_at_another_one(tmp_path: Path) -> None:
    async with begun(tmp_path, 13) as (replicas, recording):
        replicas.there.start_draining()
        listening = asyncio.create_task(heard(recording))
        await until(lambda: recording.listeners == 1)
        replicas.maker.stop()
        with pytest.raises(MadeElsewhere):
            await listening
        assert await heard(await replicas.here.find("song-1", "me"), 17) == (
            ["accepted", "plan", *["chunk"] * 9, "finished"],
            WHOLE[1][17:],
        )
