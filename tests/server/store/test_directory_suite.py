"""Tests, which every kind of song directory has to pass, of the messages that replicas send each other through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from server.costs import Costs
from server.song import SongState
from server.store.base import Extent, StoredEvent
from server.store.directory import Attendance, LeaseStatus, SongUpdate
from server.store.whole_service import KnownEngine, ServedEngine
from tests.support.fake_runner import FAKE_INFO
from tests.support.store_kinds import THERE, Replica, Service
from tests.support.stored_songs import Writing, claimed, lease_status, making, record, waiting


@asynccontextmanager
async def following(replica: Replica, at: Extent = Extent()) -> AsyncIterator[AsyncIterator[SongUpdate]]:
    async with asyncio.timeout(10):
        news = replica.directory.follow("song-1", at)
        try:
            yield news
        finally:
            await news.aclose()  # type: ignore[attr-defined]  # follow is a generator


async def test_a_wish_to_cancel_reaches_the_maker(service: Service) -> None:
    writing = await making(service.here, record())
    waits = asyncio.create_task(service.here.directory.wait(60.0))
    await asyncio.sleep(0)
    assert await service.there.directory.cancel("song-1") is None
    async with asyncio.timeout(5):
        await waits
    assert (await lease_status(service.here, writing.claim)).cancelled
    await writing.end(SongState.CANCELLED)
    assert await service.there.directory.cancel("song-1") is None
    assert await service.there.directory.cancel("song-9") is None


async def test_a_waiting_song_is_ended_by_whoever_cancels_it(service: Service) -> None:
    await waiting(service.here, 1)
    claim = await service.there.directory.cancel("song-1")
    assert claim is not None
    assert claim.lease.replica == THERE
    assert await claimed(service.here) is None
    await service.there.store.create(claim.song, claim.lease)
    ended = await Writing.of(service.there, claim).end(SongState.CANCELLED)
    assert await service.here.store.get("song-1") == ended


async def test_listeners_anywhere_count_until_their_time_is_over(service: Service) -> None:
    claim = (await making(service.here, record(), attend_seconds=3.0)).claim
    assert await lease_status(service.here, claim) == LeaseStatus(True, attended=True)
    await service.there.directory.attend([Attendance("song-1", 700, 5.0), Attendance("song-9", 1, 5.0)])
    await service.here.directory.attend([Attendance("song-1", 900, 2.0)])
    assert await lease_status(service.here, claim) == LeaseStatus(True, attended=True, wanted_byte=900)
    await service.pass_time(2.5)
    assert await lease_status(service.here, claim) == LeaseStatus(True, attended=True, wanted_byte=700)
    await service.there.directory.attend([Attendance("song-1", 800, 0.0)])
    assert await lease_status(service.here, claim) == LeaseStatus(True, attended=False, wanted_byte=0)


async def test_a_song_is_followed_from_anywhere_to_its_end(service: Service) -> None:
    writing = await making(service.here, record())
    await writing.append([StoredEvent(b"plan")])
    await writing.sound(b"first")
    async with following(service.there) as news, following(service.there, Extent(5, 2)) as late:
        told = await anext(news)
        assert (told.events, told.sound) == ([StoredEvent(b"plan"), StoredEvent(b"chunk", 5)], b"first")
        assert told.song == await service.there.store.get("song-1")
        assert (await anext(late)).sound == b""
        for sound in (b"second", b"third"):
            await writing.sound(sound)
        ended = await writing.end()
        for one in (news, late):
            rest = [told async for told in one]
            assert b"".join(told.sound for told in rest) == b"secondthird"
            assert [event.end_byte for told in rest for event in told.events] == [11, 16]
            assert rest[-1].song == ended


async def test_a_waiting_song_is_followed_and_one_that_does_not_exist_is_not(service: Service) -> None:
    await waiting(service.here, 1)
    async with following(service.there, Extent(0, 1)) as news:
        assert (await anext(news)).song.state is SongState.QUEUED
        claim = await service.here.directory.claim({"fake": ""})
        assert claim is not None
        writing = Writing.of(service.here, claim)
        await service.here.store.create(claim.song, claim.lease)
        await writing.append([StoredEvent(b"accepted"), StoredEvent(b"chunk", 5)], b"first")
        await writing.end()
        told = [one async for one in news]
        assert [event for one in told for event in one.events] == [StoredEvent(b"chunk", 5)]
    with pytest.raises(KeyError):
        await anext(service.there.directory.follow("song-9", Extent()))


async def test_engines_are_those_of_all_replicas_while_their_announcements_are_good(service: Service) -> None:
    other = replace(FAKE_INFO, name="other")
    await service.here.directory.announce([ServedEngine(FAKE_INFO, ("cpu",), 4)], 5.0)
    await service.there.directory.announce([ServedEngine(FAKE_INFO, ("cuda",), 8), ServedEngine(other, (), 1)], 9.0)
    engines = await service.here.directory.engines()
    assert (engines["fake"].slots, sorted(engines["fake"].devices)) == (12, ["cpu", "cuda"])
    assert (engines["fake"].info, engines["other"].info) == (FAKE_INFO, other)
    await service.pass_time(7.0)
    assert (await service.here.directory.engines())["fake"].slots == 8
    await service.there.directory.announce([], 9.0)
    assert await service.here.directory.engines() == {}


async def test_an_engine_is_known_for_good_and_its_start_is_measured_while_songs_wait(service: Service) -> None:
    costs = Costs(0.01, 0.02, 0.03, 2.0, 0.1, 60.0, 12.0)
    directory = service.there.directory
    assert await directory.known_engines() == {}
    await waiting(service.here, 1)
    await service.pass_time(20.0)
    (song,) = (await directory.queue()).waiting
    assert song.waited_seconds == 20.0
    served = ServedEngine(FAKE_INFO, ["cpu"], 4, costs)
    await service.here.directory.announce([served], 5.0)
    assert await directory.known_engines() == {"fake": KnownEngine(served, 0.0, 20.0)}
    await service.pass_time(4.0)
    await service.there.directory.announce([replace(served, slots=6)], 5.0)
    await service.pass_time(15.0)
    assert await directory.engines() == {}
    known = (await directory.known_engines())["fake"]
    assert (known.engine.slots, known.away_seconds, known.start_seconds) == (6, 10.0, 20.0)
    # A song that has waited before the engine was gone counts from then on; two starts count half each.
    await service.here.directory.announce([served], 5.0)
    assert (await directory.known_engines())["fake"].start_seconds == 15.0


async def test_others_are_woken_where_a_replica_begins_or_ceases_to_serve_an_engine(service: Service) -> None:
    for engines in ([ServedEngine(FAKE_INFO, (), 1)], []):
        waits = asyncio.create_task(service.here.directory.wait(60.0))
        await asyncio.sleep(0)
        await service.there.directory.announce(engines, 9.0)
        async with asyncio.timeout(5):
            await waits


async def test_an_engine_is_away_from_the_moment_at_which_its_last_replica_withdraws_it(service: Service) -> None:
    served, here, there = ServedEngine(FAKE_INFO, (), 1), service.here.directory, service.there.directory
    for directory in (here, there):
        await directory.announce([served], 10.0)
    await here.announce([], 10.0)
    await service.pass_time(2.0)
    assert (await here.known_engines())["fake"].away_seconds == 0.0
    await there.announce([], 0.0)
    await service.pass_time(3.0)
    await there.announce([], 10.0)
    assert (await here.known_engines())["fake"].away_seconds == 3.0


async def test_a_start_that_nobody_waited_for_is_not_measured(service: Service) -> None:
    await service.here.directory.announce([ServedEngine(FAKE_INFO, (), 1)], 5.0)
    await service.pass_time(50.0)
    await service.here.directory.announce([ServedEngine(FAKE_INFO, (), 1)], 5.0)
    assert (await service.here.directory.known_engines())["fake"].start_seconds is None


async def test_demand_counts_all_songs_that_have_not_ended_and_one_for_an_engine_that_was_never_there(
    service: Service,
) -> None:
    writing = await making(service.here, record())
    await waiting(service.here, 2)
    await waiting(service.here, 3)
    assert await service.there.directory.demand(["fake", "other"], 10.0) == {"fake": 3, "other": 1}
    await writing.end()
    assert (await service.there.directory.demand([], 10.0))["fake"] == 2
