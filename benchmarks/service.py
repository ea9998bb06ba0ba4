"""A server of our own to measure: started on loopback, watched from outside, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running server: where it listens, its process, and how long it took from launch to SERVING."""

    address: str
    process: psutil.Process
    start_seconds: float

    def family(self) -> list[psutil.Process]:
        """The server process and its workers."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """CPU time that server and workers have used so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self.family())

    def memory_bytes(self) -> int:
        """Resident memory of server and workers, shared pages counted once per process."""
        return sum(process.memory_info().rss for process in self.family())


@contextmanager
def running_service(**settings: str) -> Iterator[Service]:
    """Start `python -m server` and wait until it is SERVING; `settings` become MELISMA_* variables."""
    port = _free_port()
    environment = os.environ | {f"MELISMA_{name.upper()}": value for name, value in settings.items()}
    started = time.monotonic()
    command = [sys.executable, "-m", "server", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, env=environment)
    try:
        address = f"127.0.0.1:{port}"
        _wait_serving(address, process, started + START_TIMEOUT_SECONDS)
        yield Service(address, psutil.Process(process.pid), time.monotonic() - started)
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_serving(address: str, process: subprocess.Popen[bytes], until: float) -> None:
    with grpc.insecure_channel(address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < until:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with status {process.returncode} before it was ready")
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1.0, wait_for_ready=True)
            except grpc.RpcError:
                continue
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            time.sleep(0.02)
    raise RuntimeError(f"the server was not ready within {START_TIMEOUT_SECONDS:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
