"""Measures the time of a command and of a second of sound on a Ray cluster, compared with the pipe to a local worker.

python -m benchmarks.service.bench_ray --address HEAD:6379 --token-file token --devices 2

The cluster is running, and this computer is a node of it; without an address only the local pipe is measured. Rows:
round trips of a command without work, one at a time and fifty sent ahead, and of windows of 0.25 and 1 s of stereo
sound at 48 kHz: to an encoder that only counts, beside the worker, and on a cluster also to a socket beside the server.
Processor time is that of the process with the event loop, which here reads that socket, too.
"""

import argparse
import asyncio
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.engine import EngineInfo, SectionState
from model.song import Window
from server.encoders.base import Encoder
from server.encoders.encoder_process import EncoderProcess
from server.encoders.messages import EncoderSpec
from server.encoders.node_encoder import NodeEncoder
from server.song import AudioSettings
from server.workers.base import Worker, WorkerDeath, WorkerDied
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import Lane, Ping, Plan, Prepare, Render, Rendered, SectionKey, SongKey, SoundTarget, Step
from server.workers.pipes.pipe import PipeClosed
from server.workers.ray.pool import RayPool, driver_process
from server.workers.restarting_pool import AnyPool
from server.workers.sound.pipe import SoundPipe
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FakeEngine, FakeState, params

RATE_HERTZ = 48_000
ROUNDS, AHEAD = 200, 50
ENCODER = EncoderSpec("benchmarks.service.pretended_encoder:PretendEncoder")
ENGINE = EngineSpec("fake", "benchmarks.service.bench_ray:SoundEngine")


class SoundEngine(FakeEngine):
    """An engine that renders silence at 48 kHz without end; the prompt gives the length of its windows in seconds."""

    @classmethod
    def load(cls, device: str) -> "SoundEngine":
        """Return the engine; there is nothing to load."""
        return cls()

    def info(self) -> EngineInfo:
        """Return the properties of the tests' engine at 48 kHz."""
        return replace(super().info(), sample_rate_hertz=RATE_HERTZ)

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield windows of silence without end."""
        assert isinstance(state, FakeState)
        window = np.zeros((2, round(float(state.prompt) * RATE_HERTZ)), np.float32)
        while True:
            yield window


class Observer:
    """Observer of a pool: passes its workers to the benchmark."""

    def __init__(self) -> None:
        self.workers: asyncio.Queue[tuple[str, Worker]] = asyncio.Queue()

    async def serve(self, device: str, worker: Worker) -> None:
        """Pass a worker to the benchmark, and wait until cancelled."""
        self.workers.put_nowait((device, worker))
        await asyncio.Event().wait()

    def worker_exited(self, device: str) -> None:
        """Raise an error, because no worker should end during the benchmark."""
        raise WorkerDied(device)

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        """Do nothing when a worker is restarted."""

    def readiness_changed(self) -> None:
        """Do nothing when the readiness of an engine changes."""


@contextmanager
def sound_sink() -> Iterator[str]:
    """Context manager with the address of a socket that reads sound and drops it."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(Path(folder) / "socket"))
        listener.listen()
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield str(Path(folder) / "socket")


def _accept(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_drop, args=(connection.detach(),), daemon=True).start()


def _drop(descriptor: int) -> None:
    pipe = SoundPipe(descriptor)
    with suppress(PipeClosed):
        while True:
            pipe.receive()


async def measured(name: str, once: Callable[[], Awaitable[object]], rounds: int = ROUNDS, of: int = 1) -> None:
    """Call `once`, which does `of` operations, `rounds` times. Print, for one operation, the median and P99 of the time
    in milliseconds, and the processor time in microseconds.
    """
    for _ in range(10):
        await once()
    times, used = [], time.process_time()
    for _ in range(rounds):
        started = time.perf_counter()
        await once()
        times.append((time.perf_counter() - started) / of)
    used = (time.process_time() - used) / rounds / of
    median, last = statistics.median(times) * 1e3, sorted(times)[round(rounds * 0.99) - 1] * 1e3
    print(f"  {name:36} P50 {median:7.3f} ms  P99 {last:7.3f} ms  processor {used * 1e6:6.0f} us", flush=True)


async def bench(worker: Worker) -> None:
    """Measure the round-trip times of a command without work to one worker, one at a time and several sent ahead."""

    async def ping() -> None:
        worker.send(Ping(), Lane.BOTH)
        await worker.receive(Lane.BOTH)

    async def ahead() -> None:
        for _ in range(AHEAD):
            worker.send(Ping(), Lane.BOTH)
        for _ in range(AHEAD):
            await worker.receive(Lane.BOTH)

    await measured("a command", ping)
    await measured("a command, 50 sent ahead", ahead, rounds=10, of=AHEAD)


async def bench_sound(worker: Worker, address: str, where: str) -> None:
    """Measure the rendering of windows whose sound the worker sends to the socket `address`; `where` is the name in the
    printed rows.
    """
    for seconds in ("0.25", "1.0"):
        section = SectionKey(SongKey(f"{seconds} {where}"), 0)
        target = SoundTarget(address, AudioSettings())
        plan = Plan(section.song, "fake", params(seconds), sound_to=target)
        for command in (plan, Prepare(section), Step((section,), 4)):
            worker.send(command, Lane.BOTH)
            await worker.receive(Lane.BOTH)

        async def render(section: SectionKey = section) -> None:
            worker.send(Render(section), Lane.BOTH)
            assert isinstance(await worker.receive(Lane.BOTH), Rendered)

        await measured(f"{seconds} s of sound, {where}", render)


@asynccontextmanager
async def encoder_beside(pool: AnyPool, device: str) -> AsyncIterator[str]:
    """Context manager with the address of an encoder on the computer of a device's worker; the encoder's messages are
    dropped.
    """
    with tempfile.TemporaryDirectory() as folder:
        local = EncoderProcess(str(Path(folder) / "socket"), ENCODER)
        encoder: Encoder = NodeEncoder(device, ENCODER, pool.bridge) if isinstance(pool, RayPool) else local
        await encoder.start(60.0)
        reading = asyncio.create_task(_drop_messages(encoder))
        try:
            yield encoder.address
        finally:
            reading.cancel()
            await encoder.stop(2.0)


async def _drop_messages(encoder: Encoder) -> None:
    while True:
        await encoder.receive()


async def run(pool: AnyPool, kind: str) -> None:
    """Measure each worker of a pool, and print the times under the name `kind`."""
    observer = Observer()
    running = asyncio.create_task(pool.run(observer))
    try:
        for _ in pool.devices:
            device, worker = await observer.workers.get()
            print(f"{kind}, {device}, node {getattr(worker, 'node', '') or 'this one'}", flush=True)
            await bench(worker)
            async with encoder_beside(pool, device) as address:
                await bench_sound(worker, address, "beside the worker")
            if isinstance(pool, RayPool):
                with sound_sink() as address:
                    await bench_sound(worker, address, "beside the server")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def main() -> None:
    """Measure the local pipe, then the cluster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="", help="HOST:PORT of the cluster's head")
    parser.add_argument("--token-file", default="", help="file of the cluster's token")
    parser.add_argument("--devices", type=int, default=1, help="number of workers on the cluster")
    arguments = parser.parse_args()
    asyncio.run(run(LocalPool([DeviceSpec("cpu", "cpu")], [ENGINE]), "pipe"))
    if arguments.address:
        devices = [DeviceSpec(f"cpu@{number + 1}", "cpu") for number in range(arguments.devices)]
        new_process = driver_process(arguments.token_file)
        asyncio.run(run(RayPool(devices, [ENGINE], address=arguments.address, new_process=new_process), "Ray"))


if __name__ == "__main__":
    main()
