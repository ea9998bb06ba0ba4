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
    """Fixture: a client of the directory that tests share, with nothing in it."""
    async with empty_directory() as opened:
        yield opened


@pytest.fixture
async def parts(client: Redis, tmp_path: Path) -> AsyncIterator[SharedParts]:
    """Fixture: a replica on the server's own clock."""
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="here") as opened:
        yield opened


@pytest.fixture
async def there(client: Redis, tmp_path: Path) -> AsyncIterator[SharedParts]:
    """Another replica."""
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects"), replica="there") as opened:
        yield opened


@pytest.fixture
def own_server() -> Iterator[Callable[..., DirectoryServer]]:
    """Starts servers of this test alone, with options."""
    servers: list[DirectoryServer] = []

    def start(*options: Any) -> DirectoryServer:
        servers.append(DirectoryServer(*options))
        return servers[-1]

    yield start
    for server in servers:
        server.remove()
