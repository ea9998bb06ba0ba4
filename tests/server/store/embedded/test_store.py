import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server.audio.codecs.registry import file_suffixes
from server.song import SongState
from server.store.base import Extent, LeaseLost, StoredEvent, StoreFailed, StoreUsage
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.files import StoreUnusable
from server.store.embedded.schema import MIGRATIONS, SCHEMA_VERSION
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.store.watcher import UNWATCHED, StoreWatcher, Unwatched
from tests.support.store_kinds import Replica
from tests.support.stored_songs import HOUR_NS, keep, making, record, taken

NO_LIMITS = StoreLimits()


def set_aside(folder: Path) -> list[Path]:
    """Return the sound files that the store has moved to a separate folder, sorted by path."""
    return sorted((folder / "set-aside").glob("*/*"))


class Interruptions(Unwatched):
    """A stand-in for the watcher of a store, which records the engine of each interrupted song."""

    def __init__(self) -> None:
        self.engines: list[str] = []

    def interrupted(self, engine: str) -> None:
        self.engines.append(engine)


@asynccontextmanager
async def opened(
    folder: Path,
    limits: StoreLimits = NO_LIMITS,
    *,
    now_ns: int = 0,
    watcher: StoreWatcher = UNWATCHED,
    **suffixes: str,
) -> AsyncIterator[Replica]:
    """Context manager with a replica on the embedded store in `folder`, which knows the format MP3 and `suffixes` (file
    suffixes by format name).
    """
    known = {**file_suffixes(), **suffixes}
    async with embedded_store(folder, limits, known, now_ns=lambda: now_ns, watcher=watcher) as store:
        yield Replica(store, EmbeddedService(store).replica())


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        song = await keep(server, record(), b"first", b"second")
    async with opened(tmp_path) as server:
        assert await server.store.load("song-1") == (song, [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)])
        assert await server.store.read("song-1", 3, 5) == b"stsec"
        assert await server.store.read("song-1", 9, 100) == b"nd"
        assert await server.store.get("song-1") == await server.store.find("me", "request-1") == song
        assert server.store.usage() == StoreUsage(1, 11)


async def test_a_song_that_was_being_made_has_failed_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        writing = await making(server, record())
        await writing.append([StoredEvent(b"plan"), StoredEvent(b"chunk", 5)], b"first")
    async with opened(tmp_path, now_ns=77, watcher=(watcher := Interruptions())) as server:
        found = await server.store.get("song-1")
        assert found is not None
        assert (found.state, found.reason, found.ended_ns, found.size_bytes) == (
            SongState.FAILED,
            "INTERRUPTED",
            77,
            5,
        )
        assert await server.store.read("song-1", 0, 100) == b"first"
    assert watcher.engines == [record().engine]
    async with opened(tmp_path, watcher=watcher):
        assert watcher.engines == [record().engine]


async def test_sound_that_the_database_does_not_know_of_is_set_aside_after_a_crash(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        await keep(server, record(), b"first")
    with (tmp_path / "song-1.mp3").open("ab") as file:
        file.write(b"never told")
    async with opened(tmp_path) as server:
        assert await server.store.read("song-1", 0, 100) == b"first"
    assert [path.read_bytes() for path in set_aside(tmp_path)] == [b"firstnever told"]


async def test_a_song_whose_sound_was_lost_has_failed_and_one_without_a_file_waits_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        await keep(server, record(1), b"first", b"second")
        await keep(server, record(2), b"gone")
    with (tmp_path / "song-1.mp3").open("r+b") as file:
        file.truncate(7)
    (tmp_path / "song-2.mp3").unlink()
    async with opened(tmp_path) as server:
        found = await server.store.load("song-1")
        assert found is not None
        song, events = found
        assert (song.state, song.size_bytes, events) == (SongState.FAILED, 7, [StoredEvent(b"chunk", 5)])
        with pytest.raises(StoreFailed, match="is missing"):
            await server.store.read("song-2", 0, 100)
        (tmp_path / "song-2.mp3").write_bytes(b"gone")
        assert await server.store.read("song-2", 0, 100) == b"gone"
        assert server.store.usage() == StoreUsage(2, 11)


async def test_the_file_of_a_deleted_song_goes_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path, StoreLimits(max_bytes=12)) as server:
        for number, ended_ns in ((1, 30), (2, 10), (3, 20)):
            await keep(server, record(number), b"12345", ended_ns=ended_ns)
        assert await server.store.evict({"song-2"}) == 1
        assert (tmp_path / "song-2.mp3").exists()
        assert not (tmp_path / "song-3.mp3").exists()


@pytest.mark.parametrize("by_caller", [True, False])
async def test_no_file_has_words_of_a_deleted_song_any_more(tmp_path: Path, by_caller: bool) -> None:
    def files_with_words() -> set[str]:
        return {path.name for path in tmp_path.iterdir() if b"7f3a whales" in path.read_bytes()}

    async with opened(tmp_path, StoreLimits(max_age_hours=1.0), now_ns=2 * HOUR_NS) as server:
        for number in range(1, 40):
            ended_ns = 2 * HOUR_NS if by_caller or number % 3 else 1
            writing = await making(server, record(number, prompt=f"7f3a whales {number}" if number % 3 == 0 else "x"))
            words = b"7f3a whales " * 500 if number % 3 == 0 else bytes(6000)
            await writing.append([StoredEvent(words), StoredEvent(b"chunk", len(words))], words)
            await writing.end(ended_ns=ended_ns)
        assert {"songs.sqlite3-wal", "song-3.mp3", "song-39.mp3"} <= files_with_words()
        if by_caller:
            assert all([await server.store.delete(f"song-{number}") for number in range(3, 40, 3)])
        else:
            assert await server.store.evict(set()) == 13
        assert files_with_words() == set()
        assert server.store.usage().songs == 26
    assert files_with_words() == set()


async def test_words_that_a_killed_server_left_in_the_log_of_the_database_go_at_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        await keep(server, record(prompt="7f3a whales"), b"first")
        left = {name: (tmp_path / name).read_bytes() for name in ("songs.sqlite3", "songs.sqlite3-wal")}
        assert b"7f3a whales" in left["songs.sqlite3-wal"]
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    async with opened(tmp_path) as server:
        assert (tmp_path / "songs.sqlite3-wal").stat().st_size == 0
        assert await server.store.get("song-1") is not None


async def test_a_song_whose_end_could_not_be_stored_is_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        writing = await making(server, record())
        await writing.sound(b"first")
        assert not await server.store.delete("song-1")
        await server.directory.settle(writing.claim.lease, SongState.FAILED, 0.0)
        assert await server.store.delete("song-1")
        assert await server.store.get("song-1") is None
        assert not list(tmp_path.glob("*.mp3"))
        with pytest.raises((LeaseLost, StoreFailed)):
            await writing.sound(b"second")


async def test_a_song_keeps_the_owner_that_made_it_and_each_start_is_another_owner(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        song = await keep(server, record(), b"first")
        assert song.owner == server.directory.replica
    async with opened(tmp_path) as server:
        assert await server.store.get("song-1") == song
        assert server.directory.replica not in ("", song.owner)


async def test_the_file_of_a_song_is_called_as_its_format_says(tmp_path: Path) -> None:
    async with opened(tmp_path, pcm=".pcm") as server:
        await keep(server, replace(record(1), format="pcm"), b"sound")
        await keep(server, record(2), b"frames")
        assert (tmp_path / "song-1.pcm").read_bytes() == b"sound"
        assert (tmp_path / "song-2.mp3").read_bytes() == b"frames"
    async with opened(tmp_path, StoreLimits(max_bytes=0), pcm=".pcm") as server:
        assert await server.store.read("song-1", 0, 100) == b"sound"
        assert await server.store.evict(set()) == 2
    assert not list(tmp_path.glob("song-*"))


async def test_songs_of_a_format_that_is_not_known_here_are_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, pcm=".pcm") as server:
        song = await keep(server, replace(record(), format="pcm"), b"sound")
    async with opened(tmp_path):
        pass
    async with opened(tmp_path, pcm=".pcm") as server:
        assert await server.store.get("song-1") == song
        assert await server.store.read("song-1", 0, 100) == b"sound"


async def test_a_database_of_the_first_schema_is_migrated_and_keeps_its_songs(tmp_path: Path) -> None:
    first = "INSERT INTO songs VALUES ('song-1','me','request-1','print','fake','x',1,1,'completed',1,0.0,5,'','','')"
    with sqlite3.connect(tmp_path / "songs.sqlite3") as database:
        database.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1; {first};")
        database.execute("INSERT INTO events VALUES ('song-1', 0, 5, ?)", (b"chunk",))
    database.close()
    (tmp_path / "song-1.mp3").write_bytes(b"first")
    for _ in range(2):
        async with opened(tmp_path) as server:
            song = replace(record(), state=SongState.COMPLETED, ended_ns=1, size_bytes=5, epoch=1)
            assert (song.format, song.owner, song.epoch) == ("mp3", "", 1)
            assert await server.store.load("song-1") == (song, [StoredEvent(b"chunk", 5)])
            assert await server.store.read("song-1", 0, 100) == b"first"
    with sqlite3.connect(tmp_path / "songs.sqlite3") as database:
        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    database.close()


async def test_a_failed_write_leaves_what_was_kept_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        await keep(server, record(1), b"first")
        claim = await taken(server, record(2))
        (tmp_path / "song-2.mp3").write_bytes(b"in the way")
        await server.store.create(record(2), claim.lease)
        with pytest.raises(StoreFailed):
            await server.store.append(record(2), [], b"sound", lease=claim.lease, at=Extent())
        assert (tmp_path / "song-2.mp3").read_bytes() == b"in the way"
        with pytest.raises(StoreFailed):
            await server.store.read("song-9", 0, 1)
        assert await server.store.read("song-1", 0, 9) == b"first"


async def test_a_folder_is_for_one_server(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(
            StoreUnusable, match=f"{tmp_path} of the song store is in use by another server: set MELISMA"
        ):
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
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        async with opened(tmp_path):
            pass


async def test_only_the_owner_of_the_server_may_look_into_the_folder(tmp_path: Path) -> None:
    async with opened(tmp_path / "songs"):
        assert (tmp_path / "songs").stat().st_mode & 0o077 == 0
