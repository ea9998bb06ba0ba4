"""The kinds of stores and directories, each as two replicas of one service see it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import pytest

from server.audio.codecs.registry import file_suffixes
from server.store.base import SongStore
from server.store.directory import Directory
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.store.shared.service import SharedParts, SharedStorePlan
from tests.support.servers import new_prefix, s3_server
from tests.support.shared_stores import CLOCK_KEY, plan_for, replicas

HERE, THERE = "here", "there"
LEASE_SECONDS = 6.0


@dataclass(frozen=True)
class Replica:
    """The store and the directory, as one replica sees them."""

    store: SongStore
    directory: Directory


def replica_of(parts: SharedParts) -> Replica:
    """Return a replica that works with these parts."""
    return Replica(parts.store, parts.directory)


@dataclass(frozen=True)
class Service:
    """Two replicas; `pass_time` lets so many seconds go by on the clock of leases and quotas."""

    here: Replica
    there: Replica
    pass_time: Callable[[float], Awaitable[None]]


Opening: TypeAlias = Callable[[Path, StoreLimits, int], AbstractAsyncContextManager[Service]]
"""Opens a service in a folder, with limits, at a time of the wall clock in nanoseconds."""


OpenService: TypeAlias = Callable[..., AbstractAsyncContextManager[Service]]
"""Opens a service of one kind, at `now_ns`, with limits by their names."""


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds


@asynccontextmanager
async def embedded(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with the embedded store and directory, shared by two replicas of one process."""
    clock = ManualClock()
    async with embedded_store(folder, limits, file_suffixes(), now_ns=lambda: now_ns) as store:
        service = EmbeddedService(store, lease_seconds=LEASE_SECONDS, clock=clock)
        here, there = (Replica(store, service.replica(name)) for name in (HERE, THERE))
        yield Service(here, there, clock.pass_time)


@asynccontextmanager
async def embedded_replica(folder: Path, limits: StoreLimits | None = None) -> AsyncIterator[Replica]:
    """Context manager with a server with the embedded store and directory, as it runs alone."""
    async with embedded_store(folder, limits or StoreLimits(), file_suffixes()) as store:
        yield Replica(store, EmbeddedService(store).replica())


@asynccontextmanager
async def shared(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with the shared store and directory over a real server of the directory, with objects in a
    folder.
    """
    async with _shared(plan_for(objects=f"file://{folder}/objects", limits=limits), now_ns) as service:
        yield service


@asynccontextmanager
async def shared_on_s3(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with the shared store with its objects in a bucket of a real server."""
    plan = plan_for(objects=new_prefix(), objects_endpoint=s3_server(), limits=limits)
    async with _shared(plan, now_ns) as service:
        yield service


@asynccontextmanager
async def _shared(plan: SharedStorePlan, now_ns: int) -> AsyncIterator[Service]:
    async with replicas(replace(plan, lease_seconds=LEASE_SECONDS), HERE, THERE, now_ns=now_ns) as (opened, client):

        async def pass_time(seconds: float) -> None:
            await client.incrbyfloat(CLOCK_KEY, seconds)

        await client.set(CLOCK_KEY, 1000)
        here, there = (Replica(parts.store, parts.directory) for parts in opened)
        yield Service(here, there, pass_time)


KINDS = (embedded, pytest.param(shared, marks=pytest.mark.shared))
ON_S3 = pytest.param(shared_on_s3, marks=pytest.mark.s3)
