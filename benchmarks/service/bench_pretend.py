"""Measures songs per second and the time to the first chunk with a simulated device, whose steps take 20 ms for any
batch: the overhead without a model.

    python -m benchmarks.service.bench_pretend
    python -m benchmarks.service.bench_pretend --ray HEAD:6379 --token-file token     its device on a Ray cluster

Closed loop: 32 clients take two songs each, their starts spread over a second. Open loop: ten songs a second for 15 s,
Poisson arrivals; latency counts from the moment a request was due. There are two rounds; the second one counts.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import grpc.aio
import numpy as np

from benchmarks.service.listener import Reader, events, in_response
from clients.examples.first_song import free_port, stop, wait_until_serving
from melisma.v1 import music_pb2

CLIENTS, SONGS_EACH, SPREAD_SECONDS = 32, 2, 1.0
RATE, OPEN_SECONDS = 10.0, 15.0
ROUNDS = 2
TIMEOUT_SECONDS = 60.0


async def first_chunk_seconds(channel: grpc.aio.Channel, due_at: float, read: Reader = in_response) -> float:
    """Request one song and receive it to its end; return the seconds from `due_at` (monotonic time) to its first chunk.
    `read` extracts the event from the bytes of a response.
    """
    request = music_pb2.GenerateRequest(prompt="pretend", seed=1)
    first: float | None = None
    async for event in events(channel, request, TIMEOUT_SECONDS, read):
        if first is None and event.HasField("chunk"):
            first = time.monotonic() - due_at
    if first is None:
        raise RuntimeError("a song on the simulated device ended without sound; see the log of the server")
    return first


async def closed(channel: grpc.aio.Channel, read: Reader = in_response) -> tuple[float, list[float]]:
    """Return the songs per second, and the seconds to the first chunk of each song, of clients that request one song
    after another.
    """

    async def client(number: int) -> list[float]:
        await asyncio.sleep(SPREAD_SECONDS * number / CLIENTS)
        return [await first_chunk_seconds(channel, time.monotonic(), read) for _ in range(SONGS_EACH)]

    started = time.monotonic()
    firsts = await asyncio.gather(*map(client, range(CLIENTS)))
    return CLIENTS * SONGS_EACH / (time.monotonic() - started), [first for some in firsts for first in some]


async def opened(channel: grpc.aio.Channel, seed: int) -> tuple[float, list[float]]:
    """Return the songs per second, and the seconds to the first chunk of each song, for songs requested at random
    times.
    """
    rng, due, dues = random.Random(seed), 0.0, list[float]()
    while (due := due + rng.expovariate(RATE)) < OPEN_SECONDS:
        dues.append(due)
    started = time.monotonic()

    async def client(due: float) -> float:
        await asyncio.sleep(max(0.0, started + due - time.monotonic()))
        return await first_chunk_seconds(channel, started + due)

    firsts = await asyncio.gather(*map(client, dues))
    return len(dues) / (time.monotonic() - started), list(firsts)


def row(what: str, rate: float, firsts: Sequence[float]) -> None:
    """Print the songs per second (`rate`) and the times to the first chunk of one loop, which `what` names, as a line
    of the table.
    """
    p50, p95 = np.quantile(firsts, [0.5, 0.95])
    print(f"| {what} | {len(firsts)} | {rate:.1f} | {p50:.3f} | {p95:.3f} | {max(firsts):.3f} |", flush=True)


async def measure(address: str) -> None:
    """Measure the closed and the open loop, twice."""
    print("| loop | songs | songs/s | first chunk P50, s | P95, s | worst, s |")
    print("|---|---|---|---|---|---|")
    async with grpc.aio.insecure_channel(address) as channel:
        for number in range(1, ROUNDS + 1):
            row(f"closed, round {number}", *await closed(channel))
            row(f"open, round {number}", *await opened(channel, number))


def main() -> None:
    """Command line: start the server of `benchmarks.service.pretend` with the same arguments, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", help="HOST:PORT of the head of a Ray cluster, for a worker there")
    parser.add_argument("--token-file", help="file of that cluster's token")
    parser.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.service.pretend", "--port", str(port), *sys.argv[1:]]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        wait_until_serving(process, f"127.0.0.1:{port}")
        with suppress(KeyboardInterrupt):
            asyncio.run(measure(f"127.0.0.1:{port}"))
    finally:
        stop(process)


if __name__ == "__main__":
    main()
