"""Measures the part of a machine's encoding that a server sends, with songs of an engine that costs nothing.

    python -m benchmarks.service.bench_encoding [--encoders 2] [--songs 16] [--pairs 3]

The bar is what as many plain processes, without a server, master and encode of the same sound in the same time. The
listeners are in a process of their own, on the same cores.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier

import grpc.aio

from benchmarks.service.bench_sound_path import SOURCE_RATE_HERTZ
from benchmarks.service.listener import listen
from benchmarks.service.running import Service, running_service
from benchmarks.service.tape import SONG_SECONDS, WINDOW_SECONDS, tape
from melisma.v1 import music_pb2
from server.audio.song_encoder import SongEncoder
from server.song import AudioSettings

PLAIN_SECONDS = 10.0


def encode_for(seconds: float, together: Barrier, made: "multiprocessing.Queue[float]") -> None:
    """Master and encode the tape over and over; puts seconds of sound a second."""
    windows = tape()
    encoder = SongEncoder(SOURCE_RATE_HERTZ, AudioSettings())
    encoder.feed(windows[0])
    together.wait()
    started, sound = time.monotonic(), 0.0
    while time.monotonic() < started + seconds:
        for window in windows:
            encoder.feed(window)
            sound += WINDOW_SECONDS
    made.put(sound / (time.monotonic() - started))


def plain(processes: int) -> float:
    """Seconds of sound a second of so many plain processes."""
    spawn = multiprocessing.get_context("spawn")
    together, made = spawn.Barrier(processes), spawn.Queue()
    workers = [spawn.Process(target=encode_for, args=(PLAIN_SECONDS, together, made)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    total = sum(made.get() for _ in workers)
    for worker in workers:
        worker.join()
    return float(total)


async def served(service: Service, songs: int) -> tuple[float, float, float]:
    """Seconds of sound a second, and CPU ms of the server process for a second of sound and for a chunk."""
    async with grpc.aio.insecure_channel(service.address) as channel:
        await listen(channel, "first", music_pb2.GenerateRequest(prompt="tape", seed=1))
        cpu, started = service.own_cpu_seconds(), time.monotonic()
        requests = [music_pb2.GenerateRequest(prompt="tape", seed=2 + number) for number in range(songs)]
        heard = await asyncio.gather(*(listen(channel, "tape", request) for request in requests))
        sound, chunks = songs * SONG_SECONDS, sum(len(one.arrivals) for one in heard)
        cpu_ms = 1000 * (service.own_cpu_seconds() - cpu)
        return sound / (time.monotonic() - started), cpu_ms / sound, cpu_ms / chunks


def show(row: Sequence[float]) -> None:
    """Print a line."""
    alone, sound, ratio, second_ms, chunk_ms = row
    print(
        f"alone {alone:6.1f} s/s   served {sound:6.1f} s/s   ratio {ratio:.2f}   "
        f"CPU of the server {second_ms:.2f} ms a second, {chunk_ms:.2f} ms a chunk",
        flush=True,
    )


def main() -> None:
    """Alternate, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", type=int, default=2)
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    settings = {"engines": "tape=benchmarks.service.tape:TapeEngine", "threads__encoders": str(args.encoders)}
    rows = []
    for _ in range(args.pairs):
        alone = plain(args.encoders)
        with running_service(**settings) as service:
            sound, second_ms, chunk_ms = asyncio.run(served(service, args.songs))
        rows.append((alone, sound, sound / alone, second_ms, chunk_ms))
        show(rows[-1])
    print("medians:")
    show(tuple(map(statistics.median, zip(*rows, strict=True))))


if __name__ == "__main__":
    main()
