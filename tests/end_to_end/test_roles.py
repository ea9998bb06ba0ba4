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


def test_songs_wait_at_a_frontend_until_a_generator_makes_them(directory: DirectoryServer, tmp_path: Path) -> None:
    shared = {
        "STORE__KIND": "shared",
        "STORE__FOLDER": "",
        "STORE__DIRECTORY": directory.url,
        "STORE__OBJECTS": f"file://{tmp_path}",
        "STORE__LEASE_SECONDS": "2",
        "LIMITS__HEARTBEAT_SECONDS": "0.5",
    }
    cold = {"STORE__COLD_START_SECONDS": f"{COLD_START_SECONDS}"}
    with ExitStack() as stack, Redis.from_url(directory.url) as redis:

        def started(role: str, **more: str) -> Service:
            service = stack.enter_context(running_service(FAKE, ROLE=role, **shared, **more))
            ready(service)
            return service

        def generate(seconds: float = 10.0, **fields: Any) -> Any:
            request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=seconds, **fields)
            return music.Generate(request, timeout=TIMEOUT_SECONDS)

        frontend = started("frontend", **cold)
        music: Any = MusicServiceStub(stack.enter_context(grpc.insecure_channel(frontend.address)))
        # Nothing is known of the engine: the caller is told so, and whoever starts generators is asked for one.
        with pytest.raises(grpc.RpcError, match="start a server with this engine") as caught:
            next(generate())
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        eventually(lambda: redis.llen("m:demand:fake") == 1)
        generator = started("generator")
        eventually(lambda: not redis.exists("m:demand:fake"))
        assert list(generate())[-1].event.HasField("finished")
        with grpc.insecure_channel(generator.address) as channel, pytest.raises(grpc.RpcError) as caught:
            MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest())
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        eventually(lambda: b"shared_step_pace" in (redis.hget("m:known", "fake") or b""))
        generator.process.terminate()
        assert generator.process.wait(TIMEOUT_SECONDS) == 0
        eventually(lambda: not music.GetEngine(music_pb2.GetEngineRequest(name="fake")).engine.ready)
        # The engine is known by now: songs are let in, checked, told when they will be made, and counted.
        with pytest.raises(grpc.RpcError) as caught:
            next(generate(seconds=500.0))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        waiting = [generate() for _ in range(3)]
        accepted = next(waiting[0]).event.accepted
        assert 0.5 * COLD_START_SECONDS < accepted.estimated_first_audio.ToTimedelta().total_seconds() < 25.0
        told = [next(waiting[0]).event.progress for _ in range(2)]
        assert [one.queue_position for one in told] == [1, 1]
        assert all(one.estimated_finish.ToTimedelta().total_seconds() > 5.0 for one in told)
        eventually(lambda: 'melisma_service_songs{engine="fake"} 3.0' in metrics(frontend))
        assert 'melisma_backlog_seconds{engine="fake"}' in metrics(frontend)
        assert redis.llen("m:demand:fake") == 3
        generator = started("generator")
        assert [list(stream)[-1].event.HasField("finished") for stream in waiting] == [True] * 3
        assert float(redis.hget("m:starts", "fake") or 0.0) > 0.5
