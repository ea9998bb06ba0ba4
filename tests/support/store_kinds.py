"""The kinds of stores and song directories, each as a service of two replicas."""

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
    """The store and the song directory of one replica."""

    store: SongStore
    directory: Directory


def replica_of(parts: SharedParts) -> Replica:
    """Return a replica that uses the parts of a shared store."""
    return Replica(parts.store, parts.directory)


@dataclass(frozen=True)
class Service:
    """A service of two replicas; `pass_time` advances the clock of leases and quotas by a number of seconds."""

    here: Replica
    there: Replica
    pass_time: Callable[[float], Awaitable[None]]


Opening: TypeAlias = Callable[[Path, StoreLimits, int], AbstractAsyncContextManager[Service]]
"""Function that opens a service in a folder, with limits, at a wall-clock time in nanoseconds."""


OpenService: TypeAlias = Callable[..., AbstractAsyncContextManager[Service]]
"""Function that opens a service with one kind of store, at the time `now_ns`, with limits by their names."""


class ManualClock:
    """A clock whose time a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds


@asynccontextmanager
async def embedded(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with a service whose two replicas share the embedded store and directory of this process; the
    store's wall clock stands at `now_ns`.
    """
    clock = ManualClock()
    async with embedded_store(folder, limits, file_suffixes(), now_ns=lambda: now_ns) as store:
        service = EmbeddedService(store, lease_seconds=LEASE_SECONDS, clock=clock)
        here, there = (Replica(store, service.replica(name)) for name in (HERE, THERE))
        yield Service(here, there, clock.pass_time)


@asynccontextmanager
async def embedded_replica(folder: Path, limits: StoreLimits | None = None) -> AsyncIterator[Replica]:
    """Context manager with a replica that uses the embedded store and directory alone."""
    async with embedded_store(folder, limits or StoreLimits(), file_suffixes()) as store:
        yield Replica(store, EmbeddedService(store).replica())


@asynccontextmanager
async def shared(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with a service on the shared store: a real directory server, and objects in a folder, whose wall
    clock stands at `now_ns`.
    """
    async with _shared(plan_for(objects=f"file://{folder}/objects", limits=limits), now_ns) as service:
        yield service


@asynccontextmanager
async def shared_on_s3(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[Service]:
    """Context manager with a service on the shared store: a real directory server, and objects in a bucket of a real S3
    server, whose wall clock stands at `now_ns`; `folder` is not used.
    """
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
