"""The song store of several servers: running songs are in the song directory (Redis or Valkey), ended ones in the
object store.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from server.song import SongState
from server.store.base import (
    NOT_KEPT,
    Cursor,
    Extent,
    Lease,
    LeaseLost,
    SongGone,
    SongRecord,
    StoredEvent,
    StoreFailed,
    StoreUsage,
    Whole,
    WrongOffset,
)
from server.store.clock import AgeClock
from server.store.eviction import EndedSong, Stored, StoreLimits, evicted
from server.store.shared.claims import Claims
from server.store.shared.connection import Connection
from server.store.shared.deletion import Deletion
from server.store.shared.object_store.errors import ObjectsAway, ObjectsRefused
from server.store.shared.object_store.objects import Objects, Seal
from server.store.shared.reading import Reader
from server.store.shared.records import event_bytes, lease_text, listed, present_record, record_bytes
from server.store.turns import Turns
from server.store.watcher import UNWATCHED, StoreWatcher

LIVE_SECONDS: Final = 60
"""Seconds for which sound and events of an ended song stay in the song directory, for listeners who still read them."""

_PAGE: Final = 100
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_PUT_BACK_SECONDS: Final = 0.1
"""Seconds between two reads of a song that is missing after an outage, and that its server may register again."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class SharedStore:
    """Implements the protocol `SongStore` with a song directory (Redis or Valkey) and an object store. Calls for one
    song take effect in their order.
    """

    def __init__(
        self,
        connection: Connection,
        objects: Objects,
        reader: Reader,
        claims: Claims,
        limits: StoreLimits,
        now_ns: Callable[[], int] = time.time_ns,
        watcher: StoreWatcher = UNWATCHED,
        *,
        lease_seconds: float,
    ) -> None:
        """Set up the shared store. `reader` reads songs, `claims` keeps the songs assigned to this server, `now_ns`
        returns wall-clock time in nanoseconds since 1970, and `watcher` records failures. For `lease_seconds` after an
        outage of the song directory, reads wait for a missing song that its server may register again.
        """
        self._lease_seconds = lease_seconds
        self._connection = connection
        self._objects = objects
        self._limits = limits
        self._now_ns = now_ns
        self._clock = AgeClock(now_ns)
        self._watcher = watcher
        self._reader = reader
        self._claims = claims
        self._turns = Turns()
        self._deletion = Deletion(connection, objects, reader)
        self._trouble: str | None = None

    @property
    def embedded(self) -> bool:
        """False: the store continues to exist when this process ends."""
        return False

    async def create(self, song: SongRecord, lease: Lease) -> None:
        """Check that this server holds the lease of the song; the record was already stored at admission."""
        async with self._turns.taken(song.song_id):
            await self._write("create", lease)

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Append events and sound of a song to the song directory; see `SongStore.append`."""
        items = [*map(event_bytes, events)]
        if sound:
            self._claims.sounded(song.song_id)
        async with self._turns.taken(song.song_id):
            terms = (at.size_bytes, at.events, record_bytes(song), song.state.value)
            await self._write("append", lease, *terms, sound, *items)

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Copy a song into the object store, then store its final state in the song directory. Until the object store
        accepts the song, the song has not ended. See `SongStore.end`.
        """
        with self._watcher.sealing(song.size_bytes):
            await self._end_in_time(song, lease, at, whole)
        if song.reason != NOT_KEPT:
            self._trouble = None
        if song.state is SongState.CANCELLED and not song.duration_seconds:
            self._deletion.delete_soon(song.song_id)

    async def _end_in_time(self, song: SongRecord, lease: Lease, at: Extent, whole: Callable[[], Whole] | None) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._turns.taken(song.song_id):
                    return await self._end(song, lease, at, whole)
            except (ObjectsAway, ObjectsRefused) as error:
                logger.error(
                    "an ended song cannot be stored in the object store; the server goes on trying: %s",
                    error,
                    extra={"song_id": song.song_id},
                )
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def discard(self, lease: Lease) -> None:
        """Delete all stored data of a song; see `SongStore.discard`."""
        async with self._turns.taken(lease.song_id):
            await self._write("forget", lease)
            self._claims.remove(lease)

    async def get(self, song_id: str) -> SongRecord | None:
        """Return the record of a song; `None` for an unknown id."""
        await self._turns.passed(song_id)
        return await self._found(lambda: self._record(song_id))

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """Return the record of the newest song that a caller has requested with `request_id`; `None` if there is
        none.
        """
        return next(iter(await self._records("request", caller, request_id)), None)

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Return the records of up to `count` songs of a caller, newest first, after the position `after` in the
        list.
        """
        return await self._records("page", caller, listed(after) if after else "", count)

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """Return the record of one song and all its events, in order; `None` for an unknown id."""
        await self._turns.passed(song_id)
        try:
            return await self._found(lambda: self._reader.events(song_id))
        except SongGone:
            return None

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a song's sound from byte `offset` on; see `SongStore.read`."""
        await self._turns.passed(song_id)
        sound = await self._reader.sound(song_id, offset, size)
        if sound is None:
            raise StoreFailed(f"the song store has no song {song_id}: it was deleted, or evicted by the limits")
        return sound

    async def evict(self, in_use: Collection[str]) -> int:
        """Delete ended songs, oldest first, until the store is within its limits; return the number of deleted songs;
        see `SongStore.evict`.
        """
        deleted = kept = 0
        while True:
            usage, rows = await self._connection.run("ended", kept, _PAGE)
            self._reader.renew_usage(usage)
            songs = [EndedSong(song_id.decode(), int(ended), int(size)) for song_id, ended, size, _ in rows]
            attended = {song_id.decode() for song_id, _, _, listened in rows if listened}
            stored = Stored(self.usage().songs, self.usage().size_bytes)
            now_ns, stay = self._clock.now_ns(), attended.union(in_use)
            victims = list(evicted(songs, self._limits, stored=stored, now_ns=now_ns, in_use=stay))
            gone = sum([await self._deletion.delete_unheard(song_id) for song_id in victims])
            deleted, kept = deleted + gone, kept + len(songs) - gone
            if not victims or len(songs) < _PAGE:
                return deleted

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended; see `SongStore.delete`."""
        async with self._turns.taken(song_id):
            return await self._deletion.delete_ended(song_id)

    @property
    def trouble(self) -> str | None:
        """The reason why songs cannot be stored now, as a text; `None` if they can be stored."""
        return self._trouble

    def usage(self) -> StoreUsage:
        """Return number and size of the stored songs, as in the song directory's last response."""
        return self._reader.usage

    def close(self) -> None:
        """Cancel the scheduled deletions; the eviction by limits deletes these songs later."""
        self._deletion.close()

    async def _end(self, song: SongRecord, lease: Lease, at: Extent, whole: Callable[[], Whole] | None) -> None:
        if await self._write("end", lease, at.size_bytes, at.events) == b"done":
            return
        owned = replace(song, owner=lease.replica, epoch=lease.epoch, size_bytes=at.size_bytes)
        stored = await self._reader.whole(song.song_id, at) if whole is None else whole()
        if stored is None or Extent(len(stored.sound), len(stored.events)) != at:
            raise LeaseLost(song.song_id)
        seal = Seal.of(song.song_id, lease.epoch, lease.nonce)
        await self._objects.seal(seal, owned, list(map(event_bytes, stored.events)), stored.sound)
        ended_ns = song.ended_ns or self._now_ns()
        end = (record_bytes(owned), song.state.value, ended_ns, seal.name, LIVE_SECONDS)
        try:
            await self._write("end", lease, at.size_bytes, at.events, *end)
        except _Deleted:  # another server has ended and deleted the song while this server wrote its objects
            await self._objects.delete(song.song_id)
            raise

    async def _write(self, script: str, lease: Lease, *arguments: bytes | str | int) -> bytes:
        """Change a song by a Lua script in the song directory, and return the status word in the script's response,
        such as "done".

        Raises:
            LeaseLost: `lease` is not the song's present lease, or the song has ended.
            WrongOffset: the stored part does not end where the call expects.
            _Deleted: the song was deleted.
        """
        song_id = lease.song_id
        while True:
            answer = await self._noted(self._connection.run(script, song_id, lease_text(lease), *arguments))
            said: bytes = answer[0]
            self._reader.note_usage(answer[1])
            if said != b"forgotten" or not await self._claims.put_back(lease):
                break
        if said == b"deleted":
            raise _Deleted(song_id)
        if said in (b"lost", b"forgotten"):
            raise LeaseLost(song_id)
        if said == b"offset":
            raise WrongOffset(song_id, Extent(answer[2], answer[3]))
        return said

    async def _noted(self, call: Awaitable[Sequence[Any]]) -> Sequence[Any]:
        try:
            return await call
        except StoreFailed as error:
            self._trouble = str(error)
            raise

    async def _found(self, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return the result of `ask`, which reads a song; `None` for an unknown song. Shortly after an outage, the read
        of a missing song is repeated, because the server that makes it may register the song again.
        """
        while True:
            answer = await ask()
            if answer is not None or self._connection.steady_seconds >= self._lease_seconds:
                return answer
            await asyncio.sleep(_PUT_BACK_SECONDS)

    async def _record(self, song_id: str) -> SongRecord | None:
        return next(iter(await self._records("song", song_id)), None)

    async def _records(self, *query: str | int) -> list[SongRecord]:
        usage, rows = await self._connection.run("records", *query)
        self._reader.note_usage(usage)
        return [present_record(row) for row in rows]


class _Deleted(LeaseLost):
    """The lease of a song is no longer valid, because the song has ended and was deleted."""
