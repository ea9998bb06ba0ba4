"""Tests of songs that are deleted while other replicas read, store or follow them."""

import asyncio
from pathlib import Path

import pytest

from server.song import SongState
from server.store.base import Extent, LeaseLost, SongGone
from server.store.eviction import StoreLimits
from server.store.shared.object_store.objects import Objects, Seal
from server.store.shared.rebuilding import rebuild
from server.store.shared.service import SharedParts
from tests.support.store_kinds import LEASE_SECONDS, Replica, Service, shared
from tests.support.stored_songs import Writing, keep, making, record

pytestmark = pytest.mark.shared


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def ended_elsewhere(service: Service) -> None:
    """Let the lease of a song expire, then end the song as interrupted and delete it on the other replica."""
    await service.pass_time(LEASE_SECONDS + 1)
    claim = await service.there.directory.claim_lost()
    assert claim is not None
    await Writing.of(service.there, claim).end(SongState.FAILED, reason="INTERRUPTED")
    assert await service.there.store.delete("song-1")


async def test_objects_that_come_after_the_deletion_go_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealing, go_on, sealed = asyncio.Event(), asyncio.Event(), Objects.seal

    async def slow(objects: Objects, seal: Seal, *content: object) -> None:
        if int(seal.name.partition("-")[0]) == 1:
            sealing.set()
            await go_on.wait()
        await sealed(objects, seal, *content)  # type: ignore[arg-type]

    monkeypatch.setattr(Objects, "seal", slow)
    async with shared(tmp_path, StoreLimits(), 0) as service:
        writing = await making(service.here, record())
        await writing.sound(b"first")
        ending = asyncio.create_task(writing.end())
        await sealing.wait()
        await ended_elsewhere(service)
        go_on.set()
        with pytest.raises(LeaseLost):
            await ending
        assert await service.here.store.get("song-1") is None
        assert files(tmp_path) == []


async def test_a_deleted_song_is_not_taken_up_from_objects_that_were_read_before(
    parts: SharedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(Replica(parts.store, parts.directory), record(), b"first")
    objects: Objects = parts.store._objects
    read = objects.record

    async def read_then_delete(seal: Seal) -> tuple[bytes, int]:
        found = await read(seal)
        assert await parts.store.delete(seal.song_id)
        return found

    monkeypatch.setattr(objects, "record", read_then_delete)
    assert await rebuild(parts.connection, objects) == 0
    assert await parts.store.get("song-1") is None
    assert list(await parts.store.page("me", None, 9)) == []


async def test_who_follows_a_song_is_told_that_it_was_deleted_and_does_not_wait_for_it(tmp_path: Path) -> None:
    async with shared(tmp_path, StoreLimits(), 0) as service:
        writing = await making(service.here, record())
        news = service.there.directory.follow("song-1", Extent())
        assert (await anext(news)).song.state is SongState.QUEUED
        await writing.end()
        assert await service.here.store.delete("song-1")
        async with asyncio.timeout(LEASE_SECONDS / 2):
            with pytest.raises(SongGone):
                await anext(news)


async def test_nothing_but_the_id_is_left_in_the_directory_for_a_day(parts: SharedParts) -> None:
    client = parts.connection.client
    await keep(Replica(parts.store, parts.directory), record(caller="alice", prompt="whales"), b"first")
    before = await client.keys("*")
    assert b"m:song:song-1" in before
    await parts.store.delete("song-1")
    left = {key for key in await client.keys("*") if any(word in key for word in (b"song-1", b"alice", b"request-1"))}
    assert left == {b"m:deleted:song-1"}
    assert await client.get("m:deleted:song-1") == b""
    assert 86_000 < await client.ttl("m:deleted:song-1") <= 86_400
