"""The embedded song store: one folder with a database of songs and their events, and a file of sound for each song.

One thread does everything that writes, in order. Others read beside it, and wait for it only where the song that they
read is being changed.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.store.base import (
    NOT_KEPT,
    Cursor,
    Extent,
    Lease,
    SongGone,
    SongRecord,
    StoredEvent,
    StoreFailed,
    StoreFull,
    StoreUsage,
    Whole,
)
from server.store.bulletin import Bulletin
from server.store.embedded.files import SoundMissing
from server.store.embedded.leases import Leases
from server.store.embedded.opened_folder import OpenedFolder
from server.store.eviction import EndedSong, StoreLimits
from server.store.turns import Turns
from server.store.watcher import UNWATCHED, StorePart, StoreTrouble, StoreWatcher

T = TypeVar("T")

_SOUND_READERS, _QUERIES = 4, 2
TIDY_SECONDS = 600.0


@asynccontextmanager
async def embedded_store(
    folder: Path,
    limits: StoreLimits,
    suffixes: Mapping[str, str],
    *,
    now_ns: Callable[[], int] = time.time_ns,
    watcher: StoreWatcher = UNWATCHED,
) -> AsyncIterator["EmbeddedStore"]:
    """The store in `folder`, which is made if need be, for this process alone; songs that were being made have failed.

    `suffixes` has the end of a file's name for each delivery format. `watcher` hears of failures.

    Raises:
        StoreUnusable: the folder cannot be used, or is in use by another server.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="store") as writer:
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(writer, OpenedFolder, folder, limits, suffixes, now_ns)
        try:
            with (
                ThreadPoolExecutor(_QUERIES, thread_name_prefix="query") as queries,
                ThreadPoolExecutor(_SOUND_READERS, thread_name_prefix="sound") as sound,
            ):
                yield EmbeddedStore(opened, _Threads(writer, queries, sound), watcher)
        finally:
            await loop.run_in_executor(writer, opened.close)


@dataclass(frozen=True, slots=True)
class _Threads:
    """The one that writes, those that ask the database, and those that read sound."""

    writer: Executor
    queries: Executor
    sound: Executor


class EmbeddedStore:
    """A SongStore; see there."""

    def __init__(self, opened: OpenedFolder, threads: _Threads, watcher: StoreWatcher) -> None:
        self.bulletin = Bulletin()
        self.attended: Callable[[], Collection[str]] = frozenset
        """Gives the songs that somebody listens to on any replica, which the directory knows."""
        self.unsettled: Callable[[str], bool] = lambda song_id: False
        """Tells True for a song that waits or is made, which the directory knows, too."""
        self.trouble: str | None = "its disk was full at the start" if opened.database.alone else None
        """The reason why songs are not kept now; `None` once one was kept, and before one could not be."""
        self._opened = opened
        self._threads = threads
        self._watcher = watcher
        self._turns = Turns()
        self._tidied_at = -math.inf

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
        await self._write(song.song_id, partial(self._opened.create, song, lease))
        self.bulletin.post(song.song_id)

    async def admit(self, song: SongRecord) -> None:
        """Keep the record of a song that nobody has claimed yet."""
        await self._write(song.song_id, partial(self._opened.admit, song))

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Add events and sound."""
        await self._write(song.song_id, partial(self._opened.append, song, events, sound, lease, at))
        self.bulletin.post(song.song_id)

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Renew the record of a song that has ended."""
        try:
            await self._write(song.song_id, partial(self._opened.end, song, lease, at))
        except StoreFailed:
            if song.reason == NOT_KEPT:  # nobody tries again
                self.leases.stored(song.song_id)
            raise
        if song.reason != NOT_KEPT:
            self.trouble = None
        self.leases.stored(song.song_id)
        self.bulletin.post(song.song_id)

    async def discard(self, lease: Lease) -> None:
        """Keep nothing of a song that is made under the lease."""
        try:
            await self._write(lease.song_id, partial(self._opened.discard, lease))
        finally:
            if self.leases.holds(lease):
                self.leases.stored(lease.song_id)
        self.bulletin.post(lease.song_id)

    async def get(self, song_id: str) -> SongRecord | None:
        """One song."""
        async with self._turns.taken(song_id):
            return await self._query(partial(self._opened.table.get, song_id))

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """The newest song of a caller with that `request_id`."""
        return await self._query(partial(self._opened.table.find, caller, request_id))

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Songs of a caller, newest first."""
        return await self._query(partial(self._opened.table.page, caller, after, count))

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """One song with all its events."""
        async with self._turns.taken(song_id):
            return await self._query(partial(self._opened.table.load, song_id))

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Sound from a byte on."""
        try:
            return await self._on(self._threads.sound, partial(self._opened.files.read, song_id, offset, size))
        except SoundMissing as missing:
            song = await self._query(partial(self._opened.table.get, song_id))
            if song is None:
                raise SongGone(song_id) from missing
            if song.size_bytes > offset:
                self._count(missing)
                raise
            return b""

    async def evict(self, in_use: Collection[str]) -> int:
        """Delete what is too old or too much, a few songs at a time."""
        deleted, more = 0, True
        after: EndedSong | None = None
        while more:
            stay = frozenset(in_use) | frozenset(self.attended())
            cleaned = await self._on(self._threads.writer, partial(self._opened.evict, stay, after))
            deleted, after, more = deleted + cleaned.deleted, cleaned.after, cleaned.more
        if deleted:
            await self._on(self._threads.writer, self._opened.database.erase)
        if time.monotonic() - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = time.monotonic()
            await self._on(self._threads.writer, self._opened.tidy)
        return deleted

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended, or whose end could not be stored."""
        delete = partial(self._opened.delete, song_id, unsettled=self.unsettled(song_id))
        async with self._turns.taken(song_id):
            deleted = await self._on(self._threads.writer, delete)
        self.bulletin.post(song_id)
        return deleted

    def usage(self) -> StoreUsage:
        """Usage now."""
        return self._opened.table.usage

    async def _write(self, song_id: str, work: Callable[[], T]) -> T:
        """Change a song, after all changes that were asked for before."""
        async with self._turns.taken(song_id):
            try:
                return await self._on(self._threads.writer, work)
            except StoreFailed as error:
                self.trouble = str(error)
                raise

    async def _query(self, work: Callable[[], T]) -> T:
        threads = self._threads
        return await self._on(threads.writer if self._opened.database.alone else threads.queries, work)

    async def _on(self, executor: Executor, work: Callable[[], T]) -> T:
        try:
            done = asyncio.get_running_loop().run_in_executor(executor, work)
        except RuntimeError as error:  # the executor has shut down
            raise StoreFailed("the song store is closed") from error
        try:
            return await done
        except SoundMissing:
            raise
        except StoreFailed as error:
            self._count(error)
            raise

    def _count(self, error: StoreFailed) -> None:
        full = isinstance(error, StoreFull)
        self._watcher.failed(StorePart.FOLDER, StoreTrouble.FULL if full else StoreTrouble.BROKEN)
