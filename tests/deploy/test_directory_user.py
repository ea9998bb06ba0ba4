"""Tests of the song directory as deploy/valkey starts it: its only user has exactly the rights that the store needs."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, StoredEvent
from server.store.directory import Attendance
from server.store.shared.addresses import DirectoryAddress, ObjectsAddress
from server.store.shared.connection import DirectoryAccess
from server.store.shared.inspection import VERSION_KEY
from server.store.shared.service import SharedStorePlan, shared_store
from server.store.shared.unusable import SharedStoreUnusable
from tests.support.servers import answers, free_port, program, started
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record, taken, ticket

pytestmark = pytest.mark.shared

VALKEY = Path(__file__).resolve().parents[2] / "deploy" / "valkey"
PASSWORD = "open sesame"
QUOTA = Quota(songs_per_minute=60, concurrent_songs=50, audio_seconds_per_hour=3600)


@dataclass(frozen=True)
class Directory:
    """The port of a song directory, and the file of its password."""

    port: int
    password_file: Path

    def plan(self, password_file: Path | None = None) -> SharedStorePlan:
        address = DirectoryAddress.parse(f"valkey://melisma@127.0.0.1:{self.port}")
        access = DirectoryAccess(address, password_file or self.password_file)
        return SharedStorePlan(access, ObjectsAddress.parse("memory://"), outage_seconds=1.0)


def prepared(folder: Path, port: int) -> list[str]:
    """Write the configuration of deploy/valkey to `folder`, with the paths and the port of this test, and return the
    command that starts a server with it by start.sh.
    """
    (folder / "valkey-server").symlink_to(program("valkey-server", "redis-server"))
    (folder / "password").write_text(f"{PASSWORD}\n", "utf-8")
    text = (VALKEY / "valkey.conf").read_text("utf-8")
    for of_the_container, ours in (("bind * -::*", "bind 127.0.0.1"), ("6379", str(port)), ("/data", str(folder))):
        assert text.count(of_the_container) == 1
        text = text.replace(of_the_container, ours)
    (folder / "valkey.conf").write_text(text, "utf-8")
    own = {"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    files = (VALKEY / "start.sh", folder / "password", folder / "valkey.conf")
    return ["env", *(f"{name}={value}" for name, value in own.items()), *map(str, files)]


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Context manager in which the server that `command` starts runs on `port`; it is killed at the end."""
    process = started(command, lambda: answers(port))
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    folder, port = tmp_path_factory.mktemp("directory"), free_port()
    with running(prepared(folder, port), port):
        yield Directory(port, folder / "password")


@pytest.fixture
async def user(directory: Directory) -> AsyncIterator[Redis]:
    async with Redis(port=directory.port, username="melisma", password=PASSWORD) as client:
        yield client


async def test_the_user_may_do_all_that_a_store_does(
    directory: Directory, user: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with shared_store(directory.plan(), replica="a") as parts:
        replica = Replica(parts.store, parts.directory)
        await parts.directory.announce([], 5.0)
        assert await parts.directory.engines() == {}
        song = await making(replica, record(1), quota=QUOTA, sound_seconds=10.0)
        await song.append([StoredEvent(b"chunk", 5)], b"sound")
        await parts.directory.attend([Attendance("song-1", 3, 5.0)])
        standing = (await parts.directory.renew([song.claim.lease]))["song-1"]
        assert (standing.held, standing.attended) == (True, True)
        await song.end()
        await parts.directory.settle(song.claim.lease, SongState.COMPLETED, 10.0)
        news = [one async for one in parts.directory.follow("song-1", Extent())]
        assert b"".join(one.sound for one in news) == b"sound"
        assert [one.song_id for one in await parts.store.page("me", None, 10)] == ["song-1"]

        given_up = await taken(replica, record(2), quota=QUOTA)
        await parts.directory.release(given_up.lease)
        assert (await parts.directory.claim({"fake": ""})) is not None
        await parts.directory.admit(ticket(record(3)))
        assert (await parts.directory.cancel("song-3")) is not None
        assert await parts.directory.claim_lost() is None
        assert len((await parts.directory.queue()).waiting) == 0
        assert await parts.store.evict(()) == 0
        await parts.directory.wait(0.01)
    assert await user.get(VERSION_KEY) == b"1"
    hidden = "does not let the server read its settings"
    assert [line.message for line in caplog.records if hidden in line.message] == []


async def test_the_user_reaches_no_keys_channels_or_settings_of_others(user: Redis) -> None:
    for forbidden in (
        user.get("of-others"),
        user.set("of-others", 1),
        user.publish("of-others", ""),
        user.config_set("maxmemory-policy", "allkeys-lru"),
        user.flushall(),
        user.keys("*"),
    ):
        with pytest.raises(NoPermissionError):
            await forbidden
    with pytest.raises(ResponseError, match="can't access at least one of the keys"):
        await user.eval("return redis.call('GET', 'of-others')", 0)


async def test_nobody_else_is_let_in(directory: Directory, tmp_path: Path) -> None:
    async with Redis(port=directory.port, retry=Retry(NoBackoff(), 0)) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.get(VERSION_KEY)
    wrong = tmp_path / "password"
    wrong.write_text("guess", "utf-8")
    with pytest.raises(SharedStoreUnusable, match="refuses the login of this server"):
        async with shared_store(directory.plan(wrong)):
            pytest.fail("it was let in")


async def test_the_directory_keeps_what_it_is_given(user: Redis) -> None:
    told = await user.info()
    assert told["maxmemory_policy"] == "noeviction"
    assert told["maxmemory"] == 1 << 30
    assert told["aof_enabled"] == 1


async def test_a_killed_directory_has_its_songs_when_it_starts_again(tmp_path: Path) -> None:
    """The server has to repeat the writes of Lua scripts from its append-only file, and does so with the rights of the
    default user, which nobody can log in as.
    """
    port = free_port()
    command, directory = prepared(tmp_path, port), Directory(port, tmp_path / "password")
    with running(command, port):
        async with shared_store(directory.plan(), replica="a") as parts:
            await taken(Replica(parts.store, parts.directory), record(1))
    with running(command, port):
        async with shared_store(directory.plan(), replica="b") as parts:
            assert await parts.store.get("song-1") is not None
