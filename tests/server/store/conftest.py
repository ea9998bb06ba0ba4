"""Fixtures: a service of two replicas with each kind of store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.store.eviction import StoreLimits
from tests.support.store_kinds import KINDS, ON_S3, Opening, OpenService, Service


@pytest.fixture(params=(*KINDS, ON_S3))
def open_service(request: pytest.FixtureRequest, tmp_path: Path) -> OpenService:
    """Fixture: a function that opens a service with one kind of store, whose clock stands at `now_ns`; further keyword
    arguments are fields of `StoreLimits`.
    """
    opening: Opening = request.param
    return lambda now_ns=0, **limits: opening(tmp_path, StoreLimits(**limits), now_ns)


@pytest.fixture
async def service(open_service: OpenService) -> AsyncIterator[Service]:
    """Fixture: a service of two replicas without limits."""
    async with open_service() as opened:
        yield opened
