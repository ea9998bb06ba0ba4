"""Tests of a song directory whose primary dies: the sentinels promote a replica, and songs continue there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from server.store.base import WrongOffset
from server.store.shared.addresses import DirectoryAddress
from server.store.shared.connection import DirectoryAccess
from server.store.shared.service import SharedStorePlan, shared_store
from tests.support.servers import DirectoryServer, answers, eventually, free_port, program, started
from tests.support.shared_stores import plan_for
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record

pytestmark = pytest.mark.outage


@pytest.fixture
def primary() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


@pytest.fixture
def sentinel(primary: DirectoryServer, tmp_path: Path) -> Iterator[int]:
    """Fixture: the port of a sentinel that watches the primary and a replica of it."""
    replica = DirectoryServer("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
    # A sentinel that starts before the replica is known to the primary learns of it ten seconds later.
    with Redis.from_url(primary.url) as client:
        eventually(lambda: "slave0" in client.info("replication"))
    port, config = free_port(), tmp_path / "sentinel.conf"
    lines = (f"monitor songs 127.0.0.1 {primary.port} 1", "down-after-milliseconds songs 500")
    config.write_text("".join(f"sentinel {line}\n" for line in lines) + f"port {port}\nbind 127.0.0.1\n")
    command = [program("valkey-server", "redis-server"), str(config), "--sentinel"]
    process = started(command, lambda: answers(port))
    yield port
    process.kill()
    process.wait()
    replica.remove()


async def test_a_song_goes_on_at_the_new_primary(primary: DirectoryServer, sentinel: int, tmp_path: Path) -> None:
    address = DirectoryAddress((("127.0.0.1", sentinel),), service="songs")
    plan = SharedStorePlan(DirectoryAccess(address), plan_for("redis://x", f"file://{tmp_path}/o").objects)
    async with shared_store(plan, replica="here") as parts:
        writing = await making(Replica(parts.store, parts.directory), record())
        await writing.sound(b"first")
        while await parts.connection.client.wait(1, 100) < 1:
            pass
        primary.kill()
        try:
            await writing.sound(b"second")
        except WrongOffset as refused:  # the answer was lost
            writing.at = refused.extent
        await writing.end()
        assert await parts.store.read("song-1", 0, 99) == b"firstsecond"
