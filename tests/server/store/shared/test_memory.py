"""Tests that a song directory with little free memory refuses new songs, so that running songs are not lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.store.base import StoreFull
from server.store.shared.memory import DirectoryMemory
from server.store.shared.service import SharedParts, shared_store
from server.store.watcher import Unwatched
from tests.support.servers import DirectoryServer
from tests.support.shared_stores import plan_for
from tests.support.store_kinds import Replica
from tests.support.stored_songs import claimed, making, record, ticket, waiting

pytestmark = pytest.mark.shared

LIMIT = 100 << 20


class Noting(Unwatched):
    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        self.told.append((used_bytes, limit_bytes))


def memory_of(parts: SharedParts) -> DirectoryMemory:
    return parts.directory._memory


async def test_new_songs_are_refused_from_80_percent_on_and_known_and_running_ones_go_on(
    own_server: Callable[..., DirectoryServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, noting = own_server("--maxmemory", str(LIMIT)), Noting()
    plan = plan_for(server.url, f"file://{tmp_path}/objects")
    async with shared_store(plan, watcher=noting) as parts, Redis.from_url(server.url) as admin:
        here = Replica(parts.store, parts.directory)
        writing = await making(here, record(1))
        await waiting(here, 2)
        await admin.setrange("filling", 85 << 20, "x")
        await memory_of(parts).look()
        used_bytes, limit_bytes = noting.told[-1]
        assert limit_bytes == LIMIT
        assert used_bytes > 0.8 * LIMIT
        with pytest.raises(StoreFull, match="maxmemory"):
            await parts.directory.admit(ticket(record(3), take=True))
        assert await parts.store.get("song-3") is None
        assert (await parts.directory.admit(ticket(record(4, request_id="request-1")))).song_id == "song-1"
        assert await claimed(here) == "song-2"
        await writing.sound(b"sound")
        await writing.end()
        await admin.delete("filling")
        await memory_of(parts).look()
        assert (await parts.directory.admit(ticket(record(3)))).new
        assert [one.levelname for one in caplog.records if "new songs" in one.message] == ["WARNING", "WARNING"]


async def test_a_directory_without_a_limit_never_runs_short(parts: SharedParts, client: Redis) -> None:
    await client.set("filling", bytes(1 << 20))
    await memory_of(parts).look()
    assert not memory_of(parts).short


async def test_a_user_who_may_not_look_is_not_told_and_refuses_nobody(
    own_server: Callable[..., DirectoryServer],
) -> None:
    server, noting = own_server("--maxmemory", str(LIMIT)), Noting()
    async with Redis.from_url(server.url) as admin:
        await admin.execute_command("ACL", "SETUSER", "songs", "on", "nopass", "~m:*", "&m:*", "+@all", "-@dangerous")
        await admin.setrange("m:filling", 85 << 20, "x")
    async with Redis.from_url(server.url, username="songs", password="any") as limited:
        memory = DirectoryMemory(limited, noting)
        await memory.look()
    assert (memory.short, noting.told) == (False, [])
