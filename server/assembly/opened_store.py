"""Opens the configured song store and its song directory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.audio.codecs.registry import file_suffixes
from server.settings.store import Store
from server.store.base import SongStore
from server.store.directory import Directory
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.files import OTHER_FOLDER, StoreUnusable
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.store.shared.addresses import DirectoryAddress, ObjectsAddress
from server.store.watcher import UNWATCHED, StoreWatcher

_EVENTS_SHARE = 4
"""Divisor for the size limit of stored plans and events: a quarter of the limit for stored sound."""


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A song store and its song directory (the registry of waiting and running songs).

    `cut_off` is a function that returns the reason why this server should get no calls, or `None` if calls may come. It
    is `None` for an embedded store, as `folder` is for a shared one.
    """

    songs: SongStore
    directory: Directory
    cut_off: Callable[[], str | None] | None = None
    folder: Path | None = None


@asynccontextmanager
async def open_store(store: Store, watcher: StoreWatcher = UNWATCHED) -> AsyncIterator[OpenedStore]:
    """Open the configured kind of song store with its song directory; `watcher` counts failed calls to the store.

    Raises:
        StoreUnusable: the folder of the store cannot be used, or is in use by another server.
        SharedStoreUnusable: the song directory or the object store cannot be used.
    """
    limits = _store_limits(store)
    if store.kind == "embedded":
        async with embedded_store(_store_folder(store), limits, file_suffixes(), watcher=watcher) as embedded:
            yield OpenedStore(embedded, EmbeddedService(embedded).replica(), folder=_store_folder(store))
        return
    # The imports are here, because only servers with a shared store need the libraries.
    from server.store.shared.connection import DirectoryAccess
    from server.store.shared.service import SharedStorePlan, shared_store

    password_file = Path(store.directory_password_file) if store.directory_password_file else None
    ca_file = Path(store.directory_ca) if store.directory_ca else None
    plan = SharedStorePlan(
        DirectoryAccess(DirectoryAddress.parse(store.directory), password_file, ca_file),
        ObjectsAddress.parse(store.objects),
        store.objects_endpoint,
        limits=limits,
        lease_seconds=store.lease_seconds,
        outage_seconds=store.outage_seconds,
    )
    async with shared_store(plan, watcher=watcher) as shared:
        yield OpenedStore(shared.store, shared.directory, lambda: shared.connection.cut_off)


def _store_folder(store: Store) -> Path:
    try:
        return store.path
    except RuntimeError as error:
        raise StoreUnusable(
            "the user of the server has no home directory, so the default folder of the song store cannot be found: "
            f"{OTHER_FOLDER}"
        ) from error


def _store_limits(store: Store) -> StoreLimits:
    max_bytes = store.max_mebibytes << 20
    return StoreLimits(max_bytes, store.max_age_hours, store.max_songs, max_bytes // _EVENTS_SHARE)
