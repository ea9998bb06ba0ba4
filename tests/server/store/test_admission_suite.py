"""Tests of admission that every song directory has to pass."""

import asyncio
from typing import Any

import pytest

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, StoredEvent
from server.store.whole_service import QueueFull
from tests.support.store_kinds import HERE, Service
from tests.support.stored_songs import Writing, making, queued, record, taken, ticket, waiting


async def test_a_song_that_is_admitted_waits_and_every_replica_reads_its_record(service: Service) -> None:
    admitted = await service.here.directory.admit(ticket(record()))
    assert (admitted.song_id, admitted.fingerprint, admitted.new) == ("song-1", "print", True)
    assert (admitted.queue_position, admitted.claim) == (0, None)
    song = await service.there.store.get("song-1")
    assert song is not None
    assert (song.state, song.owner, song.caller) == (SongState.QUEUED, "", "me")


async def test_a_song_is_taken_at_once_unless_another_of_its_engine_waits(service: Service) -> None:
    claim = await taken(service.here, record(1), deadline_seconds=9.0, linger_seconds=2.0)
    assert (claim.lease.replica, claim.lease.epoch, claim.request) == (HERE, 1, b"request")
    assert (claim.extent, claim.linger_seconds) == (Extent(), 2.0)
    assert claim.deadline_seconds == pytest.approx(9.0, abs=1.0)
    await waiting(service.there, 2)
    await waiting(service.here, 3, take=True)
    await taken(service.here, record(4, engine="another"))
    assert await queued(service.there) == ["song-2", "song-3"]


@pytest.mark.parametrize("asks_again", ["here", "there"])
async def test_a_repeated_request_gets_its_song_and_takes_nothing(service: Service, asks_again: str) -> None:
    quota, replica = Quota(concurrent_songs=1), getattr(service, asks_again)
    writing = await making(service.here, record(), quota=quota)
    again = ticket(record(2, request_id="request-1", fingerprint="another"), quota=quota, take=True)
    for _ in range(2):
        admitted = await replica.directory.admit(again)
        assert (admitted.song_id, admitted.fingerprint, admitted.new) == ("song-1", "print", False)
        assert admitted.claim is None
        if writing.song.state is SongState.QUEUED:
            await writing.append([StoredEvent(b"plan")])
    await writing.end()
    assert (await replica.directory.admit(again)).song_id == "song-1"
    assert await service.here.store.get("song-2") is None


@pytest.mark.parametrize("state", [SongState.FAILED, SongState.CANCELLED])
async def test_a_request_whose_song_has_failed_or_was_cancelled_is_taken_anew(
    service: Service, state: SongState
) -> None:
    await (await making(service.here, record())).end(state)
    admitted = await service.there.directory.admit(ticket(record(2, request_id="request-1")))
    assert (admitted.song_id, admitted.new) == ("song-2", True)


async def test_the_same_request_id_of_others_and_of_those_who_chose_none_counts_for_nothing(service: Service) -> None:
    await taken(service.here, record(1))
    for number, caller, repeatable in ((2, "other", True), (3, "me", False)):
        song = record(number, caller, request_id="request-1")
        assert (await service.there.directory.admit(ticket(song, repeatable=repeatable))).new


async def test_of_many_requests_with_one_id_at_once_one_makes_a_song(service: Service) -> None:
    songs = [record(number, request_id="request") for number in range(1, 9)]
    replicas = (service.here, service.there) * 4
    admitted = await asyncio.gather(
        *(replica.directory.admit(ticket(song)) for replica, song in zip(replicas, songs, strict=True))
    )
    assert [one.new for one in admitted].count(True) == 1
    assert len({one.song_id for one in admitted}) == 1
    assert len(await queued(service.here)) == 1


async def test_songs_beyond_the_bound_are_refused_with_the_end_kept_for_callers_without_one(service: Service) -> None:
    bounds: dict[str, Any] = {"max_songs": 3, "kept_songs": 1}
    claim = await taken(service.here, record(1), **bounds)
    await waiting(service.there, 2, **bounds)
    with pytest.raises(QueueFull) as refusal:
        await service.here.directory.admit(ticket(record(3), **bounds))
    assert refusal.value.songs == 2
    await waiting(service.there, 4, "other", **bounds)
    with pytest.raises(QueueFull):
        await service.here.directory.admit(ticket(record(5, "third"), **bounds))
    await service.here.store.create(claim.song, claim.lease)
    await Writing.of(service.here, claim).end()
    await waiting(service.here, 6, "third", **bounds)


async def test_queue_positions_count_the_songs_of_the_whole_service(service: Service) -> None:
    await taken(service.here, record(1))
    await waiting(service.there, 2)
    assert (await service.here.directory.admit(ticket(record(3)))).queue_position == 2


async def test_quotas_count_over_all_replicas_and_what_is_refused_is_not_charged(service: Service) -> None:
    quota = Quota(concurrent_songs=1)
    claim = await taken(service.here, record(1), quota=quota)
    for replica in (service.here, service.there):
        with pytest.raises(QuotaExceeded, match="1 songs at once"):
            await replica.directory.admit(ticket(record(2), quota=quota))
    await taken(service.there, record(3, "other"), quota=quota)
    await service.here.store.create(claim.song, claim.lease)
    await Writing.of(service.here, claim).end()
    assert await service.here.store.get("song-2") is None
    await taken(service.there, record(4), quota=quota)


async def test_songs_a_minute_and_sound_an_hour_are_those_of_the_service(service: Service) -> None:
    await taken(service.here, record(1), quota=Quota(songs_per_minute=1))
    with pytest.raises(QuotaExceeded, match="1 songs a minute") as refusal:
        await service.there.directory.admit(ticket(record(2), quota=Quota(songs_per_minute=1)))
    assert refusal.value.retry_after_seconds == pytest.approx(60.0, abs=2.0)
    await service.pass_time(61.0)
    await taken(service.there, record(2), quota=Quota(songs_per_minute=1))
    sound = Quota(audio_seconds_per_hour=100)
    writing = await making(service.here, record(3, "other"), quota=sound, sound_seconds=80.0)
    with pytest.raises(QuotaExceeded, match="100 s of sound an hour"):
        await service.there.directory.admit(ticket(record(4, "other"), quota=sound, sound_seconds=30.0))
    await writing.end(SongState.CANCELLED, settle=False)
    await service.here.directory.settle(writing.claim.lease, SongState.CANCELLED, 5.0)
    await taken(service.there, record(5, "other"), quota=sound, sound_seconds=90.0)
