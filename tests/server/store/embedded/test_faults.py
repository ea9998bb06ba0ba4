"""Tests of the embedded store with foreign files, and with a lost, old or damaged database."""

import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.store.base import StoreFailed, StoreUsage
from server.store.embedded.files import StoreUnusable
from tests.support.embedded_folders import DATABASE, NOW_NS, change, kept, lose_database, opened, set_aside
from tests.support.stored_songs import HOUR_NS, keep, making, record


async def test_files_that_are_not_ours_stay(tmp_path: Path) -> None:
    names = ("My Favourite Song.mp3", "a.mp3", "song-1.mp3", f"song-{uuid.uuid4()}.wav", "lock", "notes.txt")
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / f"song-{uuid.uuid4()}.mp3").mkdir()
    (tmp_path / f"song-{uuid.uuid4()}.mp3").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    async with opened(tmp_path, max_songs=0, max_bytes=0) as server:
        await server.store.evict(set())
    assert [path for path in before if not path.is_symlink() and not path.exists()] == []
    assert {name: (tmp_path / name).read_bytes() for name in names} == dict.fromkeys(names, b"mine")


async def test_a_lost_database_costs_no_recording_and_comes_back_with_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    songs = await kept(tmp_path, 3)
    shutil.copy(tmp_path / DATABASE, tmp_path / "copy")
    lose_database(tmp_path)
    async with opened(tmp_path) as server:
        assert server.store.usage() == StoreUsage(0, 0)
    assert set_aside(tmp_path) == sorted(f"{song.song_id}.mp3" for song in songs)
    assert "3 sound files belong to no song in the database" in caplog.text
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
async def test_what_is_set_aside_is_bounded_as_songs_are(tmp_path: Path, limits: dict[str, int], left: int) -> None:
    await kept(tmp_path, 3)
    lose_database(tmp_path)
    async with opened(tmp_path, **limits) as server:
        await server.store.evict(set())
    assert len(set_aside(tmp_path)) == left


async def test_of_what_lies_among_recordings_that_were_set_aside_only_those_are_deleted(tmp_path: Path) -> None:
    await kept(tmp_path, 1)
    lose_database(tmp_path)
    async with opened(tmp_path):
        pass
    (own,) = (tmp_path / "set-aside").iterdir()
    others = [own / "mine.mp3", tmp_path / "set-aside" / "mine.mp3"]
    for name in ("mine", "20261399T000000.000000Z"):
        (tmp_path / "set-aside" / name).mkdir()
        others.append(tmp_path / "set-aside" / name / f"song-{uuid.uuid4()}.mp3")
    for path in others:
        path.write_bytes(b"mine")
    async with opened(tmp_path, max_songs=0) as server:
        await server.store.evict(set())
    assert all(path.read_bytes() == b"mine" for path in others)
    assert [path.name for path in own.iterdir()] == ["mine.mp3"]


async def test_what_is_set_aside_grows_old_as_songs_do(tmp_path: Path) -> None:
    await kept(tmp_path, 3)
    lose_database(tmp_path)
    for age_hours, left in ((0.0, 3), (0.9, 3), (1.1, 3), (1.9, 0)):
        async with opened(tmp_path, now_ns=NOW_NS + round(age_hours * HOUR_NS), max_age_hours=1.5) as server:
            await server.store.evict(set())
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
    assert "other users can list the folder" in caplog.text
    assert "2 sound files of the song store could be read by other users" in caplog.text


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


async def test_a_song_that_cannot_be_deleted_keeps_no_other_from_being_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path, max_songs=0) as server:
        for number in (1, 2, 3):
            await keep(server, record(number), b"sound", ended_ns=NOW_NS + number)
        (tmp_path / "song-2.mp3").unlink()
        (tmp_path / "song-2.mp3").mkdir()
        assert await server.store.evict(set()) == 2
        assert [song.song_id for song in await server.store.page("me", None, 9)] == ["song-2"]
        (tmp_path / "song-2.mp3").rmdir()
        assert await server.store.evict(set()) == 1


async def test_a_folder_that_was_removed_is_a_failure_of_the_store_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    async with opened(folder, max_songs=0) as server:
        writing = await making(server, record())
        shutil.move(folder, tmp_path / "elsewhere")
        with pytest.raises(StoreFailed):
            await writing.sound(b"sound")
        with pytest.raises(StoreFailed):
            await server.store.read("song-2", 0, 1)
        shutil.move(tmp_path / "elsewhere", folder)
        await writing.sound(b"sound")
