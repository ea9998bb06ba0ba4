"""The embedded song store: one folder with a database of songs and their events, and a file of sound for each song.

One thread does everything that writes or asks the database, in order; sound is read beside it.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.store.base import Place, SongRecord, StoredEvent, StoreFailed, Usage
from server.store.embedded.database import Database
from server.store.embedded.files import SoundFiles, locked
from server.store.embedded.mending import mend
from server.store.embedded.table import SongTable
from server.store.eviction import StoreLimits, evicted

T = TypeVar("T")

_READERS = 4
_FIRST_EPOCH = 1


@asynccontextmanager
async def embedded_store(
    folder: Path,
    limits: StoreLimits,
    suffixes: Mapping[str, str],
    *,
    owner: str = "",
    now_ns: Callable[[], int] = time.time_ns,
) -> AsyncIterator["EmbeddedStore"]:
    """The store in `folder`, which is made if need be, for this process alone; songs that were being made have failed.

    `suffixes` has the end of a file's name for each delivery format. `owner` names this process; empty: a name of its
    own.

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
            yield EmbeddedStore(opened, owner or _process_name(), writer, readers)
        finally:
            await loop.run_in_executor(writer, opened.close)


class EmbeddedStore:
    """A SongStore; see there."""

    def __init__(self, opened: "_Opened", owner: str, writer: Executor, readers: Executor) -> None:
        self._opened = opened
        self._owner = owner
        self._writer = writer
        self._readers = readers

    @property
    def owner(self) -> str:
        """Name of this process."""
        return self._owner

    async def create(self, song: SongRecord) -> None:
        """Keep a new song, without sound."""
        owned = replace(song, owner=self._owner, epoch=_FIRST_EPOCH)
        await self._do(partial(self._opened.create, owned))

    async def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes) -> None:
        """Add events and sound."""
        await self._do(partial(self._opened.append, song, events, sound))

    async def end(self, song: SongRecord) -> None:
        """Renew the record of a song that has ended."""
        await self._do(partial(self._opened.end, song))

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
        return await self._do(partial(self._opened.clean_up, frozenset(in_use)))

    def usage(self) -> Usage:
        """How much there is now."""
        return self._opened.table.usage

    async def _do(self, work: Callable[[], T]) -> T:
        return await _on(self._writer, work)


async def _on(executor: Executor, work: Callable[[], T]) -> T:
    try:
        done = asyncio.get_running_loop().run_in_executor(executor, work)
    except RuntimeError as error:  # the executor has shut down
        raise StoreFailed("the song store is closed") from error
    return await done


def _process_name() -> str:
    """A readable name that no other process has, nor this one's predecessor in the same container."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


class _Opened:
    """The folder while it is open, for the writer's thread."""

    def __init__(
        self, folder: Path, limits: StoreLimits, suffixes: Mapping[str, str], now_ns: Callable[[], int]
    ) -> None:
        self._limits = limits
        self._now_ns = now_ns
        self._lock = locked(folder)
        try:
            self.files = SoundFiles(folder, suffixes)
            self._database = Database(folder)
            self.table = SongTable(self._database)
            mend(self.table, self.files, now_ns())
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Let others use the folder."""
        self.files.close()
        self._database.close()
        self._lock.close()

    def create(self, song: SongRecord) -> None:
        """An empty file first: a song without one would be taken for lost."""
        self.files.create(song.song_id, song.format)
        self.table.create(song)

    def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes) -> None:
        """The sound first: what the database tells of is there."""
        self.files.append(song.song_id, song.size_bytes - len(sound), sound)
        self.table.append(song, events)

    def end(self, song: SongRecord) -> None:
        """The sound reaches the disk before the database says that it is complete."""
        self.files.finish(song.song_id)
        self.table.update(song)

    def clean_up(self, in_use: frozenset[str]) -> int:
        """Delete by age and by size."""
        songs, stored_bytes = self.table.ends(), self.table.usage.size_bytes
        victims = list(evicted(songs, self._limits, stored_bytes=stored_bytes, now_ns=self._now_ns(), in_use=in_use))
        for song_id in victims:
            self.table.delete(song_id)
            self.files.delete(song_id)
        return len(victims)
