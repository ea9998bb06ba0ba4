"""Tests of songs whose replica is lost or hands them over, in a service of two replicas."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.errors import ControlNotSupported, EndedElsewhere, QuotaExceeded
from server.quota import Quota
from server.song import Chunk, Planned, SongState
from server.songs.shared import making, takeover
from server.songs.shared.sharing import Resumption
from server.store.base import INTERRUPTED
from server.store.claim import Resume
from tests.server.songs.shared.begun_songs import HEARD_CHUNKS, WHOLE, begun
from tests.support.fake_runner import FAKE_PLAN, FakeRunner
from tests.support.replica_pair import LONG, REQUEST_ID, heard, pair, request, until


async def test_another_replica_goes_on_with_a_song_whose_maker_is_lost(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        there = asyncio.create_task(heard(recording))
        here = asyncio.create_task(heard(await replicas.here.find("song-1", "me"), 7))
        replicas.full.slots = 1
        await replicas.lose_to_another()
        assert await there == WHOLE
        assert await here == (WHOLE[0][:2] + WHOLE[0][3:], WHOLE[1][7:])
        assert replicas.maker.jobs[0].closed.is_set()
        assert replicas.full.requests[0].params.seed == 5
        song = await replicas.there.get("song-1", "me")
        assert (song.state, song.size_bytes, song.owner, song.epoch) == (SongState.COMPLETED, 60, "here", 2)
        assert await heard(await replicas.here.find("song-1", "me")) == WHOLE
        assert replicas.watcher.counts == {"lease lost": 1, "found lost": 1, "taken over": 1}


async def test_another_replica_that_cuts_chunks_otherwise_goes_on_within_one(tmp_path: Path) -> None:
    pairs = [Chunk(number, b"sound" * 2, 0, 2.0 * number, 2.0, 10 * number, 0) for number in range(6)]
    async with begun(tmp_path, here=(LONG[0], *pairs, LONG[-1])) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots = 1
        await replicas.lose_to_another()
        assert await listening == (["accepted", "plan", *["chunk"] * (HEARD_CHUNKS + 1 + 3), "finished"], WHOLE[1])
        chunks = [entry.message.chunk for entry in recording.entries if entry.end]
        assert [one.sequence for one in chunks] == [*range(HEARD_CHUNKS + 1 + 3)]
        assert (chunks[HEARD_CHUNKS].start_seconds, chunks[HEARD_CHUNKS].duration_seconds) == (5.0, 1.0)


async def test_a_song_that_comes_out_otherwise_ends_as_interrupted_and_is_not_spliced(tmp_path: Path) -> None:
    other = [
        replace(event, data=b"noise") if isinstance(event, Chunk) and event.sequence > 2 else event for event in LONG
    ]
    async with begun(tmp_path, here=other) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots = 1
        await replicas.lose_to_another()
        with pytest.raises(EndedElsewhere) as failure:
            await listening
        assert failure.value.reason == INTERRUPTED
        song = await replicas.there.get("song-1", "me")
        assert (song.state, song.reason, song.size_bytes) == (SongState.FAILED, INTERRUPTED, 5 * HEARD_CHUNKS)
        assert await replicas.store.read("song-1", 0, 100) == b"sound" * HEARD_CHUNKS
        assert replicas.full.jobs[0].closed.is_set()
        assert replicas.watcher.counts["diverged"] == replicas.watcher.counts["interrupted"] == 1


async def test_a_song_that_ends_before_what_was_heard_ends_as_interrupted(tmp_path: Path) -> None:
    async with begun(tmp_path, here=(*LONG[:3], LONG[-1])) as (replicas, _):
        replicas.full.slots = 1
        await replicas.lose_to_another()
        await until(lambda: replicas.watcher.counts["diverged"] == 1)
        recording = await replicas.there.find("song-1", "me")
        await recording.wait_ended()
        assert recording.song.reason == INTERRUPTED


@pytest.mark.parametrize(
    ("sound", "rule"),
    [("other", Resume.SAME_SOUND), ("", Resume.SAME_SOUND), ("one", Resume.UNHEARD), ("one", Resume.NEVER)],
)
async def test_nobody_goes_on_with_a_heard_song_that_does_not_suit_it(tmp_path: Path, sound: str, rule: Resume) -> None:
    async with begun(tmp_path, resumption=Resumption(lambda _: rule, 0.0)) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots, replicas.full.sounds = 1, sound
        replicas.maker.slots = 0
        await replicas.lose_to_another()
        with pytest.raises(EndedElsewhere, match="the server that made the song stopped before it was complete"):
            await listening
        assert replicas.full.jobs == []


async def test_a_song_waits_for_a_like_replica_for_a_while(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots, replicas.full.sounds = 1, "other"
        going_on = asyncio.create_task(replicas.lose_to_another())
        await replicas.service.replica("third").wait(0.1)
        assert not going_on.done()
        replicas.full.sounds = "one"
        replicas.service.bulletin.post("any")
        assert await listening == WHOLE


@pytest.mark.parametrize("rule", [Resume.SAME_SOUND, Resume.UNHEARD])
async def test_a_song_of_which_nothing_was_heard_is_begun_anew_anywhere(tmp_path: Path, rule: Resume) -> None:
    plan = Planned(replace(FAKE_PLAN, notes=("another way",)), 1105, 529_200, True)
    async with begun(tmp_path, 0, here=(plan, *LONG[1:]), resumption=Resumption(lambda _: rule)) as (
        replicas,
        recording,
    ):
        listening = asyncio.create_task(heard(recording))
        replicas.full.slots, replicas.full.sounds = 1, "other"
        await replicas.lose_to_another()
        assert await listening == (["accepted", "plan", "plan", *["chunk"] * 12, "finished"], b"sound" * 12)


async def test_a_lost_song_that_is_cancelled_costs_what_was_made_of_it(tmp_path: Path) -> None:
    async with begun(tmp_path, quota=Quota(audio_seconds_per_hour=30)) as (replicas, recording):
        replicas.maker.slots = 0
        replicas.service.songs.cancel("song-1")
        await replicas.lose_to_another()
        await recording.wait_ended()
        assert recording.song.state is SongState.CANCELLED
        await until(lambda: not replicas.service.songs.record("song-1"))
        with pytest.raises(QuotaExceeded, match="30 s of sound an hour"):
            await replicas.here.generate(request(duration_seconds=31.0 - HEARD_CHUNKS), "me")
        await replicas.here.generate(request(duration_seconds=30.0 - HEARD_CHUNKS), "me")


async def test_a_song_that_is_stored_to_its_last_event_is_completed_by_anybody(tmp_path: Path) -> None:
    async with begun(tmp_path, 13, resumption=Resumption(lambda _: Resume.NEVER)) as (replicas, recording):
        await replicas.lose_to_another()
        await recording.wait_ended()
        song = await replicas.here.get("song-1", "me")
        assert (song.state, song.sha256, song.epoch) == (SongState.COMPLETED, "ab" * 32, 2)
        assert replicas.watcher.counts["interrupted"] == 0


async def test_a_song_that_seems_to_end_its_servers_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "MOST_EPOCHS", 1)
    async with begun(tmp_path) as (replicas, recording):
        replicas.full.slots = 1
        await replicas.lose_to_another()
        await recording.wait_ended()
        assert (recording.song.reason, replicas.full.jobs) == (INTERRUPTED, [])
        assert replicas.watcher.counts["interrupted"] == 1


async def test_listeners_of_a_song_that_cannot_be_dropped_in_time_hear_its_next_maker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "DROP_SHARE", 0.0)
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        maker: Any = replicas.there._making
        replicas.store.held.clear()
        maker._songs["song-1"].recorder.append(LONG[1 + HEARD_CHUNKS])
        await maker.dropped("song-1")
        replicas.store.held.set()
        replicas.full.slots = 1
        await replicas.lose_to_another()
        assert await listening == WHOLE


async def test_a_maker_that_claims_its_own_lost_song_drops_what_it_had(tmp_path: Path) -> None:
    async with begun(tmp_path) as (replicas, recording):
        listening = asyncio.create_task(heard(recording))
        replicas.directories[1].away = True
        await until(lambda: not replicas.maker.jobs[0].going.is_set())
        replicas.maker._events, replicas.maker._hangs = LONG, False
        replicas.lose()
        tending: Any = replicas.there._sharing
        await tending._tending._takeover.take_over(1.0)
        assert await listening == WHOLE
        assert (len(replicas.maker.jobs), (await replicas.there.get("song-1", "me")).epoch) == (2, 2)


@pytest.mark.parametrize("max_lost_seconds", [30.0, 0.0])
async def test_a_song_that_is_not_understood_here_is_left_to_others_for_a_while(
    tmp_path: Path, max_lost_seconds: float
) -> None:
    unable = FakeRunner(refusal=ControlNotSupported("fake", {"anchor": ()}))
    resumption = Resumption(max_lost_seconds=max_lost_seconds)
    async with pair(LONG, folder=tmp_path, here=unable, resumption=resumption) as replicas:
        replicas.maker.slots = 0
        recording = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        replicas.full.slots = 1
        replicas.service.bulletin.post("any")
        if not max_lost_seconds:
            await recording.wait_ended()
            assert recording.song.reason == "CONTROL_NOT_SUPPORTED"
            return
        await until(lambda: "song-1" in replicas.service.songs._leases._leases)
        replicas.maker.slots = 1
        replicas.service.bulletin.post("any")
        assert await heard(recording) == WHOLE
        stored = await replicas.store.get("song-1")
        assert stored is not None
        assert stored.owner == "there"
