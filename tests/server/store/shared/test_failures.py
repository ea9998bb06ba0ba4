"""Tests of failures of the parts of a shared store, and of its replicas."""

import asyncio
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.child_process import child_environment
from server.song import SongState
from server.store.base import Extent, SongRecord, StoredEvent, StoreFailed, StoreFull, Whole, WrongOffset
from server.store.shared.addresses import ObjectsAddress
from server.store.shared.object_store.errors import ObjectsAway
from server.store.shared.object_store.objects import Objects, Seal, open_objects
from server.store.shared.service import SharedParts, shared_store
from tests.support import other_replica
from tests.support.servers import DirectoryServer, directory_server
from tests.support.shared_stores import empty_directory, plan_for
from tests.support.store_kinds import replica_of
from tests.support.stored_songs import Writing, making, record, ticket

pytestmark = pytest.mark.shared


async def elsewhere(folder: Path, work: str, name: str) -> Process:
    """Start another process of the same service, which runs the function `work` of other_replica.py ("admit" or
    "write") with the name `name`.
    """
    command = ("-m", other_replica.__name__, directory_server().url, str(folder), work, name)
    return await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, env=child_environment())


async def said(process: Process) -> list[bytes]:
    assert process.stdout is not None
    return (await process.stdout.readline()).split()


async def test_four_processes_at_once_let_no_more_songs_in_than_the_quota(client: Redis, tmp_path: Path) -> None:
    songs_per_minute = other_replica.QUOTA.songs_per_minute
    assert songs_per_minute is not None
    started = time.monotonic()
    processes = [await elsewhere(tmp_path, "admit", name) for name in "abcd"]
    admitted = [int((await process.communicate())[0]) for process in processes]
    minutes = (time.monotonic() - started) / 60.0  # on a slow machine the quota fills up again meanwhile
    assert songs_per_minute <= sum(admitted) <= songs_per_minute * (1.0 + minutes)
    assert await client.zcard("m:service") == sum(admitted)


async def test_a_maker_that_was_frozen_beyond_its_lease_is_refused(parts: SharedParts, tmp_path: Path) -> None:
    frozen = await elsewhere(tmp_path / "objects", "write", "song-1")
    assert (await said(frozen))[0] == b"written"
    os.kill(frozen.pid, signal.SIGSTOP)
    while (claim := await parts.directory.claim_lost()) is None:
        await asyncio.sleep(0.02)
    assert claim.lease.epoch == 2
    os.kill(frozen.pid, signal.SIGCONT)
    while (words := await said(frozen))[0] != b"refused":
        pass
    assert int(words[1]) == claim.extent.size_bytes
    assert await frozen.wait() == 0
    loaded = await parts.store.load("song-1")
    assert loaded is not None
    assert len(loaded[1]) == claim.extent.events


async def test_a_request_id_that_two_replicas_race_for_gives_one_song(parts: SharedParts, tmp_path: Path) -> None:
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="there") as there:
        asks = [
            one.directory.admit(ticket(record(number, request_id="same")))
            for number, one in enumerate((parts, there) * 10)
        ]
        answers = await asyncio.gather(*asks)
    assert sum(answer.new for answer in answers) == 1
    assert len({answer.song_id for answer in answers}) == 1


async def test_a_maker_that_has_its_song_seals_it_without_reading_it_back(
    parts: SharedParts, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(parts.store._reader, "whole", none)
    writing = await making(replica_of(parts), record())
    await writing.sound(b"sound")
    whole = Whole([StoredEvent(b"chunk", 5)], b"sound")
    song = replace(writing.song, state=SongState.COMPLETED, ended_ns=1)
    await parts.store.end(song, lease=writing.claim.lease, at=writing.at, whole=lambda: whole)
    await client.delete("m:sound:song-1", "m:events:song-1")
    assert await parts.store.read("song-1", 0, 10) == b"sound"


async def test_a_directory_that_is_killed_and_comes_back_costs_nothing_that_the_maker_still_has(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server = own_server("--appendfsync", "everysec")
    plan = plan_for(server.url, f"file://{tmp_path}/objects", outage_seconds=10.0)
    async with shared_store(plan, replica="here") as parts:
        writing = await making(replica_of(parts), record())
        sound = bytes(range(256)) * 40
        back: asyncio.Task[None] | None = None
        while writing.at.size_bytes < len(sound):
            chunk = sound[writing.at.size_bytes :][:256]
            try:
                await writing.sound(chunk)
            except WrongOffset as refused:  # its answer was lost, or so was what had been written
                writing.at = refused.extent
            if back is None and writing.at.size_bytes > 2000:
                server.kill()
                back = asyncio.create_task(asyncio.to_thread(server.start))
        assert back is not None
        await back
        song = await writing.end()
        assert await parts.store.read("song-1", 0, 1 << 20) == sound
        assert await parts.store.get("song-1") == song


async def test_a_directory_that_stays_away_fails_calls_and_is_used_again_when_it_is_back(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server = own_server()
    async with shared_store(plan_for(server.url, f"file://{tmp_path}/o", outage_seconds=0.2)) as parts:
        writing = await making(replica_of(parts), record())
        server.kill()
        with pytest.raises(StoreFailed, match="cannot be reached"):
            await writing.sound(b"first")
        assert parts.connection.away_seconds > 0.2
        server.start()
        await writing.sound(b"first")
        assert parts.connection.away_seconds == 0


async def test_songs_whose_leases_ran_out_while_the_directory_was_away_are_left_to_their_makers(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server = own_server()
    plan = plan_for(server.url, f"file://{tmp_path}/o", lease_seconds=0.5)
    async with shared_store(plan, replica="here") as here, shared_store(plan, replica="there") as there:
        writing = await making(replica_of(there), record())
        server.kill()
        asked = asyncio.create_task(here.directory.queue())
        while here.connection.away_seconds < plan.lease_seconds:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.start)
        await asked
        assert await here.directory.claim_lost() is None
        assert (await there.directory.renew([writing.claim.lease]))["song-1"].held
        while (claim := await here.directory.claim_lost()) is None:  # nobody renews any more
            await asyncio.sleep(0.02)
        assert claim.lease.epoch == 2


async def test_a_song_that_was_lost_is_waited_for_until_its_maker_has_put_it_back(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server = own_server()
    plan = plan_for(server.url, f"file://{tmp_path}/o", lease_seconds=1.0)
    async with shared_store(plan, replica="here") as here, shared_store(plan, replica="there") as there:
        writing = await making(replica_of(there), record())
        server.kill()
        asked = asyncio.create_task(here.directory.queue())
        while not here.connection.away_seconds:
            await asyncio.sleep(0.01)
        shutil.rmtree(server.folder / "appendonlydir")
        await asyncio.to_thread(server.start)
        await asked
        found = [asyncio.create_task(ask("song-1")) for ask in (here.store.get, here.store.load)]
        await asyncio.sleep(0.2)
        assert not any(one.done() for one in found)
        assert (await there.directory.renew([writing.claim.lease]))["song-1"].held
        assert all(await asyncio.gather(*found))
        assert await here.store.get("song-2") is None
        assert here.connection.steady_seconds >= plan.lease_seconds
        assert await here.store.load("song-2") is None


async def fill(writing: Writing) -> None:
    for _ in range(20):
        await writing.sound(bytes(1 << 19))


async def test_a_full_directory_takes_no_sound_and_no_songs_but_ends_them(
    own_server: Callable[..., DirectoryServer], tmp_path: Path
) -> None:
    server = own_server("--maxmemory", "4mb")
    async with shared_store(plan_for(server.url, f"file://{tmp_path}/o"), replica="here") as parts:
        writing = await making(replica_of(parts), record())
        with pytest.raises(StoreFull):
            await fill(writing)
        with pytest.raises(StoreFull):
            await parts.directory.admit(ticket(record(2)))
        size_bytes = writing.at.size_bytes
        await writing.end(SongState.FAILED)
        assert await parts.store.read("song-1", 0, 1 << 24) == bytes(size_bytes)


class FlakyObjects(Objects):
    """An object store that a test can make unreachable."""

    away = True
    tried = 0

    async def seal(self, seal: Seal, song: SongRecord, events: list[bytes], sound: bytes) -> None:
        self.tried += 1
        if self.away:
            raise ObjectsAway(OSError("unplugged"))
        await super().seal(seal, song, events, sound)


async def test_a_song_ends_when_its_objects_are_back_and_stays_as_it_was_until_then(
    client: Redis, tmp_path: Path
) -> None:
    store = open_objects(ObjectsAddress.parse(f"file://{tmp_path}/objects"))
    objects = FlakyObjects(store._store)
    async with shared_store(plan_for(), objects=objects) as parts:
        writing = await making(replica_of(parts), record())
        await writing.sound(b"first")
        ending = asyncio.create_task(writing.end())
        while objects.tried < 2:
            await asyncio.sleep(0.01)
        song = await parts.store.get("song-1")
        assert song is not None
        assert song.state is SongState.RUNNING
        assert await parts.store.read("song-1", 0, 9) == b"first"
        objects.away = False
        assert await ending == await parts.store.get("song-1")
        assert await parts.store.read("song-1", 0, 9) == b"first"


async def test_what_ended_is_read_from_objects_once_it_has_left_the_directory(
    parts: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record())
    await writing.append([StoredEvent(b"plan")])
    await writing.sound(b"first")
    song = await writing.end()
    assert 0 < await client.ttl("m:sound:song-1") <= 60
    await client.delete("m:sound:song-1", "m:events:song-1")
    events = [StoredEvent(b"plan"), StoredEvent(b"chunk", 5)]
    assert await parts.store.load("song-1") == (song, events)
    assert await parts.store.read("song-1", 1, 3) == b"irs"
    news = [one async for one in parts.directory.follow("song-1", Extent(2, 1))]
    assert [(one.song, one.events, one.sound) for one in news] == [(song, events[1:], b"rst")]


async def test_a_lost_directory_is_filled_from_the_objects(parts: SharedParts, client: Redis, tmp_path: Path) -> None:
    writing = await making(replica_of(parts), record(1))
    await writing.sound(b"first")
    song = await writing.end()
    empty = await (await making(replica_of(parts), record(2))).end(SongState.CANCELLED)
    await making(replica_of(parts), record(3))
    async with empty_directory():
        pass
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="new") as new:
        assert await new.store.page("me", None, 9) == [empty, song]
        assert await new.store.find("me", "request-1") == song
        assert await new.store.load("song-1") == (song, [StoredEvent(b"chunk", 5)])
        assert await new.store.read("song-1", 0, 9) == b"first"
        assert new.store.usage().songs == 2
        again = await new.directory.admit(ticket(record(4, request_id="request-1")))
        assert (again.new, again.song_id) == (False, "song-1")


async def test_news_come_after_the_connection_for_messages_was_cut(parts: SharedParts, client: Redis) -> None:
    writing = await making(replica_of(parts), record())
    follower = parts.directory.follow("song-1", Extent())
    assert (await anext(follower)).sound == b""
    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    more = asyncio.ensure_future(anext(follower))
    await writing.sound(b"first")
    assert (await more).sound == b"first"
    await follower.aclose()
