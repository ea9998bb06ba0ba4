"""A server of our own to measure: started on loopback, watched from outside, stopped at the end."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from clients.examples.first_song import free_port, stop, wait_until_serving


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
    port = free_port()
    given = {f"MELISMA_{name.upper()}": value for name, value in settings.items()}
    songs = tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True)
    own = {"MELISMA_HTTP_PORT": "0", "MELISMA_LOG_LEVEL": "warning", "MELISMA_STORE__FOLDER": songs.name}
    environment = os.environ | own | given
    started = time.monotonic()
    command = [sys.executable, "-m", "server", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        address = f"127.0.0.1:{port}"
        wait_until_serving(process, address)
        yield Service(address, psutil.Process(process.pid), time.monotonic() - started)
    finally:
        stop(process)
        songs.cleanup()
