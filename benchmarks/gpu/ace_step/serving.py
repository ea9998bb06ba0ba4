"""Starts a server with the random engine on free ports of loopback, requests songs, and reads its metrics."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio
import psutil
from grpc_health.v1.health_pb2_grpc import HealthStub

from benchmarks.gpu.ace_step.random_engine import choices_of
from benchmarks.gpu.figures import Setup
from benchmarks.service.listener import Heard, listen
from clients.examples.first_song import is_serving
from melisma.v1 import music_pb2, music_pb2_grpc
from model.ace_step.settings import AceStepSettings

ENGINE = "ace_step=benchmarks.gpu.ace_step.random_engine:RandomAceStep"
READY_SECONDS = 60.0
LINE = "la la la la la la la la\n"


@dataclass(slots=True)
class Server:
    """A running server, and the clients' connections to it."""

    process: psutil.Process
    address: str
    http_address: str
    ready_seconds: float = 0.0

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes of the server."""
        children = self.process.children(recursive=True)
        return [one for one in children if "server.workers.worker" in " ".join(one.cmdline())]

    def wait_ready(self) -> float:
        """Wait until the server is SERVING and return the seconds that this took. Raises TimeoutError."""
        started = time.monotonic()
        with grpc.insecure_channel(self.address, options=[("grpc.max_reconnect_backoff_ms", 200)]) as channel:
            health = HealthStub(channel)
            while not is_serving(health):
                if time.monotonic() - started > READY_SECONDS:
                    raise TimeoutError(f"the server was not ready within {READY_SECONDS:.0f} s; see server.log")
                time.sleep(0.05)
        return time.monotonic() - started

    def metrics(self) -> dict[str, float]:
        """Return the value of every metric of the server by name, summed over its labels."""
        with urllib.request.urlopen(f"http://{self.http_address}/metrics", timeout=5.0) as answer:
            lines = answer.read().decode().splitlines()
        found: dict[str, float] = {}
        for name, value in (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")):
            plain = name.partition("{")[0]
            found[plain] = found.get(plain, 0.0) + float(value)
        return found

    def restarts(self) -> int:
        """Return the number of workers that were started in place of lost ones."""
        return int(self.metrics().get("melisma_worker_restarts_total", 0))


@contextmanager
def running(setup: Setup, *, free_gib: float = 0.0, device: Mapping[str, object] | None = None) -> Iterator[Server]:
    """Context manager with a server whose log is written to `server.log` in the folder of the results.

    `device` has additional fields of the device in the setting MELISMA_DEVICES. If `free_gib` is not 0, all device
    memory except that much is allocated beforehand. Songs may share denoising steps.
    """
    shared = {"shared_steps": "on"} if "shared_steps" in AceStepSettings.model_fields else {}
    devices = [{"device": setup.device, "render_beside": True} | dict(device or {})]
    with tempfile.TemporaryDirectory(prefix="gpu-songs-", ignore_cleanup_errors=True) as folder:
        log = Path(os.environ.get("OUT", folder)) / "server.log"
        settings = {"ENGINES": ENGINE, "DEVICES": json.dumps(devices), "STORE__FOLDER": folder, "GRACE_SECONDS": "0"}
        variables = {f"MELISMA_{name}": value for name, value in settings.items()} | {"MELISMA_LOG_FORMAT": "json"}
        environment = {**os.environ, **choices_of(small=setup.small, free_gib=free_gib, **shared), **variables}
        with log.open("ab") as output, log.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(0, os.SEEK_END)
            process = subprocess.Popen(
                [sys.executable, "-m", "server", "--host", "127.0.0.1", "--port", "0", "--http-port", "0"],
                env=environment, stdout=output, stderr=output,
            )  # fmt: skip
            try:
                yield _ready(process, lines)
            finally:
                process.terminate()
                _wait_or_kill(process)


def _ready(process: subprocess.Popen[bytes], lines: Iterator[str]) -> Server:
    """Wait until the server is SERVING and return its addresses, which are in its log."""
    started, found = time.monotonic(), dict[str, str]()
    while len(found) < 2:
        if process.poll() is not None or time.monotonic() - started > READY_SECONDS:
            raise RuntimeError(f"the server did not start (exit status {process.poll()}); see server.log")
        for record in (json.loads(line) for line in lines if '"port_kind"' in line):
            found[record["port_kind"]] = record["address"]
        time.sleep(0.02)
    server = Server(psutil.Process(process.pid), found["grpc"], found["http"])
    server.wait_ready()
    server.ready_seconds = time.monotonic() - started
    return server


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def request(
    seconds: float, seed: int = 1, *, steps: int = 27, lines: int = 8, prompt: str = "pop"
) -> music_pb2.GenerateRequest:
    """Return a request for a song of `seconds` in the mode "whole", with `steps` denoising steps and `lines` lines of
    lyrics.
    """
    return music_pb2.GenerateRequest(
        engine="ace_step", prompt=prompt, lyrics="[verse]\n" + LINE * lines, language="en", seed=seed, steps=steps,
        duration_seconds=seconds, ace_step=music_pb2.AceStepOptions(mode=music_pb2.GENERATION_MODE_WHOLE),
    )  # fmt: skip


async def song(server: Server, asked: music_pb2.GenerateRequest) -> Heard:
    """Receive a whole song on a new connection, and return its chunks with their times."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        return await listen(channel, str(asked.seed), asked)


@dataclass(slots=True)
class Part:
    """The part of a song that its listener received before it cancelled the call, or the error of the call."""

    chunks: int = 0
    failure: str = ""
    events: list[str] = field(default_factory=list)


async def left(server: Server, asked: music_pb2.GenerateRequest, *, event: str) -> Part:
    """Receive a song until the first `event` ("progress" counts from the second step on), then cancel the call; return
    the received part.
    """
    part = Part()
    async with grpc.aio.insecure_channel(server.address) as channel:
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(asked, timeout=READY_SECONDS)
        try:
            async for response in call:
                kind = str(response.event.WhichOneof("event"))
                part.events.append(kind)
                part.chunks += kind == "chunk"
                if kind == event and (kind != "progress" or response.event.progress.step >= 2):
                    break
            call.cancel()
        except grpc.aio.AioRpcError as error:
            part.failure = f"{error.code().name}: {str(error.details())[:200]}"
    return part
