"""Starts servers to attack: with the code of one checkout, on loopback, with a log and memory usage that can be
read.
"""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import psutil

PATHS = ("", "protos", "clients/python")
START_SECONDS = 60.0
FAKE = "fake=tests.support.fakes:FakeEngine"
KEY = "melisma_" + "k" * 43
JSON = {"Content-Type": "application/json"}
GENERATE = "/v1/audio/music/generate"
Figures = Iterator[tuple[str, object]]


@dataclass(frozen=True)
class Attacked:
    """A running server, with the addresses of its ports and its log file."""

    process: psutil.Process
    grpc: tuple[str, int]
    http: tuple[str, int]
    log: Path

    @property
    def target(self) -> str:
        """The "host:port" at which the server accepts gRPC calls."""
        return f"{self.grpc[0]}:{self.grpc[1]}"

    def log_bytes(self) -> int:
        """Return the present size of the server's log in bytes."""
        return self.log.stat().st_size

    def workers(self) -> list[psutil.Process]:
        """Return the processes that are workers of the server's devices."""
        return [one for one in self.process.children() if "server.workers.worker" in one.cmdline()]


@contextmanager
def attacked(checkout: Path, files: int | None = None, **settings: str) -> Iterator[Attacked]:
    """Context manager with a running server: the code in the folder `checkout`, with the fake engine of the tests.

    `files` is the server's soft limit of open files; `settings` are environment variables without the prefix MELISMA_.
    """
    with tempfile.TemporaryDirectory(prefix="melisma-attacked-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        given = {"ENGINES": FAKE, "STORE__FOLDER": str(folder / "songs"), "LOG_FORMAT": "json", "GRACE_SECONDS": "0"}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MELISMA_", "PYTHON"))}
        places = os.pathsep.join(str(checkout / path) for path in PATHS)
        variables = {f"MELISMA_{key}": value for key, value in (given | settings).items()}
        command = [sys.executable, "-m", "server", "--port", "0", "--http-port", "0"]
        if files:
            command = ["prlimit", f"--nofile={files}:", *command]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=checkout, env=inherited | variables | {"PYTHONPATH": places}, stderr=log
            )
        try:
            ports = _ports(folder / "log", process)
            server = Attacked(psutil.Process(process.pid), ports["grpc"], ports["http"], folder / "log")
            _wait_until_ready(server.http, "TLS__CLIENT_CA" in settings)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ports(log: Path, process: "subprocess.Popen[bytes]") -> dict[str, tuple[str, int]]:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        lines = (json.loads(line) for line in log.read_text("utf-8").splitlines() if '"port_kind"' in line)
        found = {line["port_kind"]: line["address"].rsplit(":", 1) for line in lines}
        if {"grpc", "http"} <= found.keys():
            return {kind: (host, int(port)) for kind, (host, port) in found.items()}
        time.sleep(0.1)
    raise RuntimeError(f"the attacked server did not start; the end of its log: {log.read_text('utf-8')[-2000:]}")


def silent(address: tuple[str, int], count: int, data: bytes = b"") -> list[socket.socket]:
    """Open up to `count` TCP connections to the host and port `address`. Each sends `data` and then nothing; return
    their sockets.
    """
    opened = []
    for _ in range(count):
        try:
            connection = socket.create_connection(address, timeout=2)
            connection.sendall(data)
        except OSError:
            continue
        opened.append(connection)
    return opened


def still_open(connections: list[socket.socket]) -> int:
    """Return the number of connections that the server has not closed."""
    alive = 0
    for connection in connections:
        connection.setblocking(False)
        try:
            while connection.recv(1 << 16):
                pass
        except BlockingIOError:
            alive += 1
        except OSError:
            pass
    return alive


def _wait_until_ready(address: tuple[str, int], asks_for_certificates: bool) -> None:
    """Wait until the server can make songs, at most `START_SECONDS`. A server that requires client certificates
    (`asks_for_certificates`) does not respond to this client, so the wait ends after 5 s.
    """
    give_up_at = time.monotonic() + (5 if asks_for_certificates else START_SECONDS)
    while time.monotonic() < give_up_at:
        connection = http.client.HTTPConnection(*address, timeout=2)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.2)


def ask(address: tuple[str, int], method: str, path: str, body: str | None = None, **headers: str) -> str:
    """Send one HTTP request; return the status of the response and its duration in milliseconds, as text.

    `address` is the host and port of the server. Header names are keyword arguments, with _ in place of -.
    """
    began = time.monotonic()
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given | (JSON if body else {}))
        status = str(connection.getresponse().status)
    except OSError as error:
        status = type(error).__name__
    finally:
        connection.close()
    return f"{status} after {1000 * (time.monotonic() - began):.0f} ms"


def key_file(folder: str) -> str:
    """Write a file of API keys with one key, `KEY`, into the folder, and return its path."""
    path = Path(folder) / "keys.json"
    path.write_text(json.dumps({"keys": [{"name": "games", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]}))
    path.chmod(0o600)
    return str(path)
