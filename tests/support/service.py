"""Starts the server as operators do: as a separate process, on a free port."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_SECONDS = 60.0


@dataclass
class Service:
    """A running server process, and the log records with its listening addresses, by `port_kind`."""

    process: subprocess.Popen[str]
    listening: Mapping[str, Mapping[str, Any]]

    @property
    def address(self) -> str:
        """The "host:port" for gRPC."""
        return str(self.listening["grpc"]["address"])

    @property
    def http_address(self) -> str:
        """The "host:port" for HTTP."""
        return str(self.listening["http"]["address"])

    @property
    def operations_address(self) -> str:
        """The "host:port" of the separate port for metrics and probes, if there is one."""
        return str(self.listening["operations"]["address"])

    def discard_log(self) -> None:
        """Read and drop the rest of the log in a thread, because the server blocks on a full pipe."""
        threading.Thread(target=_consume, args=(self.process.stderr,), daemon=True).start()

    def keep_log(self) -> list[dict[str, Any]]:
        """Read the rest of the log in a thread; return the list of records, which grows until the server has ended."""
        records: list[dict[str, Any]] = []
        threading.Thread(target=_keep, args=(self.process.stderr, records), daemon=True).start()
        return records

    def wait_serving(self, channel: grpc.Channel) -> None:
        """Wait until the health service reports SERVING."""
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=START_TIMEOUT_SECONDS)
        next(told for told in watch if told.status == health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()


def start(*flags: str, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m server` with flags and MELISMA_ variables (given without the prefix); it logs JSON to a pipe.

    Its songs are stored in `STORE__FOLDER`, or in a new temporary folder.
    """
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "protos"))
    environment.setdefault("STORE__FOLDER", _own_folder())
    variables = {f"MELISMA_{name}": value for name, value in environment.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "server", *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )


def _own_folder() -> str:
    """Return a new temporary folder, which is deleted when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name


@contextmanager
def running_service(engines: str, **environment: str) -> Iterator[Service]:
    """Context manager with a server with `engines` (name=module:Class, ...), on a free port or `PORT`; it is killed at
    the end if it still runs.
    """
    with start("--port", environment.pop("PORT", "0"), "--http-port", "0", ENGINES=engines, **environment) as process:
        try:
            assert process.stderr is not None
            records = (json.loads(line) for line in process.stderr if '"port_kind"' in line)
            yield Service(process, {record["port_kind"]: record for record in _up_to_grpc(records)})
        finally:
            process.kill()


def _up_to_grpc(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the log records of opened ports up to that of gRPC, which the server opens last."""
    for record in records:
        yield record
        if record["port_kind"] == "grpc":
            return


def ready(service: Service) -> None:
    """Wait until the server is ready for songs; from then on a thread reads its log, so that the server does not
    block.
    """
    with grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
    service.discard_log()


def _keep(log: IO[str], records: list[dict[str, Any]]) -> None:
    with suppress(ValueError):  # the process has ended, and its log was closed
        for line in log:
            if line.startswith("{"):
                records.append(json.loads(line))  # noqa: PERF401 (others read it meanwhile)


def _consume(log: IO[str]) -> None:
    with suppress(ValueError):  # the process has ended, and its log was closed
        for _ in log:
            pass
