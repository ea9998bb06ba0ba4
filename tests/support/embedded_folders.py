"""Functions that open, damage and read folders of the embedded store."""

import sqlite3
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from server.audio.codecs.registry import file_suffixes
from server.store.base import SongRecord
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import EmbeddedStore, embedded_store
from server.store.eviction import StoreLimits
from tests.support.requirements import not_tried
from tests.support.store_kinds import Replica
from tests.support.stored_songs import HOUR_NS, keep, record

DATABASE = "songs.sqlite3"
NOW_NS = 1000 * HOUR_NS


@asynccontextmanager
async def opened(folder: Path, *, now_ns: int = NOW_NS, **limits: float) -> AsyncIterator[Replica]:
    """Context manager with a replica that uses the embedded store in a folder; the clock stands at `now_ns`, and
    `limits` are fields of `StoreLimits`.
    """
    kinds = StoreLimits(**limits)  # type: ignore[arg-type]
    async with embedded_store(folder, kinds, file_suffixes(), now_ns=lambda: now_ns) as store:
        yield Replica(store, EmbeddedService(store).replica())


async def kept(folder: Path, count: int) -> list[SongRecord]:
    """Store `count` songs of ten bytes each with ids of the server's form, and return their records."""
    async with opened(folder) as server:
        named = [record(number, song_id=f"song-{uuid.uuid4()}") for number in range(1, count + 1)]
        return [await keep(server, song, b"01234", b"56789", ended_ns=NOW_NS) for song in named]


def store_of(server: Replica) -> EmbeddedStore:
    """Return the embedded store of a replica."""
    assert isinstance(server.store, EmbeddedStore)
    return server.store


def lose_database(folder: Path) -> None:
    """Delete the files of the store's database."""
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


def change(folder: Path, statement: str) -> None:
    """Execute an SQL statement on the store's database, as another program."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute(statement)
        database.commit()


def set_aside(folder: Path) -> list[str]:
    """Return the names of the sound files that the store has moved to a separate folder."""
    return sorted(path.name for path in (folder / "set-aside").glob("*/*"))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Context manager in which a disk of one megabyte is mounted on the folder; ends the test if this user cannot mount
    disks.
    """
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        not_tried("this user may not mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Fill the disk of the folder with a file."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(4096))
