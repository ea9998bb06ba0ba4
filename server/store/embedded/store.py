"""The embedded song store: one folder with a database of songs and events, and a sound file for each song.

One thread does all writing, in order. Other threads read at the same time, and wait only while the song that they read
is being changed.
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
    """Context manager that opens the store in `folder`, which is created if needed, for this process only. Songs that
    were running when the last process ended are marked as failed.

    `suffixes` has the file suffix of each delivery format. `watcher` counts failures; `now_ns` returns wall-clock time
    in nanoseconds since 1970.

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
    """The thread pools of the store: one thread writes, some query the database, and some read sound files."""

    writer: Executor
    queries: Executor
    sound: Executor


class EmbeddedStore:
    """Implements the protocol `SongStore` with a folder: a database and sound files."""

    def __init__(self, opened: OpenedFolder, threads: _Threads, watcher: StoreWatcher) -> None:
        self.bulletin = Bulletin()
        self.attended: Callable[[], Collection[str]] = frozenset
        """Function that returns the ids of songs with listeners on any server; set by the song directory."""
        self.unsettled: Callable[[str], bool] = lambda song_id: False
        """Function that returns True for the id of a song that waits or runs; set by the song directory."""
        self.trouble: str | None = (
            "the disk of the song store was full when the server started" if opened.database.alone else None
        )
        """The reason why songs cannot be stored now, as a text; `None` again once a song was stored."""
        self._opened = opened
        self._threads = threads
        self._watcher = watcher
        self._turns = Turns()
        self._tidied_at = -math.inf
        self._note_interrupted()

    @property
    def embedded(self) -> bool:
        """True: the store is part of this process."""
        return True

    @property
    def leases(self) -> Leases:
        """The leases of songs (rights of a server to make a song), which this store checks at each write."""
        return self._opened.leases

    async def create(self, song: SongRecord, lease: Lease) -> None:
        """Store the record of a song under its lease, unless the record was stored at admission."""
        await self._write(song.song_id, partial(self._opened.create, song, lease))
        self.bulletin.post(song.song_id)

    async def admit(self, song: SongRecord) -> None:
        """Store the record of an admitted song that no server makes yet."""
        await self._write(song.song_id, partial(self._opened.admit, song))

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Store events and sound of a song; see `SongStore.append`."""
        await self._write(song.song_id, partial(self._opened.append, song, events, sound, lease, at))
        self.bulletin.post(song.song_id)

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Store the final record of a song; see `SongStore.end`."""
        try:
            await self._write(song.song_id, partial(self._opened.end, song, lease, at))
        except StoreFailed:
            if song.reason == NOT_KEPT:  # the end of such a song is not stored again later
                self.leases.stored(song.song_id)
            raise
        if song.reason != NOT_KEPT:
            self.trouble = None
        self.leases.stored(song.song_id)
        self.bulletin.post(song.song_id)

    async def discard(self, lease: Lease) -> None:
        """Delete all stored data of a song; see `SongStore.discard`."""
        try:
            await self._write(lease.song_id, partial(self._opened.discard, lease))
        finally:
            if self.leases.holds(lease):
                self.leases.stored(lease.song_id)
        self.bulletin.post(lease.song_id)

    async def get(self, song_id: str) -> SongRecord | None:
        """Return the record of a song; `None` for an unknown id."""
        async with self._turns.taken(song_id):
            return await self._query(partial(self._opened.table.get, song_id))

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """Return the record of the newest song that a caller has requested with `request_id`; `None` if there is
        none.
        """
        return await self._query(partial(self._opened.table.find, caller, request_id))

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Return the records of up to `count` songs of a caller, newest first, after the position `after` in the
        list.
        """
        return await self._query(partial(self._opened.table.page, caller, after, count))

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """Return the record of one song and all its events, in order; `None` for an unknown id."""
        async with self._turns.taken(song_id):
            return await self._query(partial(self._opened.table.load, song_id))

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a song's sound from byte `offset` on; see `SongStore.read`."""
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
        """Delete ended songs, oldest first, until the store is within its limits; return the number of deleted ones."""
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
            self._note_interrupted()
        return deleted

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended, or whose final state could not be stored; return False if there is no such
        song.
        """
        delete = partial(self._opened.delete, song_id, unsettled=self.unsettled(song_id))
        async with self._turns.taken(song_id):
            deleted = await self._on(self._threads.writer, delete)
        self.bulletin.post(song_id)
        return deleted

    def usage(self) -> StoreUsage:
        """Return the present number of stored songs and the size of their sound."""
        return self._opened.table.usage

    async def _write(self, song_id: str, work: Callable[[], T]) -> T:
        """Run a write to a song in the writer's thread, after all earlier calls for the same song, and return its
        result.
        """
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
            raise StoreFailed(
                "the song store is closed, because the server is ending: call again after its restart"
            ) from error
        try:
            return await done
        except SoundMissing:
            raise
        except StoreFailed as error:
            self._count(error)
            raise

    def _note_interrupted(self) -> None:
        for engine in self._opened.take_interrupted():
            self._watcher.interrupted(engine)

    def _count(self, error: StoreFailed) -> None:
        full = isinstance(error, StoreFull)
        self._watcher.failed(StorePart.FOLDER, StoreTrouble.FULL if full else StoreTrouble.BROKEN)
