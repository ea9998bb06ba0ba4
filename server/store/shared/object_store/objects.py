"""Stores ended songs as objects in S3-compatible storage, another cloud's object storage, or a folder that all servers
share.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, MemoryStore, ObjectStore, S3Store

from server.store.base import SongRecord, StoreFailed
from server.store.shared.addresses import ObjectsAddress
from server.store.shared.object_store.errors import ObjectsRefused, objects_error, trouble_of
from server.store.shared.records import packed, record_bytes, unpacked
from server.store.watcher import UNWATCHED, StorePart, StoreWatcher

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_THREADS: Final = 8
_SONGS, _RECORD, _EVENTS, _PROBES = "songs", "record.json", "events", "probes"
_ANSWER_SECONDS: Final = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seal:
    """The location of one ended song in the object store. It is unique for each lease of the song, so that objects
    written under different leases cannot be mixed.

    `name` is "epoch-nonce" of the lease; names of later epochs are greater.
    """

    song_id: str
    name: str

    @classmethod
    def of(cls, song_id: str, epoch: int, nonce: str) -> "Seal":
        """Return the location in the object store for a song that was made under the lease with that epoch and
        nonce.
        """
        return cls(song_id, f"{epoch:08d}-{nonce}")

    def path(self, name: str) -> str:
        """Return the path of the object `name` (sound, events or record) of the song in the object store."""
        return f"{_SONGS}/{self.song_id}/{self.name}/{name}"


class Objects:
    """Writes songs to an object store, each object only once, and reads them. Calls run on separate threads, so they do
    not block the event loop.

    The library's own coroutines are not used, because one that finishes while the interpreter ends would abort the
    process.
    """

    def __init__(self, store: ObjectStore, watcher: StoreWatcher = UNWATCHED) -> None:
        self._store = store
        self._watcher = watcher
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")

    def close(self) -> None:
        """Stop the threads that call the object store; further calls raise StoreFailed."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def probe(self) -> None:
        """Check that the object store permits all operations that songs need: write an object, refuse to overwrite it,
        list it, delete it.

        Raises:
            ObjectsRefused: one of these operations is not permitted.
            ObjectsAway: the store could not be reached.
        """
        folder = f"{_PROBES}/{secrets.token_hex(8)}/"
        if not await self._do(lambda: self._probe(f"{folder}probe"), folder):
            raise ObjectsRefused(
                "the object store overwrote an existing object despite If-None-Match: *: use one with "
                "conditional writes"
            )
        if not await self._do(lambda: self._delete(folder), folder):
            raise ObjectsRefused(
                "the object store does not list an object that was just written: use one with consistent listings"
            )

    async def seal(self, seal: Seal, song: SongRecord, events: list[bytes], sound: bytes) -> None:
        """Store the sound, events and record of an ended song. The record is written last, and marks the song as
        complete.

        Raises:
            ObjectsAway, ObjectsRefused: the song could not be stored; the call may be repeated.
        """
        if sound:
            await self._put(seal.path(f"song.{song.format}"), sound)
        if events:
            await self._put(seal.path(_EVENTS), packed(events))
        await self._put(seal.path(_RECORD), record_bytes(song))

    async def sound(self, seal: Seal, song: SongRecord, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a stored song's sound from byte `offset` on; fewer bytes only at the end of the
        sound.
        """
        end = min(offset + size, song.size_bytes)
        if end <= offset:
            return b""
        path = seal.path(f"song.{song.format}")
        return await self._do(lambda: bytes(obstore.get_range(self._store, path, start=offset, end=end)), path)

    async def events(self, seal: Seal, count: int) -> list[bytes]:
        """Return all events of a stored song, serialized; `count` is the song's number of events; with 0 the object
        store is not read.
        """
        if not count:
            return []
        path = seal.path(_EVENTS)
        stored = await self._do(lambda: bytes(obstore.get(self._store, path).bytes()), path)
        return list(unpacked(seal.song_id, stored))

    async def delete(self, song_id: str) -> None:
        """Delete all objects of a song; missing objects are ignored."""
        path = f"{_SONGS}/{song_id}/"
        await self._do(lambda: self._delete(path), path)

    async def seals(self, song_id: str = "") -> dict[str, Seal]:
        """Return the newest location of each stored song in the object store, by song id; with `song_id` only that of
        one song.
        """
        path = f"{_SONGS}/{song_id}/" if song_id else f"{_SONGS}/"
        return await self._do(lambda: self._seals(path), path)

    async def record(self, seal: Seal) -> tuple[bytes, int]:
        """Return the serialized record of a stored song, and its number of events."""
        path = seal.path(_RECORD)
        stored = await self._do(lambda: bytes(obstore.get(self._store, path).bytes()), path)
        with suppress(FileNotFoundError):
            events = await self._do(lambda: bytes(obstore.get(self._store, seal.path(_EVENTS)).bytes()), missing=True)
            return stored, len(list(unpacked(seal.song_id, events)))
        return stored, 0

    async def _put(self, path: str, content: bytes) -> None:
        # An existing object was written by this same call, whose first response was lost.
        with suppress(AlreadyExistsError):
            await self._do(lambda: self._create(path, content), path)

    def _probe(self, path: str) -> bool:
        """Write an object twice; return True if the second write was refused."""
        self._create(path, b"")
        try:
            self._create(path, b"")
        except AlreadyExistsError:
            return True
        return False

    def _create(self, path: str, content: bytes) -> None:
        try:
            obstore.put(self._store, path, content, mode="create")
        except FileNotFoundError as error:
            raise PermissionError(f"the bucket or folder of {path} does not exist: create it") from error

    async def _do(self, work: Callable[[], T], path: str = "", *, missing: bool = False) -> T:
        """Run a call to the object store in a thread, and return its result. If the object at `path` is missing,
        StoreFailed is raised; with `missing` the library's FileNotFoundError.
        """
        started = time.monotonic()
        try:
            done = await _on(self._threads, work)
        except AlreadyExistsError:
            raise
        except FileNotFoundError as error:
            if missing:
                raise
            raise StoreFailed(
                f"the object {path} of the song store is missing: restore it, or delete the song"
            ) from error
        except (BaseError, OSError) as error:
            failed = objects_error(error)
            self._watcher.failed(StorePart.OBJECTS, trouble_of(failed))
            raise failed from error
        self._watcher.answered(StorePart.OBJECTS, time.monotonic() - started)
        return done

    def _delete(self, folder: str) -> int:
        """Delete all objects in a folder, and return the number of objects."""
        count = 0
        for batch in obstore.list(self._store, folder):
            for entry in batch:
                count += 1
                with suppress(FileNotFoundError):
                    obstore.delete(self._store, entry["path"])
        return count

    def _seals(self, folder: str) -> dict[str, Seal]:
        found: dict[str, Seal] = {}
        for batch in obstore.list(self._store, folder):
            for entry in batch:
                song_id, _, rest = entry["path"].removeprefix(f"{_SONGS}/").partition("/")
                name, _, file = rest.partition("/")
                if file == _RECORD and (song_id not in found or found[song_id].name < name):
                    found[song_id] = Seal(song_id, name)
        return found


def open_objects(address: ObjectsAddress, endpoint: str = "", watcher: StoreWatcher = UNWATCHED) -> Objects:
    """Open the object store at an address; `endpoint` is the URL of an S3-compatible store other than Amazon's.

    Credentials come from the cloud's own environment variables (AWS_..., GOOGLE_..., AZURE_...) or from the machine's
    identity.

    Raises:
        ObjectsAway, ObjectsRefused: the store cannot be used, or a variable is invalid.
    """
    try:
        return Objects(_store(address, endpoint), watcher)
    except (BaseError, OSError, ValueError) as error:
        raise objects_error(error) from error


def _store(address: ObjectsAddress, endpoint: str) -> ObjectStore:
    if address.scheme == "memory":
        return MemoryStore()
    if address.scheme == "file":
        return LocalStore(Path(address.prefix), mkdir=True)
    seconds = timedelta(seconds=_ANSWER_SECONDS)
    client: ClientConfig = {"allow_http": endpoint.startswith("http://"), "timeout": seconds}
    retry: RetryConfig = {"max_retries": 2, "retry_timeout": seconds}
    bucket, prefix = address.bucket, address.prefix or None
    if address.scheme == "gs":
        return GCSStore(bucket, prefix=prefix, client_options=client, retry_config=retry)
    if address.scheme == "az":
        return AzureStore(bucket, prefix=prefix, client_options=client, retry_config=retry)
    config: S3Config = {"endpoint": endpoint} if endpoint else {}
    return S3Store(bucket, prefix=prefix, config=config, client_options=client, retry_config=retry)


async def _on(threads: Executor, work: Callable[[], T]) -> T:
    try:
        done = asyncio.get_running_loop().run_in_executor(threads, work)
    except RuntimeError as error:  # the executor has shut down
        raise StoreFailed(
            "the song store is closed, because the server is ending: call again after its restart"
        ) from error
    return await done
