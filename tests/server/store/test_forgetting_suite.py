"""Tests that every kind of store deletes the songs that ended first if there are more than the limit allows, and
deletes everything of a song that its server discards, such as one that was cancelled early.
"""

import pytest

from server.song import SongState
from server.store.base import Lease, LeaseLost, StoredEvent, StoreUsage
from tests.support.store_kinds import HERE, OpenService, Service
from tests.support.stored_songs import ids, keep, making, record, ticket

STRANGER = Lease("song-1", HERE, 1, "another nonce")


async def test_the_songs_that_ended_first_go_first_until_there_are_few_enough(open_service: OpenService) -> None:
    async with open_service(max_songs=2) as service:
        for number, ended_ns in ((1, 30), (2, 10), (3, 20)):
            await keep(service.here, record(number), b"", ended_ns=ended_ns)
        await making(service.here, record(4))
        store = service.here.store
        assert await store.evict({"song-2"}) == 2
        assert ids(await store.page("me", None, 9)) == ["song-4", "song-2"]
        assert await store.evict(set()) == 0


async def test_nothing_is_kept_of_a_song_that_its_maker_has_forgotten(service: Service) -> None:
    await keep(service.here, record(2), b"other")
    writing, store = await making(service.here, record(1)), service.here.store
    await writing.append([StoredEvent(b"accepted")])
    with pytest.raises(LeaseLost):
        await store.discard(STRANGER)
    await store.discard(writing.claim.lease)
    await service.here.directory.settle(writing.claim.lease, SongState.CANCELLED, 0.0)
    for each in (store, service.there.store):
        assert await each.get("song-1") is None
        assert await each.load("song-1") is None
        assert await each.find("me", "request-1") is None
        assert ids(await each.page("me", None, 9)) == ["song-2"]
    assert store.usage() == StoreUsage(1, 5)
    with pytest.raises(LeaseLost):
        await writing.append([StoredEvent(b"plan")])
    assert (await service.here.directory.admit(ticket(record(3, request_id="request-1")))).new


async def test_a_store_tells_no_trouble_while_songs_are_kept(service: Service) -> None:
    await keep(service.here, record(), b"sound")
    assert service.here.store.trouble is None
