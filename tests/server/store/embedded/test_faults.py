"""Folders, databases, disks and clocks that are not as the embedded store has left them."""

import asyncio
import resource
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from server.audio.codecs.registry import file_suffixes
from server.store.base import SongRecord, StoredEvent, StoreFailed, StoreFull, Usage
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.files import StoreUnusable
from server.store.embedded.opened_folder import BATCH_SONGS
from server.store.embedded.store import EmbeddedStore, embedded_store
from server.store.eviction import StoreLimits
from tests.support.store_kinds import Replica
from tests.support.stored_songs import HOUR_NS, keep, making, record, taken

DATABASE = "songs.sqlite3"
NOW_NS = 1000 * HOUR_NS


@asynccontextmanager
async def opened(folder: Path, *, now_ns: int = NOW_NS, **limits: float) -> AsyncIterator[Replica]:
    kinds = StoreLimits(**limits)  # type: ignore[arg-type]
    async with embedded_store(folder, kinds, file_suffixes(), now_ns=lambda: now_ns) as store:
        yield Replica(store, EmbeddedService(store).replica())


async def kept(folder: Path, count: int) -> list[SongRecord]:
    """Songs with names as the server gives them, of ten bytes each."""
    async with opened(folder) as server:
        named = [record(number, song_id=f"song-{uuid.uuid4()}") for number in range(1, count + 1)]
        return [await keep(server, song, b"01234", b"56789", ended_ns=NOW_NS) for song in named]


def store_of(server: Replica) -> EmbeddedStore:
    assert isinstance(server.store, EmbeddedStore)
    return server.store


def lose_database(folder: Path) -> None:
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute(statement)
        database.commit()


def set_aside(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "set-aside").glob("*/*"))


async def test_files_that_are_not_ours_stay(tmp_path: Path) -> None:
    names = ("My Favourite Song.mp3", "a.mp3", "song-1.mp3", f"song-{uuid.uuid4()}.wav", "lock", "notes.txt")
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / f"song-{uuid.uuid4()}.mp3").mkdir()
    (tmp_path / f"song-{uuid.uuid4()}.mp3").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    async with opened(tmp_path, max_songs=0, max_bytes=0) as server:
        await server.store.clean_up(set())
    assert [path for path in before if not path.is_symlink() and not path.exists()] == []
    assert {name: (tmp_path / name).read_bytes() for name in names} == dict.fromkeys(names, b"mine")


async def test_a_lost_database_costs_no_recording_and_comes_back_with_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    songs = await kept(tmp_path, 3)
    shutil.copy(tmp_path / DATABASE, tmp_path / "copy")
    lose_database(tmp_path)
    async with opened(tmp_path) as server:
        assert server.store.usage() == Usage(0, 0)
    assert set_aside(tmp_path) == sorted(f"{song.song_id}.mp3" for song in songs)
    assert "3 recordings belong to no song of the database" in caplog.text
    lose_database(tmp_path)
    shutil.move(tmp_path / "copy", tmp_path / DATABASE)
    for path in (tmp_path / "set-aside").glob("*/*"):
        shutil.move(path, tmp_path / path.name)
    async with opened(tmp_path) as server:
        for song in songs:
            assert await server.store.get(song.song_id) == song
            assert await server.store.read(song.song_id, 0, 100) == b"0123456789"


async def test_a_database_that_is_older_than_the_recordings_costs_none(tmp_path: Path) -> None:
    song_id = f"song-{uuid.uuid4()}"
    async with opened(tmp_path) as server:
        writing = await making(server, record(song_id=song_id))
        await writing.sound(b"01234")
        with closing(sqlite3.connect(tmp_path / DATABASE)) as now, closing(sqlite3.connect(tmp_path / "copy")) as copy:
            now.backup(copy)
        await writing.sound(b"56789")
        await writing.end()
    lose_database(tmp_path)
    shutil.move(tmp_path / "copy", tmp_path / DATABASE)
    async with opened(tmp_path):
        pass
    assert [path.read_bytes() for path in (tmp_path / "set-aside").glob("*/*")] == [b"0123456789"]


@pytest.mark.parametrize(("limits", "left"), [({"max_songs": 2}, 2), ({"max_bytes": 10}, 1), ({}, 3)])
async def test_what_is_set_aside_is_bounded_as_songs_are(tmp_path: Path, limits: dict[str, float], left: int) -> None:
    await kept(tmp_path, 3)
    lose_database(tmp_path)
    async with opened(tmp_path, **limits) as server:
        await server.store.clean_up(set())
    assert len(set_aside(tmp_path)) == left


async def test_what_is_set_aside_grows_old_as_songs_do(tmp_path: Path) -> None:
    await kept(tmp_path, 3)
    lose_database(tmp_path)
    for age_hours, left in ((0.0, 3), (0.9, 3), (1.1, 3), (1.9, 0)):
        async with opened(tmp_path, now_ns=NOW_NS + round(age_hours * HOUR_NS), max_age_hours=1.5) as server:
            await server.store.clean_up(set())
        assert len(set_aside(tmp_path)) == left, age_hours


async def test_files_are_private_in_a_folder_that_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o755)
    songs = await kept(tmp_path, 2)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    (tmp_path / "mine.mp3").write_bytes(b"mine")
    (tmp_path / "mine.mp3").chmod(0o644)
    async with opened(tmp_path) as server:
        await keep(server, record(9), b"sound")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_file()}
    assert modes.pop("mine.mp3") == modes.pop("lock") == 0o644
    assert set(modes.values()) == {0o600}
    assert {f"{song.song_id}.mp3" for song in songs} < set(modes)
    assert "others may look into the folder" in caplog.text
    assert "2 recordings could be read by others" in caplog.text


def overwrite_middle(folder: Path) -> None:
    content = bytearray((folder / DATABASE).read_bytes())
    quarter = len(content) // 4
    content[quarter : 3 * quarter] = b"\x5a" * (2 * quarter)
    (folder / DATABASE).write_bytes(content)


def be_of_another_program(folder: Path) -> None:
    lose_database(folder)
    change(folder, "CREATE TABLE songs (title TEXT)")


@pytest.mark.parametrize(
    "damage",
    [
        overwrite_middle,
        be_of_another_program,
        lambda folder: change(folder, f"UPDATE songs SET size_bytes = {2**63 - 1}"),
        lambda folder: change(folder, "UPDATE songs SET state = 'completed', size_bytes = -1"),
        lambda folder: change(folder, "UPDATE songs SET violations = '{'"),
        lambda folder: change(folder, "UPDATE songs SET song_id = '../' || song_id"),
    ],
)
async def test_a_damaged_database_refuses_to_start_says_what_to_do_and_costs_nothing(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    await kept(tmp_path, 50)
    damage(tmp_path)
    with pytest.raises(StoreUnusable, match=r"songs\.sqlite3|another folder"):
        async with opened(tmp_path) as server:
            await server.store.load((await server.store.page("me", None, 1))[0].song_id)
    assert len(list(tmp_path.glob("song-*.mp3"))) == 50


async def test_damage_while_the_server_runs_is_a_failure_of_the_store(tmp_path: Path) -> None:
    (song,) = await kept(tmp_path, 1)
    async with opened(tmp_path) as server:
        store = server.store
        for statement in ("UPDATE songs SET state = 'lost'", "UPDATE songs SET violations = '{'", "DROP TABLE events"):
            change(tmp_path, statement)
            for call in (store.load(song.song_id), store.get(song.song_id), store.page("me", None, 1)):
                if "DROP" not in statement:
                    with pytest.raises(StoreFailed):
                        await call
                else:
                    call.close()
        change(tmp_path, "UPDATE songs SET state = 'completed', violations = '[]'")
        with pytest.raises(StoreFailed):
            await store.load(song.song_id)


async def test_sound_that_is_gone_is_a_failure_of_the_store(tmp_path: Path) -> None:
    (song,) = await kept(tmp_path, 1)
    async with opened(tmp_path) as server:
        (tmp_path / f"{song.song_id}.mp3").unlink()
        with pytest.raises(StoreFailed, match="is missing"):
            await server.store.read(song.song_id, 0, 1)


@contextmanager
def no_room_for_files() -> Iterator[None]:
    """No file of this process may grow."""
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
        assert store.trouble is not None
        await writing.sound(b"sound")
        assert store.trouble is None
        await writing.end()
        assert await store.read("song-1", 0, 9) == b"sound"


@asynccontextmanager
async def locked_by_another(folder: Path) -> AsyncIterator[None]:
    """Another connection holds the database's write lock."""
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
        cleaning = asyncio.create_task(server.store.clean_up({"song-3"}))
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
        assert await server.store.clean_up(set()) == 1
        assert await server.store.get("song-1") is None


async def test_a_clock_that_is_wrong_at_the_start_deletes_nothing_and_is_doubted_after_a_restart(
    tmp_path: Path,
) -> None:
    await kept(tmp_path, 3)
    for later_hours in (0.0, 720.0, 720.0, 721.0):
        async with opened(tmp_path, now_ns=NOW_NS + round(later_hours * HOUR_NS), max_age_hours=168.0) as server:
            assert await server.store.clean_up(set()) == 0


async def test_a_song_that_ended_without_sound_has_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        claim = await taken(server, record())
        await server.store.create(record(), claim.lease)
        assert await server.store.read("song-1", 0, 9) == b""
        await server.store.end(replace(record(), ended_ns=1), lease=claim.lease, at=claim.extent)
        assert await server.store.read("song-1", 0, 9) == b""
    assert not list(tmp_path.glob("*.mp3"))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of a megabyte, where this user may mount one."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take all the room on the disk."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(4096))


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
            assert await server.store.clean_up(set()) == 1
            song = await keep(server, record(5), b"sound")
            assert await server.store.get("song-5") == song
            interrupted = await server.store.get("song-3")
            assert interrupted is not None
            assert interrupted.reason == "INTERRUPTED"
