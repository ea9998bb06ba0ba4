import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server.store.base import Place, SongRecord, SongState, StoredEvent, StoreFailed, Usage
from server.store.embedded.files import StoreUnusable
from server.store.embedded.store import EmbeddedStore, StoreLimits, embedded_store
from server.store.embedded.table import SCHEMA_VERSION

HOUR_NS = 3600 * 1_000_000_000


def record(number: int = 1, caller: str = "me") -> SongRecord:
    return SongRecord(
        song_id=f"song-{number}",
        caller=caller,
        request_id=f"request-{number}",
        fingerprint="print",
        engine="fake",
        prompt="x",
        seed=number,
        created_ns=number,
    )


@asynccontextmanager
async def opened(folder: Path, now_ns: int = 0, **limits: float) -> AsyncIterator[EmbeddedStore]:
    async with embedded_store(folder, StoreLimits(**limits), lambda: now_ns) as store:  # type: ignore[arg-type]
        yield store


async def keep(store: EmbeddedStore, song: SongRecord, *sounds: bytes, ended_ns: int = 1) -> SongRecord:
    """Keep a whole song."""
    await store.create(song)
    for sound in sounds:
        song = replace(song, size_bytes=song.size_bytes + len(sound))
        await store.append(song, [StoredEvent(b"chunk", song.size_bytes)], sound)
    song = replace(song, state=SongState.COMPLETED, ended_ns=ended_ns)
    await store.end(song)
    return song


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        song = await keep(store, record(), b"first", b"second")
    async with opened(tmp_path) as store:
        assert await store.load("song-1") == (song, [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)])
        assert await store.read("song-1", 3, 5) == b"stsec"
        assert await store.read("song-1", 9, 100) == b"nd"
        assert await store.get("song-1") == await store.find("me", "request-1") == song
        assert store.usage() == Usage(1, 11)


async def test_a_song_that_was_being_made_has_failed_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        song = record()
        await store.create(song)
        song = replace(song, size_bytes=5, state=SongState.RUNNING)
        await store.append(song, [StoredEvent(b"plan"), StoredEvent(b"chunk", 5)], b"first")
    async with opened(tmp_path, now_ns=77) as store:
        found = await store.get("song-1")
        assert found is not None
        assert (found.state, found.reason, found.ended_ns, found.size_bytes) == (
            SongState.FAILED,
            "INTERRUPTED",
            77,
            5,
        )
        assert await store.read("song-1", 0, 100) == b"first"


async def test_sound_that_the_database_does_not_know_of_is_dropped_after_a_crash(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, record(), b"first")
    with (tmp_path / "song-1.mp3").open("ab") as file:
        file.write(b"never told")
    (tmp_path / "song-2.mp3").write_bytes(b"nobody's")
    async with opened(tmp_path) as store:
        assert await store.read("song-1", 0, 100) == b"first"
    assert not (tmp_path / "song-2.mp3").exists()


async def test_a_song_whose_sound_was_lost_has_failed_and_one_without_a_file_is_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, record(1), b"first", b"second")
        await keep(store, record(2), b"gone")
    with (tmp_path / "song-1.mp3").open("r+b") as file:
        file.truncate(7)
    (tmp_path / "song-2.mp3").unlink()
    async with opened(tmp_path) as store:
        found = await store.load("song-1")
        assert found is not None
        song, events = found
        assert (song.state, song.size_bytes, events) == (SongState.FAILED, 7, [StoredEvent(b"chunk", 5)])
        assert await store.get("song-2") is None
        assert store.usage() == Usage(1, 7)


async def test_songs_are_paged_newest_first_for_their_caller(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for number in range(1, 6):
            await store.create(record(number, "me" if number != 3 else "other"))
        first = await store.page("me", None, 2)
        assert [song.song_id for song in first] == ["song-5", "song-4"]
        rest = await store.page("me", Place(4, "song-4"), 10)
        assert [song.song_id for song in rest] == ["song-2", "song-1"]


async def test_the_newest_song_of_a_request_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.create(record(1))
        await store.create(replace(record(2), request_id="request-1"))
        found = await store.find("me", "request-1")
        assert found is not None
        assert found.song_id == "song-2"
        assert await store.find("other", "request-1") is None


async def test_the_songs_that_ended_first_go_first_until_the_rest_has_room(tmp_path: Path) -> None:
    async with opened(tmp_path, max_bytes=12) as store:
        for number, ended_ns in ((1, 30), (2, 10), (3, 20)):
            await keep(store, record(number), b"12345", ended_ns=ended_ns)
        await store.create(record(4))
        assert await store.clean_up({"song-2"}) == 1
        assert [song.song_id for song in await store.page("me", None, 9)] == ["song-4", "song-2", "song-1"]
        assert store.usage() == Usage(3, 10)
        assert not (tmp_path / "song-3.mp3").exists()


async def test_old_songs_go(tmp_path: Path) -> None:
    async with opened(tmp_path, now_ns=10 * HOUR_NS, max_age_hours=2.0) as store:
        await keep(store, record(1), b"old", ended_ns=7 * HOUR_NS)
        await keep(store, record(2), b"young", ended_ns=9 * HOUR_NS)
        assert await store.clean_up(set()) == 1
        assert await store.get("song-1") is None
        assert await store.get("song-2") is not None


async def test_a_song_is_not_deleted_while_it_is_being_made(tmp_path: Path) -> None:
    async with opened(tmp_path, max_bytes=0) as store:
        await store.create(record())
        await store.append(replace(record(), size_bytes=5), [StoredEvent(b"chunk", 5)], b"first")
        assert await store.clean_up(set()) == 0


async def test_a_failed_write_leaves_what_was_kept_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, record(1), b"first")
        with pytest.raises(StoreFailed):
            await store.create(record(1))
        with pytest.raises(StoreFailed):
            await store.read("song-9", 0, 1)
        assert await store.read("song-1", 0, 9) == b"first"


async def test_a_folder_is_for_one_server(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(StoreUnusable, match=f"{tmp_path} is in use by another server: set MELISMA_STORE__FOLDER"):
            async with opened(tmp_path):
                pass
    async with opened(tmp_path):
        pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="cannot be written"):
        async with opened(tmp_path / "file" / "songs"):
            pass


async def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "songs.sqlite3") as database:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(StoreUnusable, match="newer version"):
        async with opened(tmp_path):
            pass


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "songs.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnusable, match="unusable database"):
        async with opened(tmp_path):
            pass


async def test_only_the_owner_of_the_server_may_look_into_the_folder(tmp_path: Path) -> None:
    async with opened(tmp_path / "songs"):
        assert (tmp_path / "songs").stat().st_mode & 0o077 == 0
