"""The shared store with real servers, and a clock that the test sets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from server.store.shared.addresses import DirectoryAddress, ObjectsAddress
from server.store.shared.connection import DirectoryAccess
from server.store.shared.scripts import assembled
from server.store.shared.service import SharedParts, SharedStorePlan, shared_store
from tests.support.servers import directory_server

CLOCK_KEY = "test:clock"
MANUAL_SCRIPTS = assembled(f"local function now() return tonumber(redis.call('GET', '{CLOCK_KEY}') or 1000) end\n")


def plan_for(url: str = "", objects: str = "memory://", **terms: Any) -> SharedStorePlan:
    """Return the settings (plan) to open a shared store: a directory server at `url`, by default the server that all
    tests share, and an object store at `objects`; `terms` are further fields of the plan.
    """
    access = DirectoryAccess(DirectoryAddress.parse(url or directory_server().url))
    return SharedStorePlan(access, ObjectsAddress.parse(objects), **terms)


@asynccontextmanager
async def empty_directory(url: str = "") -> AsyncIterator[Redis]:
    """Context manager with a Redis client of the song directory at `url`, by default the one that all tests share,
    after all its data were deleted.
    """
    async with Redis.from_url(url or directory_server().url) as client:
        await client.flushall()
        yield client


@asynccontextmanager
async def replicas(plan: SharedStorePlan, *names: str, now_ns: int) -> AsyncIterator[tuple[list[SharedParts], Redis]]:
    """Context manager with replicas of one service, one for each of `names`, whose directory is empty, and a Redis
    client that can set the directory's clock; the clock of objects stands at `now_ns`.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(empty_directory())
        openings = (shared_store(plan, replica=name, now_ns=lambda: now_ns, scripts=MANUAL_SCRIPTS) for name in names)
        yield [await stack.enter_async_context(opening) for opening in openings], client
