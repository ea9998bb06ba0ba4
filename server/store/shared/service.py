"""Opens the shared store for one server: the song directory (Redis or Valkey) and the object store."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

from server.background import in_background
from server.store.base import StoreFailed
from server.store.directory_rules import replica_name
from server.store.eviction import StoreLimits
from server.store.shared.addresses import ObjectsAddress
from server.store.shared.claims import Claims
from server.store.shared.connection import Connection, DirectoryAccess, connected
from server.store.shared.directory import SharedDirectory
from server.store.shared.inspection import SCHEMA_VERSION, VERSION_KEY, inspect
from server.store.shared.memory import DirectoryMemory
from server.store.shared.notifications import listening
from server.store.shared.object_store.errors import ObjectsAway, ObjectsRefused
from server.store.shared.object_store.objects import Objects, open_objects
from server.store.shared.reading import Reader
from server.store.shared.rebuilding import rebuild
from server.store.shared.store import SharedStore
from server.store.shared.unusable import SharedStoreUnusable
from server.store.watcher import UNWATCHED, StoreWatcher

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedStorePlan:
    """Addresses and parameters of the shared store.

    `objects_endpoint` is the URL of an S3-compatible store other than Amazon's. A server that does not renew its leases
    for `lease_seconds` loses its songs. Calls to an unreachable song directory are repeated for up to `outage_seconds`.
    """

    access: DirectoryAccess
    objects: ObjectsAddress
    objects_endpoint: str = ""
    limits: StoreLimits = field(default_factory=StoreLimits)
    lease_seconds: float = 6.0
    outage_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The store and the song directory of one server, and the connection that both use."""

    store: SharedStore
    directory: SharedDirectory
    connection: Connection


@asynccontextmanager
async def shared_store(
    plan: SharedStorePlan,
    *,
    replica: str = "",
    now_ns: Callable[[], int] = time.time_ns,
    objects: Objects | None = None,
    scripts: Mapping[str, str] | None = None,
    watcher: StoreWatcher = UNWATCHED,
) -> AsyncIterator[SharedParts]:
    """Context manager that opens the shared store. A new song directory is filled from the object store.

    `replica` is the name of this server; if empty, a unique one is made. `objects` and `scripts` replace the default
    object store and Lua scripts. `now_ns` returns wall-clock time in nanoseconds since 1970; `watcher` records calls
    and their failures.

    Raises:
        SharedStoreUnusable: the store cannot be used; the text says what to set.
    """
    name = replica or replica_name()
    async with connected(plan.access, plan.outage_seconds, scripts, watcher) as connection:
        known = await inspect(connection.client, plan.outage_seconds)
        with closing(objects or _objects(plan, watcher)) as opened:
            await _probe(opened, known=known)
            if not known:
                await _begin(connection, opened)
            reader = Reader(connection, opened)
            claims = Claims(connection, plan.lease_seconds)
            terms = (plan.limits, now_ns, watcher)
            store = SharedStore(connection, opened, reader, claims, *terms, lease_seconds=plan.lease_seconds)
            memory = DirectoryMemory(connection.client, watcher)
            async with listening(connection, name) as messages, in_background(memory.run()):
                parts = (connection, messages, reader, claims, opened)
                directory = SharedDirectory(*parts, replica=name, lease_seconds=plan.lease_seconds, memory=memory)
                try:
                    yield SharedParts(store, directory, connection)
                finally:
                    store.close()


def _objects(plan: SharedStorePlan, watcher: StoreWatcher) -> Objects:
    try:
        return open_objects(plan.objects, plan.objects_endpoint, watcher)
    except StoreFailed as error:
        raise _unusable(error) from error


async def _probe(objects: Objects, *, known: bool) -> None:
    """Check that the object store can be used. If it is only unreachable, and the song directory already has data
    (`known`), the server starts without it.
    """
    try:
        await objects.probe()
    except StoreFailed as error:
        if not known or not isinstance(error, ObjectsAway):
            raise _unusable(error) from error
        logger.error(
            "the object store cannot be used now, so ended songs stay in the song directory until it can be used: %s",
            error,
        )


def _unusable(error: StoreFailed) -> SharedStoreUnusable:
    advice = (
        ""
        if isinstance(error, ObjectsRefused)
        else ": correct MELISMA_STORE__OBJECTS and its keys, or start the store there"
    )
    return SharedStoreUnusable(f"{error}{advice}")


async def _begin(connection: Connection, objects: Objects) -> None:
    """Fill a new song directory from the object store, and write the version number of this server's data format into
    it.
    """
    try:
        restored = await rebuild(connection, objects)
    except StoreFailed as error:
        raise _unusable(error) from error
    await connection.client.set(VERSION_KEY, SCHEMA_VERSION)
    logger.info("the song directory was empty and has been filled from the object store", extra={"songs": restored})
