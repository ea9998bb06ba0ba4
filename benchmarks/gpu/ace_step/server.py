"""Measures the whole server on the device: songs, cancellations, a killed worker, lack of memory, and a device that
breaks.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator

import grpc.aio

from benchmarks.gpu.ace_step.random_engine import POISON
from benchmarks.gpu.ace_step.serving import Part, Server, left, request, running, song
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.service.listener import Heard
from melisma.v1 import music_pb2, music_pb2_grpc

FREE_GIB = 8.0
"""GiB of free memory beside the engine: a pass of sixteen songs of 240 s takes nearly ten, decoding one more than four.
"""


def songs(setup: Setup) -> Iterator[Figure]:
    """Measure songs alone and together, songs cancelled between denoising steps, and a song whose worker is killed
    while it renders.
    """
    with running(setup) as server, asyncio.Runner() as loop:
        yield Figure("ready.s", server.ready_seconds)
        yield from guarded("alone", _alone(setup, server, loop))
        yield from guarded("together", _together(setup, server, loop))
        yield from guarded("cancel", _cancelled(setup, server, loop))
        yield from guarded("kill", _killed(setup, server, loop))
        yield from guarded("metrics", _metrics(server))
        yield from guarded("card", _card(setup, server))


def _alone(setup: Setup, server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    """Measure a song of 20 s in 27 steps on an idle server: the first since its start, and another."""
    for name, seed in (("first", 1), ("warm", 2)):
        heard = loop.run(song(server, request(setup.pick(20.0, 10.0), seed, steps=setup.pick(27, 3))))
        yield Figure(f"alone.{name}.first_audio_s", heard.first_audio_seconds)
        yield Figure(f"alone.{name}.whole_s", heard.total_seconds)


async def _all(server: Server, asked: list[music_pb2.GenerateRequest]) -> list[Heard]:
    return list(await asyncio.gather(*(song(server, each) for each in asked)))


def _together(setup: Setup, server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    count, seconds, steps = setup.pick((8, 60.0, 27), (3, 10.0, 3))
    heard = loop.run(_all(server, [request(seconds, seed, steps=steps) for seed in range(count)]))
    yield Figure("together.last_first_audio_s", max(one.first_audio_seconds for one in heard))
    yield Figure("together.whole_s", max(one.total_seconds for one in heard))
    yield Figure("together.stalled", sum(one.stall_seconds > 0.0 for one in heard))


def _cancelled(setup: Setup, server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    """Check that three calls that end in the middle of steps cost no worker."""
    before = server.restarts()
    for seed in range(3):
        loop.run(left(server, request(setup.pick(120.0, 20.0), seed, steps=60), event="progress"))
    heard = loop.run(song(server, request(10.0, 9, steps=3)))
    yield Figure("cancel.restarts", server.restarts() - before)
    yield Figure("cancel.next_song_s", heard.total_seconds)


def _killed(setup: Setup, server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    """Check that a song whose worker is killed during playback has the same bytes as an undisturbed one."""
    asked = request(setup.pick(60.0, 20.0), 5, steps=setup.pick(27, 3))
    undisturbed = loop.run(song(server, asked))
    before = server.restarts()
    data, pause = loop.run(_disturbed(server, asked))
    yield Figure("kill.restarts", server.restarts() - before)
    yield Figure("kill.equal", data == bytes(undisturbed.data))
    yield Figure("kill.pause_s", pause, "the longest silence of the stream")


async def _disturbed(server: Server, asked: music_pb2.GenerateRequest) -> tuple[bytes, float]:
    """Return the bytes of a song whose worker is killed after the first chunk, and the longest time between chunks."""
    data, pause, last, killed = bytearray(), 0.0, time.monotonic(), False
    async with grpc.aio.insecure_channel(server.address) as channel:
        async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(asked, timeout=60.0):
            if not response.event.HasField("chunk"):
                continue
            now = time.monotonic()
            pause, last = max(pause, now - last) if killed else 0.0, now
            data += response.event.chunk.data
            if not killed:
                killed = True
                for worker in server.workers():
                    worker.kill()
    return bytes(data), pause


def _metrics(server: Server) -> Iterator[Figure]:
    """Yield the server's own metrics as measured values."""
    found = server.metrics()
    for name in ("step_seconds", "batch_sections"):
        count = found.get(f"melisma_{name}_count", 0.0)
        yield Figure(f"metrics.{name}.mean", found.get(f"melisma_{name}_sum", 0.0) / count if count else None)
    yield Figure("metrics.restarts", server.restarts())


def _card(setup: Setup, server: Server) -> Iterator[Figure]:
    """Yield the list of processes on the GPU, and True if the server process is one of them, which it must not be."""
    if not setup.on_gpu:
        yield absent("card", "a CPU")
        return
    query = ["nvidia-smi", "--query-compute-apps=pid,gpu_uuid,used_memory", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=10.0, check=True)
    lines = done.stdout.strip().splitlines()
    yield Figure("card.processes", lines)
    yield Figure("card.server_is_on_it", any(line.startswith(f"{server.process.pid},") for line in lines))


def failures(setup: Setup) -> Iterator[Figure]:
    """Make the device of a server run out of memory, and then break."""
    if not setup.on_gpu:
        yield absent("memory", "a CPU has no device memory that could be exhausted")
        yield absent("assert", "on a CPU a bad index is an error like any other")
        return
    limits = {"batch_tokens": 10**6, "batch_sections": 64}
    with running(setup, free_gib=FREE_GIB, device=limits) as server, asyncio.Runner() as loop:
        yield from guarded("memory", _out_of_memory(server, loop))
        yield from guarded("assert", _device_assert(server, loop))


def _out_of_memory(server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    """Request more songs in one step than the memory can hold; check that batches get smaller and that no song is
    lost.
    """
    started = time.monotonic()
    asked = [request(240.0, seed, steps=2, lines=1) for seed in range(16)]
    parts = loop.run(_first_chunks(server, asked))
    yield Figure("memory.songs_heard", sum(part.chunks > 0 for part in parts))
    yield Figure("memory.seconds", time.monotonic() - started)
    yield Figure("memory.failures", [part.failure for part in parts if part.failure])
    yield Figure("memory.restarts", server.restarts())


async def _first_chunks(server: Server, asked: list[music_pb2.GenerateRequest]) -> list[Part]:
    return list(await asyncio.gather(*(left(server, each, event="chunk") for each in asked)))


def _device_assert(server: Server, loop: asyncio.Runner) -> Iterator[Figure]:
    """Break the device with one song; check that its worker is replaced and that another song is completed."""
    workers, before, started = {worker.pid for worker in server.workers()}, server.restarts(), time.monotonic()
    beside, poisoned = loop.run(_poisoned(server))
    yield Figure("assert.song_beside_s", beside.total_seconds)
    yield Figure("assert.poisoned_song", poisoned.failure or "was made")
    server.wait_ready()
    heard = loop.run(song(server, request(10.0, 3, steps=3)))
    yield Figure("assert.until_next_song_s", time.monotonic() - started)
    yield Figure("assert.next_song", heard.finished.sample_count > 0)
    yield Figure("assert.worker_replaced", not workers & {worker.pid for worker in server.workers()})
    yield Figure("assert.restarts", server.restarts() - before)


async def _poisoned(server: Server) -> tuple[Heard, Part]:
    """Request a song and, while it is denoised, a second song that breaks the device; return what the listeners of both
    received.
    """
    beside = asyncio.create_task(song(server, request(60.0, 1, steps=60)))
    await asyncio.sleep(0.5)
    poisoned = await left(server, request(20.0, 2, prompt=POISON), event="finished")
    return await beside, poisoned
