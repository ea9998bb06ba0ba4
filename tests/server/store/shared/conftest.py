from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from server.store.shared.service import SharedParts, shared_store
from tests.support.servers import DirectoryServer
from tests.support.shared_stores import empty_directory, plan_for


@pytest.fixture
async def client() -> AsyncIterator[Redis]:
    """Fixture: a client of the song directory that all tests share, which is empty."""
    async with empty_directory() as opened:
        yield opened


@pytest.fixture
async def parts(client: Redis, tmp_path: Path) -> AsyncIterator[SharedParts]:
    """Fixture: the replica "here" of a service with a shared store, on the real clock."""
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="here") as opened:
        yield opened


@pytest.fixture
async def there(client: Redis, tmp_path: Path) -> AsyncIterator[SharedParts]:
    """Fixture: the replica "there" of the same service as the replica "here" of the fixture `parts`."""
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="there") as opened:
        yield opened


@pytest.fixture
def own_server() -> Iterator[Callable[..., DirectoryServer]]:
    """Fixture: a function that starts directory servers with options, for only this test."""
    servers: list[DirectoryServer] = []

    def start(*options: Any) -> DirectoryServer:
        servers.append(DirectoryServer(*options))
        return servers[-1]

    yield start
    for server in servers:
        server.remove()
