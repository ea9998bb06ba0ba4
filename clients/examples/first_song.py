"""Starts a server on a free port, requests one song with the `melisma` command, and stops the server.

`make song` runs it from the root of the repository.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from rich.console import Console

START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 20.0
PROMPT = "melodic pop, upbeat, piano-driven, with light drums"
LYRICS = """\
[verse]
春天醒来花就开
脚步轻轻不怕失败

[chorus]
我要飞向那片海
心随阳光一起澎湃
"""
DURATION_SECONDS = 60


class ServiceNotStarted(RuntimeError):
    """Error: the server ended, or was not ready in time; its log has the cause."""


def main() -> int:
    """Run the program: start a server and make one song; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="song.mp3", help="MP3 file to write")
    parser.add_argument("--prompt", default=PROMPT, help="style keywords")
    parser.add_argument("--lyrics", default=LYRICS, help="words to sing, with section tags")
    parser.add_argument("--duration", default=str(DURATION_SECONDS), help="length of the song in seconds, 10 to 240")
    parser.add_argument("--seed", default="1", help="random seed; the same seed gives the same song")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(stderr=True)
    with tempfile.TemporaryFile() as log:
        try:
            with songs_folder() as folder, running_service(log, console, folder) as address:
                status = ask_for_song(address, arguments)
        except ServiceNotStarted as error:
            console.print(f"[red]The service did not start[/red]: {error}")
            status = 1
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
        if status not in (0, 128 + signal.SIGINT):
            show_log(log, console)
    return status


@contextmanager
def songs_folder() -> Iterator[str]:
    """Context manager for a temporary folder in which the server stores songs; the default folder may be in use by
    another server.
    """
    with tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True) as folder:
        yield folder


@contextmanager
def running_service(log: IO[bytes], console: Console, folder: str) -> Iterator[str]:
    """Context manager that starts a server, waits until it is ready for songs and yields its address. The server's
    output goes to `log`, and the server is stopped at the end.

    Raises:
        ServiceNotStarted: the server ended, or was not ready within `START_TIMEOUT_SECONDS`.
    """
    port = free_port()
    command = [sys.executable, "-m", "server", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {
        "MELISMA_LOG_FORMAT": "plain",
        "MELISMA_HTTP_PORT": "0",
        "MELISMA_STORE__FOLDER": folder,
    }
    service = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    address = f"127.0.0.1:{port}"
    try:
        begin = time.monotonic()
        with console.status("starting the service"):
            wait_until_serving(service, address)
        console.print(f"service ready at {address} after {time.monotonic() - begin:.1f} s", highlight=False)
        yield address
    finally:
        stop(service)


def free_port() -> int:
    """Return the number of a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_serving(service: subprocess.Popen[bytes], address: str) -> None:
    """Wait until the server's gRPC health is SERVING; raises ServiceNotStarted."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with grpc.insecure_channel(address, options=[("grpc.max_reconnect_backoff_ms", 200)]) as channel:
        health = HealthStub(channel)
        while time.monotonic() < deadline:
            if service.poll() is not None:
                raise ServiceNotStarted(
                    f"the server ended with status {service.returncode}; its log below gives the cause"
                )
            if is_serving(health):
                return
            time.sleep(0.1)
    raise ServiceNotStarted(
        f"the server was not ready within {START_TIMEOUT_SECONDS:.0f} s; its log below gives the cause"
    )


def is_serving(health: HealthStub) -> bool:
    """Return True if the gRPC health service of the server reports SERVING now."""
    try:
        answer: HealthCheckResponse = health.Check(HealthCheckRequest(), timeout=1.0)  # type: ignore[attr-defined]
    except grpc.RpcError:
        return False
    return answer.status == HealthCheckResponse.SERVING


def ask_for_song(address: str, arguments: argparse.Namespace) -> int:
    """Run the command `melisma generate`, show its output, and return its exit status."""
    command = [sys.executable, "-m", "melisma_client", "generate", "--server", address]
    for name in ("output", "prompt", "lyrics", "duration", "seed"):
        command += [f"--{name}", getattr(arguments, name)]
    client = subprocess.Popen(command)
    try:
        return client.wait()
    except KeyboardInterrupt:
        return client.wait(STOP_TIMEOUT_SECONDS)


def stop(service: subprocess.Popen[bytes]) -> None:
    """Stop the server, and kill it if it has not ended after some seconds."""
    service.terminate()
    try:
        service.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()


def show_log(log: IO[bytes], console: Console) -> None:
    """Print the last lines of the server's log."""
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    console.print("[bold]the service's log[/bold]:")
    for line in lines[-60:]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
