"""Tests that every store refuses writes without a valid lease, so that no two replicas write one song."""

from dataclasses import replace
from typing import Any

import pytest

from server.song import SongState
from server.store.base import Extent, LeaseLost, StoredEvent, WrongOffset
from tests.support.store_kinds import Service
from tests.support.stored_songs import making, record

NOTHING = Extent()


@pytest.mark.parametrize("at", [NOTHING, Extent(5, 0), Extent(0, 1), Extent(6, 1), Extent(5, 2), Extent(4, 1)])
async def test_a_wrong_offset_is_refused_and_answered_with_the_right_one(service: Service, at: Extent) -> None:
    writing, store = await making(service.here, record()), service.here.store
    await writing.sound(b"first")
    before = await store.load("song-1")
    for call in (
        store.append(writing.song, [StoredEvent(b"chunk", 9)], b"more", lease=writing.claim.lease, at=at),
        store.end(replace(writing.song, state=SongState.COMPLETED), lease=writing.claim.lease, at=at),
    ):
        with pytest.raises(WrongOffset) as refusal:
            await call
        assert refusal.value.extent == Extent(5, 1)
    assert await store.load("song-1") == before
    assert await store.read("song-1", 0, 100) == b"first"
    await writing.sound(b"second")
    assert (await writing.end()).size_bytes == 11


@pytest.mark.parametrize(
    "changes", [{"epoch": 2}, {"epoch": 0}, {"nonce": "another"}, {"replica": "there"}], ids=lambda one: str(*one)
)
async def test_a_lease_that_is_not_the_songs_own_is_refused(service: Service, changes: dict[str, Any]) -> None:
    writing, store = await making(service.here, record()), service.here.store
    await writing.sound(b"first")
    before = await store.load("song-1")
    lease = replace(writing.claim.lease, **changes)
    for call in (
        store.create(record(), lease),
        store.append(writing.song, [StoredEvent(b"chunk", 9)], b"more", lease=lease, at=writing.at),
        store.end(replace(writing.song, state=SongState.COMPLETED), lease=lease, at=writing.at),
    ):
        with pytest.raises(LeaseLost):
            await call
    assert await store.load("song-1") == before
    assert await store.read("song-1", 0, 100) == b"first"
