"""Measures the service from outside, over gRPC, with the studio engine.

    python -m benchmarks.service.bench_service idle        first audio, song time, CPU per second, memory, start
    python -m benchmarks.service.bench_service crowd       one, two and eight songs at once
    python -m benchmarks.service.bench_service listeners   8 to 64 live listeners: who stalls, how many at once
    python -m benchmarks.service.bench_service soak        memory over many songs

Figures are medians and P95 over the songs of one run.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import grpc.aio
import numpy as np

from benchmarks.service.listener import STALL_SECONDS, Heard, listen, played_at_once
from benchmarks.service.running import Service, running_service
from benchmarks.songs import SONGS
from melisma.v1 import music_pb2

SONG_SECONDS = 60.0
LISTENERS = (8, 16, 24, 32, 48, 64)
_MEBIBYTE = 1 << 20


def song(seed: int, seconds: float = SONG_SECONDS) -> music_pb2.GenerateRequest:
    """Return the request for the README's song with another seed and length."""
    request = music_pb2.GenerateRequest()
    request.CopyFrom(SONGS["spring"])
    request.seed = seed
    request.duration_seconds = seconds
    return request


def row(what: str, value: str) -> None:
    """Print one measured value with its name as a line of the table."""
    print(f"{what:<52}{value}", flush=True)


def spread(values: list[float]) -> str:
    """Return median and 95th percentile of durations as text."""
    return f"median {statistics.median(values):6.3f} s   P95 {np.quantile(values, 0.95):6.3f} s   n {len(values)}"


async def idle(service: Service, channel: grpc.aio.Channel, songs: int) -> None:
    """Measure `songs` songs one after another on an otherwise idle server; print times, CPU time and memory."""
    row("start to SERVING", f"{service.start_seconds:.2f} s")
    row("memory of the idle server with its worker", f"{service.memory_bytes() / _MEBIBYTE:.0f} MiB")
    row("first audio of the first song", f"{(await listen(channel, 'warm', song(0))).first_audio_seconds:.3f} s")
    before = service.cpu_seconds()
    heard = [await listen(channel, str(seed), song(seed)) for seed in range(1, songs + 1)]
    audio = sum(one.finished.duration_seconds for one in heard)
    row("first audio", spread([one.first_audio_seconds for one in heard]))
    row(f"a {SONG_SECONDS:.0f} s song, start to Finished", spread([one.total_seconds for one in heard]))
    row("CPU seconds per second of audio", f"{(service.cpu_seconds() - before) / audio:.4f}")
    row("memory after the songs", f"{service.memory_bytes() / _MEBIBYTE:.0f} MiB")


async def crowd(service: Service, channel: grpc.aio.Channel, songs: int) -> None:
    """Measure about `songs` songs of each load: made one at a time, two at once, and eight at once; print the times to
    first audio and to the end of the song.
    """
    await listen(channel, "warm", song(0))
    for together in (1, 2, 8):
        heard: list[Heard] = []
        for round_ in range(max(1, songs // together)):
            requests = [song(1000 * together + 10 * round_ + i) for i in range(together)]
            heard += await asyncio.gather(*(listen(channel, "crowd", request) for request in requests))
        row(f"{together} at once: first audio", spread([one.first_audio_seconds for one in heard]))
        row(f"{together} at once: a {SONG_SECONDS:.0f} s song", spread([one.total_seconds for one in heard]))


async def listeners(service: Service, channel: grpc.aio.Channel, songs: int) -> None:
    """Measure growing numbers of listeners, started half a second apart: how many stall, and how many play at once."""
    await listen(channel, "warm", song(0))
    for count in (count for count in LISTENERS if count <= songs):
        started = time.monotonic()
        arrived = await asyncio.gather(*(_arrive(channel, index) for index in range(count)))
        seconds, heard = time.monotonic() - started, [one for _, one in arrived]
        stalls = [one.stall_seconds for one in heard]
        row(
            f"{count} listeners",
            f"first audio {spread([one.first_audio_seconds for one in heard])}   "
            f"stalled {sum(stall > STALL_SECONDS for stall in stalls)}, worst {max(stalls):.2f} s   "
            f"at once {played_at_once(arrived)}   {count * SONG_SECONDS / seconds:.1f} s of sound a second",
        )


async def _arrive(channel: grpc.aio.Channel, index: int) -> tuple[float, Heard]:
    await asyncio.sleep(0.5 * index)
    return time.monotonic(), await listen(channel, str(index), song(2000 + index))


async def soak(service: Service, channel: grpc.aio.Channel, songs: int) -> None:
    """Make short songs, two at a time, about `songs` in total, and print the memory of the server after each tenth of
    them.
    """
    for part in range(10):
        for pair in range(max(1, songs // 20)):
            seed = 10_000 + 2 * (part * songs + pair)
            await asyncio.gather(*(listen(channel, "soak", song(seed + i, 10.0)) for i in range(2)))
        row(
            f"memory after {(part + 1) * max(1, songs // 20) * 2} songs",
            f"{service.memory_bytes() / _MEBIBYTE:.0f} MiB",
        )


MEASUREMENTS: dict[str, tuple[Callable[[Service, grpc.aio.Channel, int], Awaitable[None]], int]] = {
    "idle": (idle, 20),
    "crowd": (crowd, 16),
    "listeners": (listeners, 64),
    "soak": (soak, 200),
}
"""The measurements, and the default number of songs of each."""


async def measure(service: Service, name: str, songs: int | None) -> None:
    """Run the measurement `name` of `MEASUREMENTS` against a running service, with `songs` songs; `None` means the
    measurement's default number.
    """
    run, default = MEASUREMENTS[name]
    async with grpc.aio.insecure_channel(service.address) as channel:
        await run(service, channel, songs or default)


def main() -> None:
    """Command line: start a server and run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", choices=MEASUREMENTS)
    parser.add_argument("--songs", type=int, help="number of songs (for listeners: the largest number)")
    parser.add_argument("--workers", type=int, default=1, help="number of worker processes, each on the device cpu")
    options = parser.parse_args()
    devices = ",".join(["cpu"] * options.workers)
    with running_service(devices=devices, limits__running_songs="64", limits__queued_songs="64") as service:
        asyncio.run(measure(service, options.measurement, options.songs))


if __name__ == "__main__":
    main()
