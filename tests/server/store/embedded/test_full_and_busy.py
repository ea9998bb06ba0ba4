"""Tests of the embedded store with full disks, other programs, long deletions and wrong clocks."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server.store.base import StoredEvent, StoreFull
from server.store.embedded.opened_folder import BATCH_SONGS
from tests.support.embedded_folders import DATABASE, NOW_NS, fill, kept, opened, small_disk, store_of
from tests.support.stored_songs import HOUR_NS, keep, making, record, taken


@contextmanager
def no_room_for_files() -> Iterator[None]:
    """Context manager in which no file of this process can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_sound_without_room_is_refused_as_such_and_the_store_goes_on_afterwards(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        store = store_of(server)
        writing = await making(server, record())
        with no_room_for_files(), pytest.raises(StoreFull):
            await writing.sound(b"sound")
        trouble = store.trouble
        await writing.sound(b"sound")
        await writing.end()
        assert (trouble is None, store.trouble) == (False, None)
        assert await store.read("song-1", 0, 9) == b"sound"


@asynccontextmanager
async def locked_by_another(folder: Path) -> AsyncIterator[None]:
    """Context manager in which another connection holds the write lock of the database."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_readers_do_not_wait_for_a_writer_that_waits_for_another_program(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        song = await keep(server, record(1), b"first")
        writing = await making(server, record(2))
        async with locked_by_another(tmp_path):
            append = asyncio.create_task(writing.sound(b"sound"))
            await asyncio.sleep(0.05)
            assert await server.store.find("me", "request-1") == await server.store.get("song-1") == song
            assert len(await server.store.page("me", None, 9)) == 2
            assert await server.store.read("song-1", 0, 9) == b"first"
            assert not append.done()
        await append


async def test_cleaning_goes_in_batches_between_which_others_write_and_read(tmp_path: Path) -> None:
    count = 6 * BATCH_SONGS
    async with opened(tmp_path, max_songs=2) as server:
        for number in range(1, count + 1):
            await keep(server, record(number), b"", ended_ns=NOW_NS)
        writing = await making(server, record(count + 1))
        cleaning = asyncio.create_task(server.store.evict({"song-3"}))
        while server.store.usage().songs > count - BATCH_SONGS:
            await asyncio.sleep(0)
        await writing.sound(b"sound")
        page = await server.store.page("me", None, 1)
        assert not cleaning.done()
        assert page[0].song_id == f"song-{count + 1}"
        assert await cleaning == count - 1
        assert {song.song_id for song in await server.store.page("me", None, 9)} == {"song-3", f"song-{count + 1}"}


async def test_events_have_a_limit_of_their_own(tmp_path: Path) -> None:
    async with opened(tmp_path, max_event_bytes=250) as server:
        for number in (1, 2, 3):
            writing = await making(server, record(number))
            await writing.append([StoredEvent(bytes(100))])
            await writing.end(ended_ns=NOW_NS + number)
        assert await server.store.evict(set()) == 1
        assert await server.store.get("song-1") is None


async def test_a_clock_that_is_wrong_at_the_start_deletes_nothing_and_is_doubted_after_a_restart(
    tmp_path: Path,
) -> None:
    await kept(tmp_path, 3)
    for later_hours in (0.0, 720.0, 720.0, 721.0):
        async with opened(tmp_path, now_ns=NOW_NS + round(later_hours * HOUR_NS), max_age_hours=168.0) as server:
            assert await server.store.evict(set()) == 0


async def test_a_song_that_ended_without_sound_has_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        claim = await taken(server, record())
        await server.store.create(record(), claim.lease)
        assert await server.store.read("song-1", 0, 9) == b""
        await server.store.end(replace(record(), ended_ns=1), lease=claim.lease, at=claim.extent)
        assert await server.store.read("song-1", 0, 9) == b""
    assert not list(tmp_path.glob("*.mp3"))


async def test_a_server_starts_on_a_full_disk_cleans_up_and_keeps_songs_again(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        async with opened(tmp_path) as server:
            for number, size_bytes in ((1, 400_000), (2, 1000)):
                await keep(server, record(number), bytes(size_bytes), ended_ns=NOW_NS + number)
            await (await making(server, record(3))).sound(b"sound")
        fill(tmp_path)
        async with opened(tmp_path, max_songs=2) as server:
            assert await server.store.read("song-2", 0, 5) == bytes(5)
            assert [song.song_id for song in await server.store.page("me", None, 9)] == ["song-3", "song-2", "song-1"]
            with pytest.raises(StoreFull):
                await (await making(server, record(4))).sound(bytes(1000))
            assert await server.store.evict(set()) == 1
            song = await keep(server, record(5), b"sound")
            assert await server.store.get("song-5") == song
            interrupted = await server.store.get("song-3")
            assert interrupted is not None
            assert interrupted.reason == "INTERRUPTED"
