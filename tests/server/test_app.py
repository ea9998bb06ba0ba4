import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import grpc.aio
import psutil
import pytest

from server.api.address import PortUnavailable
from server.app import serving
from server.settings.settings import Settings
from server.settings.store import Store
from tests.support.service import Service, running_service, start

FAKE = "fake=tests.support.fakes:FakeEngine"
WAIT_SECONDS = 30.0


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


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(FAKE) as service:
        yield service


def test_a_process_logs_the_address_of_each_port_by_its_kind(service: Service) -> None:
    grpc_record, http_record = service.listening["grpc"], service.listening["http"]
    assert (grpc_record["message"], http_record["message"]) == (
        "the server is listening for gRPC",
        "the server is listening for HTTP",
    )
    assert grpc_record["engines"] == ["fake"]
    with urlopen(f"http://{http_record['address']}/livez", timeout=WAIT_SECONDS) as answer:
        assert answer.status == 200
    with grpc.insecure_channel(grpc_record["address"]) as channel:
        service.wait_serving(channel)


def test_a_ready_process_says_so_over_http_and_tells_of_itself(service: Service) -> None:
    with grpc.insecure_channel(service.address) as channel:
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


def test_a_signal_during_the_start_leaves_no_worker() -> None:
    with start("--port", "0", "--http-port", "0", ENGINES=FAKE) as process:
        server = psutil.Process(process.pid)
        while not (workers := server.children()):
            assert process.poll() is None
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
        assert not any(worker.is_running() for worker in workers)
