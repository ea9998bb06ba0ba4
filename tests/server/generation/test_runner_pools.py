"""Tests of the runner with a worker pool in this process, without worker processes."""

import asyncio

from server.generation.config import RunnerSettings
from server.generation.runner import Runner
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane
from tests.support.encoders.in_process import in_process_encoders
from tests.support.runners import Song, begun, heard_more, request, running
from tests.support.sinks import ReadSink
from tests.support.workers.in_process_pool import IN_PROCESS_FAKE, InProcessPool

SPEC = DeviceSpec("cpu", "cpu", lanes=(Lane.DENOISE, Lane.RENDER))


async def test_songs_are_the_same_whatever_pool_makes_them_and_whatever_becomes_of_its_workers() -> None:
    asked = [request(seed=seed, duration_seconds=20.0) for seed in range(3)]
    async with running() as bench:
        expected = [await bench.submit(one).sound() for one in asked]
    pool = InProcessPool((SPEC,), (IN_PROCESS_FAKE,))
    runner = Runner(RunnerSettings(retries=10), pool, in_process_encoders())
    await runner.start()
    try:
        async with asyncio.timeout(30):
            await runner.wait_ready(30.0)
            sinks = [ReadSink() for _ in asked]
            songs = [Song(begun(runner, f"song-{n}", one, sinks[n]), sinks[n]) for n, one in enumerate(asked)]
            sounds = asyncio.gather(*(song.sound() for song in songs))
            await heard_more(songs)
            pool.workers["cpu"].kill()
            assert await sounds == expected
    finally:
        await runner.stop(grace_seconds=0.0)
