"""Tests that every kind of song store has to pass: songs, their events and their sound are stored, read and ended."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from model.song import Violation
from server.song import SongState
from server.store.base import Cursor, Extent, Lease, LeaseLost, SongRecord, StoredEvent, StoreFailed, StoreUsage, Whole
from tests.support.store_kinds import HERE, OpenService, Service
from tests.support.stored_songs import ids, keep, making, record, taken, ticket

NOTHING = Extent()
STRANGER = Lease("song-1", HERE, 1, "another nonce")


async def test_a_new_song_is_there_without_sound(service: Service) -> None:
    claim = await taken(service.here, record())
    await service.here.store.create(record(), claim.lease)
    for store in (service.here.store, service.there.store):
        song = await store.get("song-1")
        assert song == replace(record(), owner=HERE, epoch=1) == claim.song
        assert await store.load("song-1") == (song, [])
        assert await store.read("song-1", 0, 100) == b""
        assert store.usage() == StoreUsage(1, 0)


async def test_every_field_of_a_record_is_kept(service: Service) -> None:
    song = SongRecord(
        song_id="song-1",
        caller="mé",
        request_id="request",
        fingerprint="ab" * 32,
        engine="fake",
        prompt='春天, it\'s "spring"',
        seed=2**32 - 1,
        created_ns=1_900_000_000_000_000_001,
        state=SongState.FAILED,
        ended_ns=1_900_000_000_000_000_002,
        duration_seconds=12.5,
        size_bytes=0,
        sha256="cd" * 32,
        reason="WORKER_LOST",
        violations=(Violation("lyrics", "唱不了"), Violation("key", "is no key")),
        error="it went away",
        format="mp3",
        owner=HERE,
        epoch=1,
    )
    claim = await taken(service.here, record())
    await service.here.store.create(record(), claim.lease)
    await service.here.store.end(song, lease=claim.lease, at=NOTHING)
    assert await service.there.store.get("song-1") == song


async def test_owner_and_epoch_of_a_song_are_those_of_its_lease_whatever_its_record_says(service: Service) -> None:
    writing = await making(service.here, record())
    writing.song = replace(record(), owner="somebody else", epoch=7)
    await writing.sound(b"first")
    song = await service.here.store.get("song-1")
    assert song is not None
    assert (song.owner, song.epoch) == (HERE, 1)
    writing.song = replace(writing.song, owner="somebody else", epoch=7)
    assert await writing.end() == await service.here.store.get("song-1")


async def test_events_and_sound_come_back_as_they_were_added(service: Service) -> None:
    events = [StoredEvent(b"plan\0"), StoredEvent(b"", 5), StoredEvent(bytes(range(256)), 11), StoredEvent(b"end")]
    writing, store = await making(service.here, record()), service.there.store
    await writing.append(events[:1], duration_seconds=3.0)
    song = replace(record(), state=SongState.RUNNING, duration_seconds=3.0, owner=HERE, epoch=1)
    assert await store.get("song-1") == song
    await writing.append(events[1:3], b"firstsecond")
    await writing.append(events[3:])
    assert await store.load("song-1") == (replace(song, size_bytes=11), events)
    assert await store.read("song-1", 0, 100) == b"firstsecond"
    assert store.usage() == StoreUsage(1, 11)


@pytest.mark.parametrize("settled", [False, True])
async def test_a_song_that_has_ended_stays_as_it_ended(service: Service, settled: bool) -> None:
    writing, store = await making(service.here, record()), service.here.store
    for sound in (b"first", b"second"):
        await writing.sound(sound)
    song = await writing.end(settle=settled)
    for again in (song, replace(song, state=SongState.FAILED)):
        await store.end(again, lease=writing.claim.lease, at=writing.at)
    with pytest.raises(LeaseLost):
        await writing.sound(b"more")
    assert (song.state, song.size_bytes) == (SongState.COMPLETED, 11)
    assert await store.load("song-1") == (song, [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)])
    assert await store.read("song-1", 0, 100) == b"firstsecond"
    assert store.usage() == StoreUsage(1, 11)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("offset", "size", "sound"),
    [(0, 11, b"firstsecond"), (3, 5, b"stsec"), (9, 100, b"nd"), (11, 1, b""), (50, 1, b""), (4, 0, b"")],
)
async def test_sound_is_read_from_any_byte_on(
    service: Service, offset: int, size: int, sound: bytes, ended: bool
) -> None:
    writing = await making(service.here, record())
    for chunk in (b"first", b"second"):
        await writing.sound(chunk)
    if ended:
        await writing.end()
    assert await service.there.store.read("song-1", offset, size) == sound


async def test_songs_do_not_mix(service: Service) -> None:
    sounds = {number: bytes([number]) * 100_000 for number in (1, 2, 3)}
    await asyncio.gather(*(keep(service.here, record(number), sound) for number, sound in sounds.items()))
    for number, sound in sounds.items():
        assert await service.there.store.read(f"song-{number}", 0, 1 << 20) == sound
    assert service.here.store.usage() == StoreUsage(3, 300_000)


async def test_calls_take_effect_in_the_order_in_which_they_are_made(service: Service) -> None:
    claim, store = await taken(service.here, record()), service.here.store
    first, second = (replace(claim.song, size_bytes=size, state=SongState.RUNNING) for size in (5, 11))
    ended = replace(second, state=SongState.COMPLETED, ended_ns=1)
    _, _, between, _, _, after = await asyncio.gather(
        store.create(record(), claim.lease),
        store.append(first, [StoredEvent(b"one", 5)], b"first", lease=claim.lease, at=NOTHING),
        store.load("song-1"),
        store.append(second, [StoredEvent(b"two", 11)], b"second", lease=claim.lease, at=Extent(5, 1)),
        store.end(ended, lease=claim.lease, at=Extent(11, 2)),
        store.load("song-1"),
    )
    assert between == (first, [StoredEvent(b"one", 5)])
    assert after == (ended, [StoredEvent(b"one", 5), StoredEvent(b"two", 11)])


async def test_a_song_that_is_not_there_is_told_and_cannot_be_changed(service: Service) -> None:
    await keep(service.here, record(2), b"other")
    store = service.here.store
    assert await store.get("song-1") is None
    assert await store.load("song-1") is None
    assert await store.find("me", "request-1") is None
    song = replace(record(), size_bytes=5)
    with pytest.raises(StoreFailed):
        await store.read("song-1", 0, 1)
    for call in (
        store.create(record(), STRANGER),
        store.append(song, [StoredEvent(b"chunk", 5)], b"first", lease=STRANGER, at=NOTHING),
        store.end(replace(song, state=SongState.COMPLETED, ended_ns=1), lease=STRANGER, at=NOTHING),
    ):
        with pytest.raises(LeaseLost):
            await call
    assert await store.get("song-1") is None
    assert store.usage() == StoreUsage(1, 5)


async def test_a_song_that_is_there_is_not_created_again(service: Service) -> None:
    writing = await making(service.here, record())
    await writing.sound(b"first")
    before = await service.here.store.load("song-1")
    await service.here.store.create(replace(record(), prompt="another"), writing.claim.lease)
    assert await service.here.store.load("song-1") == before
    assert service.here.store.usage() == StoreUsage(1, 5)


async def test_songs_are_paged_newest_first_for_their_caller(service: Service) -> None:
    for number in range(1, 6):
        await making(service.here, record(number, "me" if number != 3 else "other"))
    store = service.there.store
    first = await store.page("me", None, 2)
    assert ids(first) == ["song-5", "song-4"]
    rest = await store.page("me", Cursor(4, "song-4"), 10)
    assert ids(rest) == ["song-2", "song-1"]
    assert ids(await store.page("other", None, 10)) == ["song-3"]
    assert list(await store.page("nobody", None, 10)) == []
    assert list(await store.page("me", Cursor(1, "song-1"), 10)) == []


async def test_songs_of_one_moment_are_paged_by_their_names(service: Service) -> None:
    for number in (2, 1, 3):
        await making(service.here, record(number, created_ns=9))
    assert ids(await service.here.store.page("me", None, 10)) == ["song-3", "song-2", "song-1"]
    assert ids(await service.here.store.page("me", Cursor(9, "song-2"), 10)) == ["song-1"]


async def test_a_page_begins_behind_its_place_whether_or_not_that_song_is_still_there(
    open_service: OpenService,
) -> None:
    async with open_service(max_bytes=0) as service:
        for number in (1, 2, 3):
            await keep(service.here, record(number), b"sound")
        assert await service.here.store.evict({"song-1", "song-3"}) == 1
        assert ids(await service.here.store.page("me", Cursor(2, "song-2"), 10)) == ["song-1"]


@pytest.mark.parametrize("state", [SongState.FAILED, SongState.CANCELLED, SongState.COMPLETED])
async def test_the_newest_song_of_a_request_is_found_however_it_has_ended(service: Service, state: SongState) -> None:
    first = await making(service.here, record(1))
    await first.end(SongState.FAILED, reason="WORKER_LOST")
    second = await making(service.here, record(2, request_id="request-1"))
    await making(service.here, record(3))
    found = await service.there.store.find("me", "request-1")
    assert found is not None
    assert (found.song_id, found.state) == ("song-2", SongState.QUEUED)
    assert await service.there.store.find("other", "request-1") is None
    ended = await second.end(state)
    assert await service.there.store.find("me", "request-1") == ended


async def test_a_song_is_ended_with_what_its_maker_still_has_of_it(service: Service) -> None:
    events = [StoredEvent(b"plan"), StoredEvent(b"chunk", 5)]
    writing, store = await making(service.here, record()), service.here.store
    await writing.append(events, b"first")
    song = replace(writing.song, state=SongState.COMPLETED, ended_ns=1)
    await store.end(song, lease=writing.claim.lease, at=writing.at, whole=lambda: Whole(events, b"first"))
    loaded = await service.there.store.load("song-1")
    assert loaded is not None
    assert (loaded[0].state, loaded[1]) == (SongState.COMPLETED, events)
    assert await service.there.store.read("song-1", 0, 10) == b"first"


async def test_a_closed_store_refuses_every_call(open_service: OpenService) -> None:
    async with open_service() as service:
        await keep(service.here, record(1), b"first")
        claim = await taken(service.here, record(2))
    store = service.here.store
    calls: list[Coroutine[Any, Any, object]] = [
        store.create(record(2), claim.lease),
        store.append(record(2), [], b"", lease=claim.lease, at=NOTHING),
        store.end(record(2), lease=claim.lease, at=NOTHING),
        store.get("song-1"),
        store.find("me", "request-1"),
        store.page("me", None, 1),
        store.load("song-1"),
        store.read("song-1", 0, 1),
        store.evict(set()),
        store.delete("song-1"),
        service.here.directory.admit(ticket(record(3))),
    ]
    for call in calls:
        with pytest.raises(StoreFailed, match="closed"):
            await call
