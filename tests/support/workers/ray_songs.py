"""Makes songs with a worker pool on Ray, and reads them while a test disturbs the cluster."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from server.encoders.node_pool import NodeEncoders
from server.song import Chunk
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane
from server.workers.ray.pool import RayPool, driver_process
from tests.support.fakes import FAKE, FAKE_ENCODER
from tests.support.runners import Bench, Song, request, running
from tests.support.workers.ray_nodes import RayNodes

SECONDS = 300.0
LANES = (Lane.DENOISE, Lane.RENDER)
DEVICES = [DeviceSpec(f"cpu@{number}", "cpu", running_songs=8, lanes=LANES) for number in (1, 2)]
SEEDS = range(4)
_PING_SECONDS = 1.0


async def local_songs(seconds: float = 120.0) -> dict[int, bytes]:
    """Return, by seed, the sound of each test song of `seconds`, made by a pool on this computer, without Ray."""
    async with running(devices=[DeviceSpec("cpu", "cpu", lanes=LANES)], timeout_seconds=SECONDS) as bench:
        return {seed: await song_of(bench, seed, seconds).sound() for seed in SEEDS}


def song_of(bench: Bench, seed: int, seconds: float = 120.0) -> Song:
    return bench.submit(request(duration_seconds=seconds, seed=seed))


@asynccontextmanager
async def on_ray(nodes: RayNodes, devices: Sequence[DeviceSpec] = DEVICES) -> AsyncIterator[Bench]:
    """Context manager with a runner whose workers and encoders run on the nodes of a Ray cluster, once every device has
    its worker.
    """
    pool = RayPool(
        devices,
        [FAKE],
        address=nodes.address,
        new_process=driver_process(str(nodes.token_file)),
        ping_seconds=_PING_SECONDS,
        exchange_timeout_seconds=10.0,
        restart_backoff_seconds=0.1,
    )
    names = [device.name for device in devices]
    encoders = NodeEncoders(
        FAKE_ENCODER,
        names,
        1,
        bridge=pool.bridge,
        node_id=pool.node_id,
        answer_timeout_seconds=5.0,
        restart_backoff_seconds=0.1,
    )
    async with running(pool=pool, encoders=encoders, timeout_seconds=SECONDS, retries=10) as bench:
        await until(lambda: len(pool.nodes()) == len(devices))
        yield bench


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.05)


async def heard(
    songs: Sequence[Song], break_it: Callable[[], object], after_chunks: int = 4
) -> tuple[list[bytes], float]:
    """Read songs to their ends, and call `break_it` once `after_chunks` chunks of each song were read; return the
    sounds, and the longest time in seconds between two chunks of a song.
    """
    begun, longest = asyncio.Barrier(len(songs) + 1), 0.0

    async def read(song: Song) -> bytes:
        nonlocal longest
        sound, last, chunks = b"", time.monotonic(), 0
        async for event in song.events():
            if isinstance(event, Chunk):
                sound, chunks = sound + event.data, chunks + 1
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
                if chunks == after_chunks:
                    await begun.wait()
        return sound

    reading = [asyncio.create_task(read(song)) for song in songs]
    await begun.wait()
    break_it()
    return [await task for task in reading], longest
