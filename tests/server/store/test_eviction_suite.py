"""Tests, for every kind of song store, of the deletion of old songs: the songs that are deleted first, and those that
stay.
"""

import pytest

from server.song import SongState
from server.store.base import StoreFailed, StoreUsage
from server.store.directory import Attendance
from tests.support.store_kinds import OpenService, Service
from tests.support.stored_songs import HOUR_NS, ids, keep, making, record


async def test_the_songs_that_ended_first_go_first_until_the_rest_has_room(open_service: OpenService) -> None:
    async with open_service(max_bytes=12) as service:
        for number, ended_ns in ((1, 30), (2, 10), (3, 20)):
            await keep(service.here, record(number), b"12345", ended_ns=ended_ns)
        await making(service.here, record(4))
        store = service.here.store
        assert await store.evict({"song-2"}) == 1
        assert ids(await store.page("me", None, 9)) == ["song-4", "song-2", "song-1"]
        assert store.usage() == StoreUsage(3, 10)
        assert await store.evict({"song-2"}) == 0


async def test_old_songs_go(open_service: OpenService) -> None:
    async with open_service(now_ns=10 * HOUR_NS, max_age_hours=2.0) as service:
        await keep(service.here, record(1), b"old", ended_ns=7 * HOUR_NS)
        await keep(service.here, record(2), b"young", ended_ns=9 * HOUR_NS)
        assert await service.here.store.evict(set()) == 1
        assert await service.here.store.get("song-1") is None
        assert await service.here.store.get("song-2") is not None


async def test_a_song_without_sound_goes_as_well(open_service: OpenService) -> None:
    async with open_service(now_ns=10 * HOUR_NS, max_age_hours=2.0) as service:
        await (await making(service.here, record())).end(SongState.CANCELLED, ended_ns=1)
        assert await service.here.store.evict(set()) == 1
        assert service.here.store.usage() == StoreUsage(0, 0)


async def test_nothing_is_left_of_a_deleted_song(open_service: OpenService) -> None:
    async with open_service(max_bytes=0) as service:
        await keep(service.here, record(), b"first")
        store = service.here.store
        assert await store.evict(set()) == 1
        assert await store.load("song-1") is None
        assert await store.find("me", "request-1") is None
        assert list(await store.page("me", None, 9)) == []
        assert store.usage() == StoreUsage(0, 0)
        with pytest.raises(StoreFailed):
            await store.read("song-1", 0, 1)
        await making(service.here, record())
        assert await store.read("song-1", 0, 1) == b""


async def test_a_song_is_not_deleted_while_it_is_being_made(open_service: OpenService) -> None:
    async with open_service(max_bytes=0) as service:
        await (await making(service.here, record())).sound(b"first")
        assert await service.here.store.evict(set()) == 0


async def test_a_song_with_listeners_on_another_replica_is_not_deleted_until_they_have_left(
    open_service: OpenService,
) -> None:
    async with open_service(max_bytes=10) as service:
        writing = await making(service.here, record(1), attend_seconds=2.0)
        await writing.sound(b"12345")
        await writing.end(ended_ns=1)
        for number in (2, 3):
            await keep(service.here, record(number), b"12345", ended_ns=number)
        store, listening = service.here.store, service.there.directory
        await listening.attend([Attendance("song-2", 0, 6.0), Attendance("song-9", 0, 6.0)])
        assert await store.evict(set()) == 1
        assert ids(await store.page("me", None, 9)) == ["song-2", "song-1"]
        await keep(service.here, record(4), b"12345", ended_ns=4)
        await service.pass_time(3.0)
        await listening.attend([Attendance("song-1", 0, 6.0)])
        await service.pass_time(4.0)
        assert await store.evict(set()) == 1
        assert ids(await store.page("me", None, 9)) == ["song-4", "song-1"]
        await listening.attend([Attendance("song-1", 0, 0.0)])
        await keep(service.here, record(5), b"12345", ended_ns=5)
        assert await store.evict(set()) == 1
        assert ids(await store.page("me", None, 9)) == ["song-5", "song-4"]


async def test_without_limits_everything_is_kept(service: Service) -> None:
    await keep(service.here, record(), b"first")
    assert await service.here.store.evict(set()) == 0
