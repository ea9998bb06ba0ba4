"""Fixtures: a running service for each test module of REST."""

from collections.abc import Iterator

import pytest

from tests.support.rest import SONG, Rest
from tests.support.service import Service, ready, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
LINGER_SECONDS = 0.5


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(
        FAKE,
        STORE__LINGER_SECONDS=str(LINGER_SECONDS),
        LIMITS__HEARTBEAT_SECONDS="0.2",
        REST__ORIGINS="https://here.example",
        LIMITS__REQUEST_BYTES=str(1 << 16),
    ) as service:
        ready(service)
        yield service


@pytest.fixture
def rest(service: Service) -> Rest:
    return Rest(service.http_address, {})


@pytest.fixture(scope="module")
def whole(service: Service) -> tuple[str, bytes]:
    """Fixture: the id and the sound of a completed song."""
    rest = Rest(service.http_address, {})
    task_id = rest.generate(SONG).json["task_id"]
    return task_id, rest.ask("GET", f"/audio/{task_id}.mp3").data
