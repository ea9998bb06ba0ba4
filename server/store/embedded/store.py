"""The embedded song store: one folder with a database of songs and their events, and an MP3 file for each song.

One thread does everything that writes or asks the database, in order; sound is read beside it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.store.base import Place, SongRecord, StoredEvent, Usage
from server.store.embedded.files import SoundFiles, locked
from server.store.embedded.table import SongTable

T = TypeVar("T")

_READERS = 4
_HOUR_NS = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much is kept: bytes of sound, and hours since a song's end. `None` is no limit."""

    max_bytes: int | None = None
    max_age_hours: float | None = None


@asynccontextmanager
async def embedded_store(
    folder: Path, limits: StoreLimits, now_ns: Callable[[], int] = time.time_ns
) -> AsyncIterator["EmbeddedStore"]:
    """The store in `folder`, which is made if need be, for this process alone; songs that were being made have failed.

    Raises:
        StoreUnusable: the folder cannot be used, or is in use by another server.
    """
    with (
        ThreadPoolExecutor(1, thread_name_prefix="store") as writer,
        ThreadPoolExecutor(_READERS, thread_name_prefix="sound") as readers,
    ):
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(writer, _Opened, folder, limits, now_ns)
        try:
            yield EmbeddedStore(opened, writer, readers)
        finally:
            await loop.run_in_executor(writer, opened.close)


class EmbeddedStore:
    """A SongStore; see there."""

    def __init__(self, opened: "_Opened", writer: ThreadPoolExecutor, readers: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._writer = writer
        self._readers = readers

    async def create(self, song: SongRecord) -> None:
        """Keep a new song, without sound."""
        await self._do(partial(self._opened.create, song))

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
        reading = partial(self._opened.files.read, song_id, offset, size)
        return await asyncio.get_running_loop().run_in_executor(self._readers, reading)

    async def clean_up(self, in_use: Collection[str]) -> int:
        """Delete what is too old or too much."""
        return await self._do(partial(self._opened.clean_up, frozenset(in_use)))

    def usage(self) -> Usage:
        """How much there is now."""
        return self._opened.table.usage

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)


class _Opened:
    """The folder while it is open, for the writer's thread."""

    def __init__(self, folder: Path, limits: StoreLimits, now_ns: Callable[[], int]) -> None:
        self._limits = limits
        self._now_ns = now_ns
        self._lock = locked(folder)
        try:
            self.files = SoundFiles(folder)
            self.table = SongTable(folder)
            self._mend()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Let others use the folder."""
        self.files.close()
        self.table.close()
        self._lock.close()

    def create(self, song: SongRecord) -> None:
        """An empty file first: a song without one would be taken for lost."""
        self.files.create(song.song_id)
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
        victims = list(self._superfluous(in_use))
        for song_id in victims:
            self.table.delete(song_id)
            self.files.delete(song_id)
        return len(victims)

    def _superfluous(self, in_use: frozenset[str]) -> Iterator[str]:
        max_bytes, max_age_hours = self._limits.max_bytes, self._limits.max_age_hours
        too_much = 0 if max_bytes is None else self.table.usage.size_bytes - max_bytes
        old_ns = 0 if max_age_hours is None else self._now_ns() - round(max_age_hours * _HOUR_NS)
        for song_id, ended_ns, size_bytes in self.table.ends():
            if too_much <= 0 and ended_ns >= old_ns:
                return
            if song_id not in in_use:
                too_much -= size_bytes
                yield song_id

    def _mend(self) -> None:
        """Bring files and database into agreement after whatever ended the last server."""
        self.table.fail_unended(self._now_ns())
        sizes = self.files.sizes()
        for song in self.table.ended():
            size = sizes.pop(song.song_id, None)
            if size is None:
                self.table.delete(song.song_id)
            elif size < song.size_bytes:
                self.table.cut(song, size, self._now_ns())
            elif size > song.size_bytes:
                self.files.cut(song.song_id, song.size_bytes)
        for song_id in sizes:
            self.files.delete(song_id)
