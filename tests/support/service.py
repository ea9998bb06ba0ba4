"""The service as its operator starts it: a process of its own, on a free port."""

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
    """A started process, and the records of its log that tell where it listens, by `port_kind`."""

    process: subprocess.Popen[str]
    listening: Mapping[str, Mapping[str, Any]]

    @property
    def address(self) -> str:
        """The "host:port" of gRPC."""
        return str(self.listening["grpc"]["address"])

    @property
    def http_address(self) -> str:
        """The "host:port" of HTTP."""
        return str(self.listening["http"]["address"])

    @property
    def operations_address(self) -> str:
        """The "host:port" of metrics and probes, where they have one of their own."""
        return str(self.listening["operations"]["address"])

    def discard_log(self) -> None:
        """Read the rest of the log, which nobody wants: a server stands still once the pipe is full."""
        threading.Thread(target=_consume, args=(self.process.stderr,), daemon=True).start()

    def keep_log(self) -> list[dict[str, Any]]:
        """Return the records of the rest of the log, more and more until the server has ended."""
        records: list[dict[str, Any]] = []
        threading.Thread(target=_keep, args=(self.process.stderr, records), daemon=True).start()
        return records

    def wait_serving(self, channel: grpc.Channel) -> None:
        """Return once health says SERVING."""
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=START_TIMEOUT_SECONDS)
        next(told for told in watch if told.status == health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()


def start(*flags: str, **environment: str) -> subprocess.Popen[str]:
    """`python -m server` with flags and MELISMA_ variables (given without the prefix), logging JSON to a pipe.

    Its songs go to the folder of `STORE__FOLDER`, else to one that no other server has.
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
    """Return a new folder, deleted when the tests have ended."""
    folder = tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name


@contextmanager
def running_service(engines: str, **environment: str) -> Iterator[Service]:
    """Context manager with a service of `engines` (name=module:Class, ...) on a free port or `PORT`, killed at the end
    if it still runs.
    """
    with start("--port", environment.pop("PORT", "0"), "--http-port", "0", ENGINES=engines, **environment) as process:
        try:
            assert process.stderr is not None
            records = (json.loads(line) for line in process.stderr if '"port_kind"' in line)
            yield Service(process, {record["port_kind"]: record for record in _up_to_grpc(records)})
        finally:
            process.kill()


def _up_to_grpc(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield records of ports; that of gRPC is opened last."""
    for record in records:
        yield record
        if record["port_kind"] == "grpc":
            return


def ready(service: Service) -> None:
    """Return once songs can be asked for; from then on the log is read, lest the service stand still."""
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
