"""Starts, calls and stops frontends and generators on this computer, with a real Redis or Valkey."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
from redis import Redis

from clients.examples.first_song import free_port
from tests.support.servers import DirectoryServer

ENGINE = "slow"
LEASE_SECONDS = 3.0
START_SECONDS = 60.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true, checking it repeatedly."""
    while not condition():  # noqa: ASYNC110  # what is waited for happens in other processes
        await asyncio.sleep(0.1)


class Server:
    """One server process of the service."""

    def __init__(self, role: str, variables: dict[str, str]) -> None:
        self.role = role
        self.port, self.http_port = free_port(), free_port()
        settings = variables | {"ROLE": role, "PORT": str(self.port), "HTTP_PORT": str(self.http_port)}
        environment = os.environ | {f"MELISMA_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "server"]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.stopped_at: float | None = None
        threading.Thread(target=_show_errors, args=(self.process.stderr, role), daemon=True).start()

    @property
    def address(self) -> str:
        """The "host:port" at which the server accepts gRPC calls."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """True until the server process has ended."""
        return self.process.poll() is None

    @property
    def ready(self) -> bool:
        """True while the server is ready for songs."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=2):
                return True
        except OSError:
            return False

    @property
    def resident_mebibytes(self) -> float:
        """Return the resident memory of the server process and its child processes, in MiB."""
        process = psutil.Process(self.process.pid)
        sizes = (int(one.memory_info().rss) for one in (process, *process.children(recursive=True)))
        return sum(sizes) / (1 << 20)

    def gauge(self, name: str) -> float | None:
        """Return the value of the server's metric `name` for the engine of this benchmark; `None` if the server does
        not have it.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=5) as answer:
            lines = str(answer.read(), "utf-8").splitlines()
        wanted = f'{name}{{engine="{ENGINE}"}} '
        return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), None)

    def stop(self) -> None:
        """Send SIGTERM to the server process, as Kubernetes does."""
        self.stopped_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

    def wait_ready(self) -> None:
        """Wait until the server is ready."""
        give_up_at = time.monotonic() + START_SECONDS
        while not self.ready:
            if not self.running or time.monotonic() > give_up_at:
                raise RuntimeError(f"the server of the role {self.role} did not start; see its log in the work folder")
            time.sleep(0.1)


class Fleet:
    """All servers of one service; `redis` is a client of its Redis or Valkey."""

    def __init__(self, directory: DirectoryServer, redis: Redis, folder: Path, cold_start_seconds: float) -> None:
        self.redis = redis
        self.servers: list[Server] = []
        self._frontends = {"STORE__COLD_START_SECONDS": str(cold_start_seconds)}
        self._variables = {
            "ENGINES": f"{ENGINE}=benchmarks.roles.slow_engine:SlowEngine",
            "STORE__KIND": "shared",
            "STORE__DIRECTORY": directory.url,
            "STORE__OBJECTS": f"file://{folder}",
            "STORE__LEASE_SECONDS": str(LEASE_SECONDS),
            "STORE__RESUME_SECONDS": "300",
            "LIMITS__QUEUED_SONGS": "256",
            "LIMITS__HEARTBEAT_SECONDS": "1",
            "LOG_LEVEL": "warning",
        }

    def start(self, role: str, **variables: str) -> Server:
        """Start a server of a role (`frontend` or `generator`), without waiting until it is ready."""
        more = self._frontends if role == "frontend" else {"LIMITS__QUEUED_SONGS": "64"}
        server = Server(role, self._variables | more | variables)
        self.servers.append(server)
        return server

    def demand(self) -> int:
        """Return the length of the Redis list that KEDA's scaler reads."""
        return int(self.redis.llen(f"m:demand:{ENGINE}"))

    async def known(self) -> None:
        """Wait until a generator has announced its engine, and every frontend knows it."""
        await until(lambda: bool(self.redis.hexists("m:known", ENGINE)))
        await asyncio.sleep(LEASE_SECONDS)

    def close(self) -> None:
        """End all servers of the service."""
        for server in self.servers:
            server.process.kill()
            server.process.wait()


@contextmanager
def fleet(cold_start_seconds: float) -> Iterator[Fleet]:
    """Context manager with a service that has a Redis or Valkey and no server yet; servers that are started later end
    with it. `cold_start_seconds` is the setting of its frontends for the start time of a generator.
    """
    directory = DirectoryServer()
    with tempfile.TemporaryDirectory() as folder, Redis.from_url(directory.url) as redis:
        service = Fleet(directory, redis, Path(folder), cold_start_seconds)
        try:
            yield service
        finally:
            service.close()
            directory.remove()


def _show_errors(log: IO[str], role: str) -> None:
    for line in log:
        if '"level": "error"' in line or "Traceback" in line or "ERROR" in line:
            sys.stderr.write(f"{role}: {line}")
