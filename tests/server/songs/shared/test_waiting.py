"""Tests of songs that wait in the queue of a service of two replicas: their engines, order, queue positions and
heartbeats.
"""

import asyncio
from pathlib import Path

import pytest

from server.errors import ControlNotSupported, UnknownEngine
from tests.support.fake_runner import FAKE_INFO, FakeRunner
from tests.support.replica_pair import LONG, REQUEST_ID, Pair, heard, pair, request, signs, until


async def announced(replicas: Pair) -> None:
    """Wait until both replicas know that the engine of the other is ready."""
    await until(lambda: all(songs.engines.get("fake").ready for songs in (replicas.here, replicas.there)))


async def test_a_replica_without_workers_takes_songs_for_engines_of_others(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=FakeRunner(info=None)) as replicas:
        await announced(replicas)
        page = replicas.here.engines.page()
        assert [(one.name, one.ready, list(one.devices), one.license) for one in page.engines] == [
            ("fake", True, ["cpu"], FAKE_INFO.license)
        ]
        assert (await heard(await replicas.here.generate(request(), "me")))[1] == b"sound"
        assert replicas.maker.requests[0].engine == "fake"


async def test_a_replica_without_workers_tells_the_load_of_the_service(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=FakeRunner(info=None), hangs=True) as replicas:
        assert replicas.here.service_load() is None
        await announced(replicas)
        assert replicas.here.served
        await replicas.here.generate(request(), "me")
        await until(lambda: bool(replicas.maker.jobs))
        assert replicas.here.service_load() == (1, 8)
        assert replicas.there.service_load() is None


async def test_what_another_replica_says_of_its_engine_is_what_a_request_is_checked_against(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=FakeRunner(info=None)) as replicas:
        await announced(replicas)
        with pytest.raises(ControlNotSupported, match="anchor"):
            await replicas.here.generate(request(anchor={"midi": b"x"}), "me")


async def test_an_engine_that_nobody_serves_any_more_is_refused(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=FakeRunner(info=None)) as replicas:
        await announced(replicas)
        replicas.maker.load(None)
        await until(lambda: not replicas.here.engines.get("fake").ready)
        with pytest.raises(UnknownEngine):
            await replicas.here.generate(request(), "me")


async def test_a_song_that_its_claimer_cannot_make_after_all_waits_for_another_claim(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        replicas.maker.draining = True
        listening = asyncio.create_task(heard(await replicas.here.generate(request(), "me")))
        await until(lambda: replicas.maker.refused > 1)
        replicas.maker.draining = False
        assert (await listening)[1] == b"sound"


async def test_callers_take_turns_on_a_replica_whatever_replica_let_them_in(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        await announced(replicas)
        replicas.maker.slots = 0
        for _ in range(2):
            await replicas.here.generate(request(), "one")
        replicas.maker.slots = 8
        await replicas.there.generate(request(), "other")
        await until(lambda: len(replicas.maker.jobs) == 3)
        assert [made.caller for made in replicas.maker.requests] == ["one", "other", "one"]


async def test_songs_that_wait_tell_their_place_in_the_whole_service_with_one_question_for_all(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, heartbeat_seconds=0.04) as replicas:
        replicas.maker.slots = 0
        elsewhere = await replicas.there.generate(request(), "me")
        recordings = [await replicas.here.generate(request(seed=number), "me") for number in range(3)]
        with elsewhere.listened():
            asked = replicas.directories[0].asked
            told = await asyncio.gather(*(signs(recording, 6) for recording in recordings[:2]), signs(recordings[2], 8))
            assert replicas.directories[0].asked - asked <= 5
        assert [{one.queue_position for one in of_song} for of_song in told] == [{2}, {3}, {4}]
        assert {one.estimated_first_audio.seconds for one in told[1]} == {30}


async def test_songs_that_come_together_are_counted_with_one_question_of_the_directory(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        await announced(replicas)
        replicas.maker.slots = 0
        asked = replicas.directories[0].asked
        for number in range(20):
            await replicas.here.generate(request(seed=number), "me")
        assert replicas.directories[0].asked - asked < 10
        assert [len(state.queue.waiting) for state in replicas.full.states[-2:]] == [18, 19]


async def test_a_song_that_waits_is_told_as_accepted_to_whoever_asks_for_it(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        await replicas.there.generate(request(), "me")
        replicas.maker.slots = 0
        for number in (1, 2):
            await replicas.here.generate(request(seed=number, request_id=f"{REQUEST_ID[:-1]}{number}"), "me")
        again = await replicas.there.generate(request(seed=2, request_id=f"{REQUEST_ID[:-1]}2"), "me")
        assert again.entries[0].message.accepted.queue_position == 2
        assert again.entries[0].message.accepted.seed == 2
        assert again.entries[0].message.accepted.estimated_finish.seconds == 40
        replicas.maker.slots = 8
        replicas.service.bulletin.post("any")
        await until(lambda: len(again.entries) == 4)
        replicas.maker.stop()
        assert await heard(again) == (["accepted", "plan", "chunk", "finished"], b"sound")


async def test_a_song_that_is_silent_gives_signs_of_life_wherever_it_is_heard(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True, heartbeat_seconds=0.04) as replicas:
        made = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(made.entries) > 1)
        mirrored = await replicas.here.generate(request(request_id=REQUEST_ID), "me")
        for told in await asyncio.gather(signs(made, 3), signs(mirrored, 3)):
            assert [(one.queue_position, one.steps) for one in told] == [(0, 0)] * 3


async def test_a_store_that_takes_long_and_a_directory_that_is_away_silence_nobody(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, heartbeat_seconds=0.04) as replicas:
        replicas.store.held.clear()
        made = await replicas.there.generate(request(), "me")
        await until(lambda: replicas.maker.jobs[0].ended.is_set())
        replicas.maker.slots = 0
        waiting = await replicas.here.generate(request(), "me")
        with waiting.listened():
            await signs(waiting, 2)
            for directory in replicas.directories:
                directory.away = True
            told = await asyncio.gather(signs(made, 3), signs(waiting, 3))
        assert [one.queue_position for one in told[1]] == [1, 1, 1]
        replicas.store.held.set()
