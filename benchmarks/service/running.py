"""Starts a server on loopback for measurements, watches it from outside, and stops it at the end."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from clients.examples.first_song import free_port, stop, wait_until_serving

SERVER = ("server", "--host", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Service:
    """A running server: its address, its process, and the seconds from the start of the process to the health
    SERVING.
    """

    address: str
    process: psutil.Process
    start_seconds: float

    def family(self) -> list[psutil.Process]:
        """Return the server process and its child processes."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server and its child processes have used so far."""
        return sum(map(_cpu_seconds, self.family()))

    def own_cpu_seconds(self) -> float:
        """Return the CPU time of the server process so far, without its child processes."""
        return _cpu_seconds(self.process)

    def memory_bytes(self) -> int:
        """Return the resident memory of the server and its child processes; shared pages count once for each
        process.
        """
        return sum(process.memory_info().rss for process in self.family())


def _cpu_seconds(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


@contextmanager
def running_service(
    command: Sequence[str] = SERVER,
    folder: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    /,
    **settings: str,
) -> Iterator[Service]:
    """Context manager with a server that is SERVING.

    `command` is a module and its arguments without the port. It runs in `folder`, by default the present one, with
    `environment`, to which `settings` are added as MELISMA_* variables.
    """
    port = free_port()
    given = {f"MELISMA_{name.upper()}": value for name, value in settings.items()}
    songs = tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True)
    own = {"MELISMA_HTTP_PORT": "0", "MELISMA_LOG_LEVEL": "warning", "MELISMA_STORE__FOLDER": songs.name}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)],
        cwd=folder,
        env={**environment, **own, **given},
        start_new_session=True,
    )
    try:
        address = f"127.0.0.1:{port}"
        wait_until_serving(process, address)
        yield Service(address, psutil.Process(process.pid), time.monotonic() - started)
    finally:
        stop(process)
        songs.cleanup()
