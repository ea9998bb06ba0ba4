"""Fixtures: the scripted music service on a real port."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from melisma.v1.music_pb2_grpc import add_MusicServiceServicer_to_server
from tests.clients.python.fakes import FakeMusic


@pytest.fixture
def music() -> FakeMusic:
    return FakeMusic()


@pytest.fixture
def address(music: FakeMusic) -> Iterator[str]:
    """Fixture: the "host:port" at which the scripted service `music` listens."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_MusicServiceServicer_to_server(music, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    music.left.set()
    server.stop(grace=None).wait()
