"""The embedded song store: one folder with a database of songs and their events, and a file of sound for each song.

One thread does everything that writes or asks the database, in order; sound is read beside it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.store.base import (
    Extent,
    Lease,
    LeaseLost,
    Place,
    SongRecord,
    StoredEvent,
    StoreFailed,
    Usage,
    Whole,
    WrongOffset,
)
from server.store.bulletin import Bulletin
from server.store.embedded.database import Database
from server.store.embedded.files import SoundFiles, locked
from server.store.embedded.leases import Leases
from server.store.embedded.mending import mend
from server.store.embedded.table import SongTable
from server.store.eviction import StoreLimits, evicted

T = TypeVar("T")

_READERS = 4


@asynccontextmanager
async def embedded_store(
    folder: Path,
    limits: StoreLimits,
    suffixes: Mapping[str, str],
    *,
    now_ns: Callable[[], int] = time.time_ns,
) -> AsyncIterator["EmbeddedStore"]:
    """The store in `folder`, which is made if need be, for this process alone; songs that were being made have failed.

    `suffixes` has the end of a file's name for each delivery format.

    Raises:
        StoreUnusable: the folder cannot be used, or is in use by another server.
    """
    with (
        ThreadPoolExecutor(1, thread_name_prefix="store") as writer,
        ThreadPoolExecutor(_READERS, thread_name_prefix="sound") as readers,
    ):
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(writer, _Opened, folder, limits, suffixes, now_ns)
        try:
            yield EmbeddedStore(opened, writer, readers)
        finally:
            await loop.run_in_executor(writer, opened.close)


class EmbeddedStore:
    """A SongStore; see there."""

    def __init__(self, opened: "_Opened", writer: Executor, readers: Executor) -> None:
        self.bulletin = Bulletin()
        self.attended: Callable[[], Collection[str]] = frozenset
        """Gives the songs that somebody listens to on any replica, which the directory knows."""
        self.unsettled: Callable[[str], bool] = lambda song_id: False
        """Tells True for a song that waits or is made, which the directory knows, too."""
        self._opened = opened
        self._writer = writer
        self._readers = readers

    @property
    def embedded(self) -> bool:
        """It is part of this process."""
        return True

    @property
    def leases(self) -> Leases:
        """The leases under which songs are written here."""
        return self._opened.leases

    async def create(self, song: SongRecord, lease: Lease) -> None:
        """Keep the record of a claimed song."""
        await self._do(partial(self._opened.create, song, lease))
        self.bulletin.post(song.song_id)

    async def admit(self, song: SongRecord) -> None:
        """Keep the record of a song that nobody has claimed yet."""
        await self._do(partial(self._opened.admit, song))

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Add events and sound."""
        await self._do(partial(self._opened.append, song, events, sound, lease, at))
        self.bulletin.post(song.song_id)

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Renew the record of a song that has ended."""
        await self._do(partial(self._opened.end, song, lease, at))
        self.leases.stored(song.song_id)
        self.bulletin.post(song.song_id)

    async def get(self, song_id: str) -> SongRecord | None:
        """One song."""
        return await self._do(partial(self._opened.table.get, song_id))

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """The newest song of a caller with that `request_id`."""
        return await self._do(partial(self._opened.table.find, caller, request_id))

    async def page(self, caller: str, after: Place | None, count: int) -> Sequence[SongRecord]:
        """Songs of a caller, newest first."""
        return await self._do(partial(self._opened.table.page, caller, after, count))

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """One song with all its events."""
        return await self._do(partial(self._opened.table.load, song_id))

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Sound from a byte on."""
        return await _on(self._readers, partial(self._opened.files.read, song_id, offset, size))

    async def clean_up(self, in_use: Collection[str]) -> int:
        """Delete what is too old or too much."""
        return await self._do(partial(self._opened.clean_up, frozenset(in_use) | frozenset(self.attended())))

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended, or whose end could not be stored."""
        deleted = await self._do(partial(self._opened.delete, song_id, unsettled=self.unsettled(song_id)))
        self.bulletin.post(song_id)
        return deleted

    def usage(self) -> Usage:
        """Usage now."""
        return self._opened.table.usage

    async def _do(self, work: Callable[[], T]) -> T:
        return await _on(self._writer, work)


async def _on(executor: Executor, work: Callable[[], T]) -> T:
    try:
        done = asyncio.get_running_loop().run_in_executor(executor, work)
    except RuntimeError as error:  # the executor has shut down
        raise StoreFailed("the song store is closed") from error
    return await done


class _Opened:
    """The folder while it is open, for the writer's thread."""

    def __init__(
        self, folder: Path, limits: StoreLimits, suffixes: Mapping[str, str], now_ns: Callable[[], int]
    ) -> None:
        self.leases = Leases()
        self._limits = limits
        self._now_ns = now_ns
        self._lock = locked(folder)
        try:
            self.files = SoundFiles(folder, suffixes)
            self._database = Database(folder)
            self.table = SongTable(self._database)
            mend(self.table, self.files, now_ns())
            self._database.erase()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Let others use the folder."""
        self.files.close()
        self._database.close()
        self._lock.close()

    def admit(self, song: SongRecord) -> None:
        """An empty file first: a song without one would be taken for lost."""
        self.files.create(song.song_id, song.format)
        self.table.create(song)

    def create(self, song: SongRecord, lease: Lease) -> None:
        """Create the song unless it is there."""
        self.leases.require(lease)
        if not self.files.grows(song.song_id):
            self.admit(_owned(song, lease))

    def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, lease: Lease, at: Extent) -> None:
        """The sound first: what the database tells of is there."""
        self.leases.require(lease)
        extent = self.table.extent(song.song_id)
        if not self.files.grows(song.song_id):
            raise LeaseLost(song.song_id)
        _check(song.song_id, extent, at)
        self.files.append(song.song_id, at.size_bytes, sound)
        self.table.append(replace(_owned(song, lease), size_bytes=at.size_bytes + len(sound)), events, at)

    def end(self, song: SongRecord, lease: Lease, at: Extent) -> None:
        """The sound reaches the disk before the database says that it is complete."""
        if self._ended_by(lease):
            return
        self.leases.require(lease)
        _check(song.song_id, self.table.extent(song.song_id), at)
        self.files.finish(song.song_id)
        self.table.update(replace(_owned(song, lease), size_bytes=at.size_bytes), at.size_bytes)

    def _ended_by(self, lease: Lease) -> bool:
        if self.files.grows(lease.song_id) or (song := self.table.get(lease.song_id)) is None:
            return False
        return song.state.ended and (song.owner, song.epoch) == (lease.replica, lease.epoch)

    def clean_up(self, in_use: frozenset[str]) -> int:
        """Delete by age and by size."""
        stored_bytes, now_ns = self.table.usage.size_bytes, self._now_ns()
        with closing(self.table.ends()) as songs:
            victims = list(evicted(songs, self._limits, stored_bytes=stored_bytes, now_ns=now_ns, in_use=in_use))
        for song_id in victims:
            self.table.delete(song_id)
            self.files.delete(song_id)
        if victims:
            self._database.erase()
        return len(victims)

    def delete(self, song_id: str, *, unsettled: bool) -> bool:
        """The sound first: what is left after a failure can be found, and deleted again."""
        song = self.table.get(song_id)
        if song is None or (unsettled and not song.state.ended):
            return False
        self.files.delete(song_id)
        self.table.delete(song_id)
        self._database.erase()
        return True


def _owned(song: SongRecord, lease: Lease) -> SongRecord:
    return replace(song, owner=lease.replica, epoch=lease.epoch)


def _check(song_id: str, extent: Extent, at: Extent) -> None:
    if extent != at:
        raise WrongOffset(song_id, extent)
