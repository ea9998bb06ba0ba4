"""Tests of deletion that every song store has to pass, on both replicas."""

import pytest

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Cursor, LeaseLost, SongGone, StoreUsage
from server.store.directory import Attendance
from tests.support.store_kinds import LEASE_SECONDS, Service
from tests.support.stored_songs import Writing, ids, keep, lease_status, making, record, ticket, waiting


@pytest.mark.parametrize("state", [SongState.COMPLETED, SongState.FAILED, SongState.CANCELLED])
@pytest.mark.parametrize("settled", [True, False])
async def test_nothing_is_left_on_any_replica_of_a_song_that_its_caller_deletes(
    service: Service, state: SongState, settled: bool
) -> None:
    await keep(service.here, record(2), b"other")
    writing = await making(service.here, record())
    await writing.sound(b"first")
    await writing.end(state, settle=settled)
    await service.here.directory.attend([Attendance("song-1", 0, 60.0)])
    assert await service.there.store.delete("song-1")
    for store in (service.here.store, service.there.store):
        assert await store.get("song-1") is None
        assert await store.load("song-1") is None
        assert await store.find("me", "request-1") is None
        assert ids(await store.page("me", None, 9)) == ["song-2"]
        assert ids(await store.page("me", Cursor(3, "song-3"), 9)) == ["song-2"]
        with pytest.raises(SongGone):
            await store.read("song-1", 0, 1)
        assert not await store.delete("song-1")
    assert service.there.store.usage() == StoreUsage(1, 5)
    assert await service.here.store.read("song-2", 0, 9) == b"other"


async def test_a_song_that_waits_or_is_made_is_not_deleted_and_goes_on(service: Service) -> None:
    writing = await making(service.here, record())
    await writing.sound(b"first")
    await waiting(service.here, 2)
    for song_id in ("song-1", "song-2", "song-3"):
        assert not await service.there.store.delete(song_id)
    await writing.sound(b"second")
    assert (await writing.end()).size_bytes == 11
    assert await service.there.store.get("song-2") is not None


async def test_the_request_id_of_a_deleted_song_asks_for_a_new_one(service: Service) -> None:
    await keep(service.here, record(), b"first")
    known = await service.there.directory.admit(ticket(record(2, request_id="request-1")))
    assert (known.new, known.song_id) == (False, "song-1")
    assert await service.here.store.delete("song-1")
    again = await service.there.directory.admit(ticket(record(2, request_id="request-1")))
    assert (again.new, again.song_id) == (True, "song-2")


async def test_who_made_a_deleted_song_can_store_nothing_of_it_any_more(service: Service) -> None:
    writing = await making(service.here, record())
    await writing.sound(b"first")
    await service.pass_time(LEASE_SECONDS + 1)
    claim = await service.there.directory.claim_lost()
    assert claim is not None
    taking = Writing.of(service.there, claim)
    await taking.end(SongState.FAILED, reason="INTERRUPTED")
    assert await service.there.store.delete("song-1")
    assert not (await lease_status(service.here, writing.claim)).held
    for call in (writing.sound(b"second"), service.here.store.create(record(), writing.claim.lease), writing.end()):
        with pytest.raises(LeaseLost):
            await call
    assert await service.here.store.get("song-1") is None
    assert service.here.store.usage() == StoreUsage(0, 0)


async def test_a_deleted_song_is_not_refunded(service: Service) -> None:
    quota = Quota(songs_per_minute=1.0, audio_seconds_per_hour=100.0)
    writing = await making(service.here, record(), quota=quota, sound_seconds=90.0)
    await writing.end(settle=False)
    assert await service.there.store.delete("song-1")
    await service.here.directory.settle(writing.claim.lease, SongState.COMPLETED, 90.0)
    with pytest.raises(QuotaExceeded):
        await service.here.directory.admit(ticket(record(2), quota=quota))
    await service.pass_time(60.0)
    with pytest.raises(QuotaExceeded):
        await service.here.directory.admit(ticket(record(2), quota=quota, sound_seconds=90.0))
    assert (await service.here.directory.queue()).running == 0
