"""Compares the encoding throughput of a server with that of plain encoder processes, with an engine that costs nothing.

    python -m benchmarks.service.bench_encoding [--encoders 2] [--songs 16] [--pairs 3]

The reference is the throughput of the same number of plain processes without a server, which master and encode the same
sound with one thread each. The listeners are in another process on the same cores. The second line of a pair gives the
CPU milliseconds per second of sound by process, and the ratio by CPU time, which other programs disturb less: of
encoders and server, and of all processes.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from unittest.mock import patch

import grpc.aio
import psutil

from benchmarks.service.bench_sound_path import SOURCE_RATE_HERTZ
from benchmarks.service.listener import listen
from benchmarks.service.running import Service, running_service
from benchmarks.service.tape import SONG_SECONDS, WINDOW_SECONDS, tape
from melisma.v1 import music_pb2
from server.audio.song_encoder import SongEncoder
from server.song import AudioSettings

PLAIN_SECONDS = 10.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MODULES = {"server.encoders.encoder": "encoders", "server.workers.worker": "worker"}


@dataclass(frozen=True, slots=True)
class Speed:
    """Encoding speed: seconds of sound encoded per second, and CPU milliseconds per second of sound by kind of
    process.
    """

    sound: float
    cpu_ms: Mapping[str, float]


def encode_for(seconds: float, together: Barrier, made: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """Wait for the other processes at the barrier `together`, then master and encode the same sound repeatedly for
    `seconds`. Put the results into the queue `made`: the seconds of sound encoded per second, and the CPU milliseconds
    per second of sound.
    """
    windows = tape()
    encoder = SongEncoder(SOURCE_RATE_HERTZ, AudioSettings())
    encoder.feed(windows[0])
    together.wait()
    started, cpu, sound = time.monotonic(), time.process_time(), 0.0
    while time.monotonic() < started + seconds:
        for window in windows:
            encoder.feed(window)
            sound += WINDOW_SECONDS
    made.put((sound / (time.monotonic() - started), 1000 * (time.process_time() - cpu) / sound))


def plain(processes: int) -> Speed:
    """Return the total encoding speed of `processes` encoder processes without a server."""
    spawn = multiprocessing.get_context("spawn")
    together, made = spawn.Barrier(processes), spawn.Queue()
    workers = [spawn.Process(target=encode_for, args=(PLAIN_SECONDS, together, made)) for _ in range(processes)]
    with patch.dict(os.environ, ONE_THREAD):
        for worker in workers:
            worker.start()
    sounds, costs = zip(*(made.get() for _ in workers), strict=True)
    for worker in workers:
        worker.join()
    return Speed(sum(sounds), {"alone": statistics.fmean(costs)})


def cpu_seconds(service: Service) -> dict[str, float]:
    """Return the CPU seconds used so far by kind of process; the process of this benchmark counts as listener."""
    spent = {"encoders": 0.0, "worker": 0.0, "server": service.own_cpu_seconds(), "listeners": time.process_time()}
    for process in service.process.children():
        kind = next((kind for module, kind in MODULES.items() if module in process.cmdline()), None)
        if kind is not None:
            spent[kind] += cpu_seconds_of(process)
    return spent


def cpu_seconds_of(process: psutil.Process) -> float:
    """Return the CPU time of a process so far."""
    return float(sum(process.cpu_times()[:2]))


async def served(service: Service, songs: int) -> tuple[Speed, float]:
    """Request `songs` songs at once; return the encoding speed of the service, and the CPU milliseconds of the server
    process per chunk.
    """
    async with grpc.aio.insecure_channel(service.address) as channel:
        await listen(channel, "first", music_pb2.GenerateRequest(prompt="tape", seed=1))
        before, started = cpu_seconds(service), time.monotonic()
        requests = [music_pb2.GenerateRequest(prompt="tape", seed=2 + number) for number in range(songs)]
        heard = await asyncio.gather(*(listen(channel, "tape", request) for request in requests))
        seconds, after = time.monotonic() - started, cpu_seconds(service)
    sound, chunks = songs * SONG_SECONDS, sum(len(one.arrivals) for one in heard)
    spent_ms = {kind: 1000 * (after[kind] - before[kind]) for kind in before}
    per_second_ms = {kind: ms / sound for kind, ms in spent_ms.items()}
    return Speed(sound / seconds, per_second_ms), spent_ms["server"] / chunks


def show(row: Sequence[float], costs: Mapping[str, float]) -> None:
    """Print three lines about a pair of measurements: `row` has the speed without and with the server, their ratio, and
    the server's CPU milliseconds per chunk; `costs` are the CPU milliseconds per second of sound by kind of process.
    """
    alone, sound, ratio, chunk_ms = row
    print(f"alone {alone:6.1f} s/s   served {sound:6.1f} s/s   ratio {ratio:.2f}   server {chunk_ms:.2f} ms a chunk")
    print("    " + "   ".join(f"{kind} {ms:.2f}" for kind, ms in costs.items()))
    served_ms = sum(costs.values()) - costs["alone"]
    of_both = costs["alone"] / (costs["encoders"] + costs["server"])
    print(f"    by CPU {of_both:.2f} of encoders and server, {costs['alone'] / served_ms:.2f} of all", flush=True)


def main() -> None:
    """Command line: measure the server and plain processes in turn, and print medians of the throughput."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", type=int, default=2)
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    settings = {"engines": "tape=benchmarks.service.tape:TapeEngine", "threads__encoders": str(args.encoders)}
    rows, costs = list[tuple[float, ...]](), list[dict[str, float]]()
    for _ in range(args.pairs):
        alone = plain(args.encoders)
        with running_service(**settings) as service:
            speed, chunk_ms = asyncio.run(served(service, args.songs))
        rows.append((alone.sound, speed.sound, speed.sound / alone.sound, chunk_ms))
        costs.append({**alone.cpu_ms, **speed.cpu_ms})
        show(rows[-1], costs[-1])
    print("medians:")
    show(
        tuple(map(statistics.median, zip(*rows, strict=True))),
        {kind: statistics.median(cost[kind] for cost in costs) for kind in costs[0]},
    )


if __name__ == "__main__":
    main()
