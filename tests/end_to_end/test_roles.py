"""Tests of frontends and generators on one store: songs wait at a frontend while no generator runs."""

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from redis import Redis

from melisma.v1 import music_pb2
from melisma.v1.music_pb2_grpc import MusicServiceStub
from tests.support.servers import DirectoryServer, eventually
from tests.support.service import Service, ready, running_service

pytestmark = pytest.mark.shared

FAKE = "fake=tests.support.fakes:FakeEngine"
TIMEOUT_SECONDS = 60.0
COLD_START_SECONDS = 20.0


@pytest.fixture
def directory() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


def metrics(service: Service) -> str:
    with urllib.request.urlopen(f"http://{service.http_address}/metrics", timeout=TIMEOUT_SECONDS) as answer:
        return str(answer.read(), "utf-8")


class Roles:
    """Servers of both roles, frontend and generator, on one shared store, and the calls of a client to the frontend,
    which is started first.
    """

    def __init__(self, stack: ExitStack, directory: str, objects: Path) -> None:
        self._stack = stack
        self._shared = {
            "STORE__KIND": "shared",
            "STORE__FOLDER": "",
            "STORE__DIRECTORY": directory,
            "STORE__OBJECTS": f"file://{objects}",
            "STORE__LEASE_SECONDS": "2",
            "LIMITS__HEARTBEAT_SECONDS": "0.5",
        }
        self.frontend = self.started("frontend", STORE__COLD_START_SECONDS=f"{COLD_START_SECONDS}")
        self.music: Any = MusicServiceStub(stack.enter_context(grpc.insecure_channel(self.frontend.address)))

    def started(self, role: str, **more: str) -> Service:
        service = self._stack.enter_context(running_service(FAKE, ROLE=role, **self._shared, **more))
        ready(service)
        return service

    def generate(self, seconds: float = 10.0) -> Any:
        request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=seconds)
        return self.music.Generate(request, timeout=TIMEOUT_SECONDS)

    def refusal(self, seconds: float = 10.0, *, said: str | None = None) -> grpc.StatusCode:
        """Request a song of `seconds`, and return the status with which the frontend refuses it at once; fails unless
        the error text matches the pattern `said`.
        """
        with pytest.raises(grpc.RpcError, match=said) as caught:
            next(self.generate(seconds))
        code: grpc.StatusCode = caught.value.code()
        return code


def stopped(generator: Service) -> None:
    """Check that a generator refuses calls of its own, and ends with status 0 after SIGTERM."""
    with grpc.insecure_channel(generator.address) as channel, pytest.raises(grpc.RpcError) as caught:
        MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    generator.process.terminate()
    assert generator.process.wait(TIMEOUT_SECONDS) == 0


def require_told_of_waiting(stream: Any) -> None:
    """Fail unless the song of `stream`, the first in the queue, gets plausible estimates of its times and the queue
    position 1 in its first events.
    """
    accepted = next(stream).event.accepted
    assert 0.5 * COLD_START_SECONDS < accepted.estimated_first_audio.ToTimedelta().total_seconds() < 25.0
    told = [next(stream).event.progress for _ in range(2)]
    assert [one.queue_position for one in told] == [1, 1]
    assert all(one.estimated_finish.ToTimedelta().total_seconds() > 5.0 for one in told)


def test_songs_wait_at_a_frontend_until_a_generator_makes_them(directory: DirectoryServer, tmp_path: Path) -> None:
    with ExitStack() as stack, Redis.from_url(directory.url) as redis:
        roles = Roles(stack, directory.url, tmp_path)
        # Nothing is known of the engine: the caller is told so, and whoever starts generators is asked for one.
        refusal = roles.refusal(said="start a server with this engine")
        assert refusal is grpc.StatusCode.FAILED_PRECONDITION
        eventually(lambda: redis.llen("m:demand:fake") == 1)
        generator = roles.started("generator")
        eventually(lambda: not redis.exists("m:demand:fake"))
        assert list(roles.generate())[-1].event.HasField("finished")
        eventually(lambda: b"shared_step_pace" in (redis.hget("m:known", "fake") or b""))
        stopped(generator)
        eventually(lambda: not roles.music.GetEngine(music_pb2.GetEngineRequest(name="fake")).engine.ready)
        # The engine is known by now: songs are let in, checked, told when they will be made, and counted.
        assert roles.refusal(seconds=500.0) is grpc.StatusCode.INVALID_ARGUMENT
        waiting = [roles.generate() for _ in range(3)]
        require_told_of_waiting(waiting[0])
        eventually(lambda: 'melisma_service_songs{engine="fake"} 3.0' in metrics(roles.frontend))
        assert 'melisma_backlog_seconds{engine="fake"}' in metrics(roles.frontend)
        assert redis.llen("m:demand:fake") == 3
        roles.started("generator")
        assert [list(stream)[-1].event.HasField("finished") for stream in waiting] == [True] * 3
        assert float(redis.hget("m:starts", "fake") or 0.0) > 0.5
