"""Attacks on the embedded store by foreign files, damaged databases, wrong clocks and many calls: prints the outcome of
each attack.

`python -m benchmarks.attacks.store [attack ...]`, by the names of the functions below; store_server.py has the attacks
on the store of a running server. Numbers such as F4 identify the faults of the store that the attacks once found.
"""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

from melisma.v1 import music_pb2
from server.audio.codecs.registry import file_suffixes
from server.song import SongState
from server.songs.service import Songs
from server.store.base import SongRecord
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from tests.support.checking import PassingChecker
from tests.support.fake_runner import FakeRunner
from tests.support.store_kinds import Replica
from tests.support.stored_songs import HOUR_NS, keep, making, record

CANCELLED_SONGS, OLD_SONGS = 1500, 20_000
DATABASE = "songs.sqlite3"


@asynccontextmanager
async def opened(
    folder: Path, limits: StoreLimits | None = None, now_ns: Callable[[], int] = time.time_ns
) -> AsyncIterator[Replica]:
    """Context manager with a server process's embedded store in a folder."""
    async with embedded_store(folder, limits or StoreLimits(), file_suffixes(), now_ns=now_ns) as store:
        yield Replica(store, EmbeddedService(store).replica())


async def kept_songs(folder: Path, count: int, **fields: int) -> list[SongRecord]:
    """Write `count` songs of ten bytes each to the store in a folder, and return their records; `fields` are values of
    the records.
    """
    async with opened(folder) as server:
        named = (record(number, song_id=f"song-{uuid.uuid4()}") for number in range(count))
        return [await keep(server, song, b"0123456789", **{"ended_ns": time.time_ns(), **fields}) for song in named]


def recordings(folder: Path) -> int:
    """Return the number of sound files that are not empty, in the folder and its subfolders."""
    return sum(1 for path in folder.rglob("*.mp3") if path.stat().st_size)


async def foreign(folder: Path) -> str:
    """Open the store in a folder that has files of another program; return as text how many of these files are left
    (F4).
    """
    names = ("My Favourite Song.mp3", "a.mp3", "song-.mp3", "lock")
    for name in names:
        (folder / name).write_bytes(b"mine")
    async with opened(folder):
        pass
    left = [name for name in names if (folder / name).exists() and (folder / name).read_bytes() == b"mine"]
    return f"{len(left)} of {len(names)} left"


async def empty_database(folder: Path) -> str:
    """Open the store after its database was deleted; return as text how many sound files are left (F4)."""
    await kept_songs(folder, 3)
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()
    async with opened(folder):
        pass
    return f"{recordings(folder)} of 3 recordings left"


async def older_database(folder: Path) -> str:
    """Open the store with a database that is older than the sound files; return as text how many bytes of sound are
    left (F4).
    """
    async with opened(folder) as server:
        writing = await making(server, record(song_id=f"song-{uuid.uuid4()}"))
        await writing.sound(b"01234")
        with closing(sqlite3.connect(folder / DATABASE)) as now, closing(sqlite3.connect(folder / "copy")) as copy:
            now.backup(copy)
        await writing.sound(b"56789")
        await writing.end()
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()
    (folder / "copy").rename(folder / DATABASE)
    async with opened(folder):
        pass
    return f"{max(path.stat().st_size for path in folder.rglob('*.mp3'))} of 10 bytes left"


async def cancelled(folder: Path) -> str:
    """Cancel many songs right after their request; return as text the numbers of database rows and of sound files that
    remain (F8).
    """
    runner = FakeRunner((), hangs=True)
    runner.slots = CANCELLED_SONGS
    async with opened(folder, StoreLimits(max_bytes=1 << 20)) as server:
        songs = Songs(runner, ("fake",), server.store, server.directory, checker=PassingChecker())
        for number in range(CANCELLED_SONGS):
            recording = await songs.generate(music_pb2.GenerateRequest(prompt="x", seed=number), "me")
            with recording.listened() as events:
                await anext(events)
        await songs.close()
        rows = server.store.usage().songs
    return f"{rows} rows and {len(list(folder.glob('*.mp3')))} files of {CANCELLED_SONGS}"


async def with_old_songs(folder: Path) -> None:
    """Put 20,000 songs without sound into the store of a folder; they are so old that the store must delete them."""
    async with opened(folder) as server:
        await server.store.evict(set())
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(songs)")]
        for number in range(OLD_SONGS):
            song = replace(record(number, song_id=f"song-{uuid.uuid4()}"), state=SongState.COMPLETED, ended_ns=1)
            values = {name: getattr(song, name, 0) for name in columns} | {"violations": "[]"}
            marks = ", ".join(f":{name}" for name in columns)
            database.execute(f"INSERT INTO songs ({', '.join(columns)}) VALUES ({marks})", values)
            database.execute("INSERT INTO events VALUES (?, 0, 0, ?)", (song.song_id, b"accepted"))
            (folder / f"{song.song_id}.mp3").write_bytes(b"")
        database.commit()


async def cleaning(folder: Path) -> str:
    """List songs while 20,000 old songs are deleted; return the times of both as text (F8)."""
    await with_old_songs(folder)
    async with opened(folder, StoreLimits(max_age_hours=1.0)) as server:
        started = time.monotonic()
        work = asyncio.create_task(server.store.evict(set()))
        await asyncio.sleep(0.05)
        longest = await _longest(lambda: server.store.page("me", None, 50), work.done)
        return f"{await work} deleted in {time.monotonic() - started:.1f} s, longest list call {longest:.3f} s"


async def lock_holder(folder: Path) -> str:
    """List songs while two songs are written and another process holds the write lock of the database; return the time
    of the list call as text (F17).
    """
    async with opened(folder) as server:
        writings = [await making(server, record(number)) for number in (1, 2)]
        code = f"import sqlite3,sys;c=sqlite3.connect({str(folder / DATABASE)!r});c.execute('BEGIN IMMEDIATE');"
        with subprocess.Popen(
            [sys.executable, "-c", f"{code}print(flush=True);sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            assert holder.stdout
            holder.stdout.readline()
            appends = [asyncio.create_task(writing.sound(b"sound")) for writing in writings]
            await asyncio.sleep(0.1)
            longest = await _longest(lambda: server.store.page("me", None, 50), lambda: True)
            await asyncio.gather(*appends, return_exceptions=True)
            holder.communicate()
    return f"list call {longest:.3f} s"


async def permissions(folder: Path) -> str:
    """Open the store in a folder that existed before and that all users can open; return the permissions of the store's
    files as text (F16).
    """
    folder.chmod(0o755)
    async with opened(folder) as server:
        await keep(server, record(), b"sound")
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir() if path.is_file()}
    return ", ".join(f"{name} {mode}" for name, mode in sorted(modes.items()))


async def damaged_middle(folder: Path) -> str:
    """Open the store after the middle of its database was overwritten; return as text if it can be opened (F17)."""
    await kept_songs(folder, 50)
    path = folder / DATABASE
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) * 3 // 4] = b"\x5a" * (len(content) * 3 // 4 - len(content) // 4)
    path.write_bytes(content)
    return await _start(folder)


async def overflow(folder: Path) -> str:
    """Open the store after song sizes whose sum exceeds 64 bits were written to its database; return as text if it can
    be opened (F17).
    """
    await kept_songs(folder, 2)
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("UPDATE songs SET size_bytes = ?", (2**63 - 1,))
        database.commit()
    return await _start(folder)


async def clock_jump(folder: Path) -> str:
    """Set the wall clock 30 days ahead while the store is open; return as text how many songs the store still has
    (F25).
    """
    jump_ns = 0
    limits = StoreLimits(max_age_hours=168.0)
    async with opened(folder, limits, now_ns=lambda: time.time_ns() + jump_ns) as server:
        for number in (1, 2, 3):
            await keep(server, record(number), b"sound", ended_ns=time.time_ns())
        await server.store.evict(set())
        jump_ns = 30 * 24 * HOUR_NS
        await server.store.evict(set())
        return f"{server.store.usage().songs} of 3 songs left"


async def clock_jump_at_start(folder: Path) -> str:
    """Open the store with a wall clock that is 30 days ahead; return as text how many songs are left (F25)."""
    await kept_songs(folder, 3)
    async with opened(folder, StoreLimits(max_age_hours=168.0), lambda: time.time_ns() + 30 * 24 * HOUR_NS) as server:
        await server.store.evict(set())
        return f"{server.store.usage().songs} of 3 songs left"


async def _start(folder: Path) -> str:
    try:
        async with opened(folder) as server:
            await server.store.page("me", None, 50)
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace(str(folder), "FOLDER")
    return "starts, and lists its songs"


async def _longest(call: Callable[[], Awaitable[object]], done: Callable[[], bool]) -> float:
    longest = 0.0
    while True:
        started = time.monotonic()
        await call()
        longest = max(longest, time.monotonic() - started)
        if done():
            return longest
        await asyncio.sleep(0.01)


TRIALS: Mapping[str, Callable[[Path], Awaitable[str]]] = {
    trial.__name__: trial
    for trial in (
        foreign,
        empty_database,
        older_database,
        cancelled,
        cleaning,
        lock_holder,
        permissions,
        damaged_middle,
        overflow,
        clock_jump,
        clock_jump_at_start,
    )
}


def main(names: list[str]) -> int:
    """Command line: attack the store, and print a line for each attack in `names`, for all attacks if it is empty."""
    for name in names or TRIALS:
        with tempfile.TemporaryDirectory() as folder:
            result = asyncio.run(_tried(TRIALS[name], Path(folder)))
        print(f"{name:20} {result}", flush=True)
    return 0


async def _tried(trial: Callable[[Path], Awaitable[str]], folder: Path) -> str:
    try:
        async with asyncio.timeout(100):
            return await trial(folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
