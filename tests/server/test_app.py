import signal
import socket
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from server.api.address import PortUnavailable
from server.app import encoder_threads, runner_settings, serving
from server.settings.groups import Device, Limits, Store
from server.settings.settings import Settings
from server.workers.messages import EngineSpec
from tests.support.edge import edge, raw_call
from tests.support.fake_runner import FakeRunner
from tests.support.service import running_service, start

FAKE = "fake=tests.support.fakes:FakeEngine"
CPU = Device(device="cpu")
WAIT_SECONDS = 30.0


def test_the_runner_gets_its_sizes_and_engines_from_the_settings() -> None:
    devices = (CPU, Device(device="cuda:0", running_songs=4), CPU, Device(device="cpu", render_beside=True))
    limits = Limits(queued_songs=3, running_songs=7)
    given = runner_settings(Settings(devices=devices, engines=("studio", FAKE), limits=limits))
    assert [(spec.name, spec.device, spec.running_songs, len(spec.lanes)) for spec in given.devices] == [
        ("cpu", "cpu", 7, 1),
        ("cuda:0", "cuda:0", 4, 2),
        ("cpu#2", "cpu", 7, 1),
        ("cpu#3", "cpu", 7, 2),
    ]
    assert given.max_queued_songs == 3
    variables = {"device": "MELISMA_DEVICES"}
    fake = EngineSpec("fake", "tests.support.fakes:FakeEngine", variables=variables)
    assert given.engines == (EngineSpec("studio", variables=variables), fake)


@pytest.mark.parametrize(("devices", "cores", "threads"), [("g", 2, 2), ("c", 2, 1), ("cc", 2, 1), ("cg", 16, 8)])
def test_encoders_get_the_cores_that_no_worker_needs(devices: str, cores: int, threads: int) -> None:
    kinds = {"c": CPU, "g": Device(device="cuda:0")}
    assert encoder_threads([kinds[one] for one in devices], cores) == threads


@pytest.mark.parametrize("which", ["port", "http_port"])
async def test_a_port_that_is_taken_is_named(which: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        given = {"port": 0, "http_port": 0, "engines": (FAKE,), "store": Store(folder=str(tmp_path)), which: port}
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:{port}"):
            async with serving(Settings(**given)):
                pass


async def test_the_schema_can_be_asked_for() -> None:
    async with edge(FakeRunner()) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channel))
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {"melisma.v1.MusicService", "grpc.health.v1.Health"} <= names


async def test_a_request_above_the_size_limit_is_refused_by_grpc_itself() -> None:
    async with edge(FakeRunner()) as channel:
        call = raw_call(channel, "Generate")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [response async for response in call(bytes(5 << 20))]
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_settings_that_cannot_be_used_end_the_process_with_status_2() -> None:
    with start("--port", "70000") as process:
        assert process.wait(WAIT_SECONDS) == 2
        assert process.stderr is not None
        assert "MELISMA_PORT" in process.stderr.read()


def test_a_port_that_is_taken_ends_the_process_with_status_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with start("--port", str(port), "--http-port", "0", ENGINES=FAKE) as process:
            assert process.wait(WAIT_SECONDS) == 1
            assert process.stderr is not None
            assert f"cannot listen on 127.0.0.1:{port}" in process.stderr.read()


def test_a_ready_process_says_so_over_http_and_tells_of_itself() -> None:
    with running_service(FAKE) as service, grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        with urlopen(f"http://{service.http_address}/readyz", timeout=WAIT_SECONDS) as answer:
            assert answer.status == 200
        with urlopen(f"http://{service.http_address}/metrics", timeout=WAIT_SECONDS) as answer:
            assert b"process_resident_memory_bytes" in answer.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_process_with_status_0(number: signal.Signals) -> None:
    with running_service(FAKE) as service:
        service.process.send_signal(number)
        assert service.process.wait(WAIT_SECONDS) == 0
