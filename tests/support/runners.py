"""A real runner with worker processes and fake encoders, and the songs that it makes."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from server.encoders.restarting_pool import RestartingEncoders
from server.generation.config import RunnerSettings
from server.generation.jobs.job import Job
from server.generation.runner import Runner
from server.song import Accepted, AudioSettings, Chunk, SongEvent, SongRequest
from server.telemetry.metrics import Metrics
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane
from server.workers.restarting_pool import AnyPool
from server.workers.worker_spec import EngineSpec
from tests.support.encoders.in_process import in_process_encoders
from tests.support.fakes import FAKE, MISSING, RATE_HERTZ, SECTION_SECONDS, params
from tests.support.sinks import ReadSink
from tests.support.workers.observers import WatchedPool

CPU = DeviceSpec("cpu", "cpu", running_songs=8)
BESIDE = DeviceSpec("cpu", "cpu", running_songs=8, lanes=(Lane.DENOISE, Lane.RENDER))
NARROW = DeviceSpec("cpu", "cpu", running_songs=1)
ENDLESS_SECONDS = 4000.0


@dataclass(frozen=True)
class Song:
    """A song of a runner: its job, and the sink of its events."""

    job: Job
    sink: ReadSink

    @property
    def accepted(self) -> Accepted:
        assert self.sink.accepted is not None
        return self.sink.accepted

    def events(self) -> AsyncIterator[SongEvent]:
        return self.sink.events()

    async def told(self) -> list[SongEvent]:
        return [event async for event in self.events()]

    async def sound(self) -> bytes:
        return b"".join(event.data for event in await self.told() if isinstance(event, Chunk))

    async def first_chunk(self) -> Chunk:
        async for event in self.events():
            if isinstance(event, Chunk):
                return event
        raise AssertionError("the song ended without a sound")


class Bench:
    """A real runner for tests, with its worker pool and encoder pool."""

    def __init__(self, runner: Runner, pool: Any, encoders: RestartingEncoders) -> None:
        self.runner = runner
        self.pool = pool
        self.encoders = encoders
        self._numbers = itertools.count(1)

    def submit(self, request: SongRequest) -> Song:
        sink = ReadSink()
        return Song(begun(self.runner, f"song-{next(self._numbers)}", request, sink), sink)

    async def resubmitted(self) -> Song:
        """Wait until the engine is ready again, and submit another song."""
        changed = asyncio.Event()
        self.runner.readiness.subscribe(changed.set)
        while not self.runner.ready("fake"):
            changed.clear()
            await changed.wait()
        return self.submit(request())


@asynccontextmanager
async def running(
    metrics: Metrics | None = None,
    *,
    devices: Sequence[DeviceSpec] = (CPU,),
    engines: Sequence[EngineSpec] = (FAKE, MISSING),
    encoders: RestartingEncoders | None = None,
    pool: AnyPool | None = None,
    exchange_timeout_seconds: float = 30.0,
    restart_backoff_seconds: float = 0.0,
    timeout_seconds: float = 30.0,
    **changes: Any,
) -> AsyncIterator[Bench]:
    """Context manager with a started runner whose workers have loaded their engines; one loaded engine is enough.

    A worker has `exchange_timeout_seconds` for one command. Waiting for the start, and then the body of the context
    manager, may take `timeout_seconds` each. `changes` are settings of the runner.
    """
    pool = pool or WatchedPool(
        devices,
        engines,
        exchange_timeout_seconds=exchange_timeout_seconds,
        load_timeout_seconds=30.0,
        restart_backoff_seconds=restart_backoff_seconds,
    )
    encoders = encoders or in_process_encoders()
    runner = Runner(RunnerSettings(**{"any_engine": True, **changes}), pool, encoders, metrics=metrics)
    await runner.start()
    try:
        await runner.wait_ready(timeout_seconds)
        async with asyncio.timeout(timeout_seconds):
            yield Bench(runner, pool, encoders)
    finally:
        await runner.stop(grace_seconds=0.0)


def request(prompt: str = "", engine: str = "fake", deadline: float | None = None, **changes: object) -> SongRequest:
    audio = AudioSettings(sample_rate_hertz=RATE_HERTZ)
    return SongRequest("request", engine, params(prompt, **changes), audio, deadline)


def begun(runner: Runner, song_id: str, request: SongRequest, sink: ReadSink) -> Job:
    """Let the runner check a request and begin its song under the id `song_id`, and return the song's job."""
    return runner.check(request).begin(song_id, sink, 0)


async def heard_more(songs: Sequence[Song]) -> None:
    """Wait until each song has at least the sound of two more sections than at the call."""
    before = [song.job.sound_seconds for song in songs]
    while any(song.job.sound_seconds < old + 2 * SECTION_SECONDS for song, old in zip(songs, before, strict=True)):
        await asyncio.sleep(0.002)


async def restarted(runner: Runner) -> None:
    """Wait until the engine is not ready, because its worker was killed, and then until it is ready again."""
    while runner.ready("fake"):
        await asyncio.sleep(0.002)
    while not runner.ready("fake"):
        await asyncio.sleep(0.002)
