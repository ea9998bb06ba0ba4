"""Measures the server under load: 60 s songs of the studio engine, closed loop and Poisson arrivals, under several
policies.

    python -m benchmarks.service.bench_load                                         everything (half an hour)
    python -m benchmarks.service.bench_load --modes deadline --clients 1 8 --loads  a part of it

Every mode has its own server: `deadline` is the default policy, `arrival` is first come first served, `unbatched` has
one section in every step. In the closed loop every client requests its next song when the previous one is complete.
Poisson arrivals come at a share of the capacity, which is measured in the closed loop of eight clients in `deadline`;
their latency counts from the moment at which the request was due. A listener starts with the first chunk and plays in
real time.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc.aio
import numpy as np

from benchmarks.service.bench_service import song
from benchmarks.service.listener import Heard, listen
from benchmarks.service.running import running_service

MODES: dict[str, dict[str, str]] = {
    "deadline": {},
    "arrival": {"scheduling__order": "arrival"},
    "unbatched": {"limits__batch_sections": "1"},
}
CLIENTS = (1, 4, 8, 16, 32)
CAPACITY_CLIENTS = 8
LOADS = (0.5, 0.8, 0.95)
OPEN_SONGS = 20
HEADER = (
    "mode",
    "arrivals",
    "songs",
    "first audio P50 / P95 / max, s",
    "song P50 / P95 / max, s",
    "stalled",
    "stalls, s",
    "sound, s/s",
    "first audio estimated / actual",
    "finish estimated / actual",
)


@dataclass(frozen=True, slots=True)
class Listened:
    """A received song, and the delay of its request in seconds."""

    heard: Heard
    late_seconds: float = 0.0


async def closed(channel: grpc.aio.Channel, clients: int, seconds: float, seed: int) -> list[Listened]:
    """Run `clients` clients, each of which requests one or two songs of `seconds` one after the other; return the
    received songs.
    """

    each = 2 if clients <= CAPACITY_CLIENTS else 1

    async def client(number: int) -> list[Listened]:
        seeds = range(seed + number * each, seed + (number + 1) * each)
        return [Listened(await listen(channel, str(one), song(one, seconds))) for one in seeds]

    return [one for some in await asyncio.gather(*map(client, range(clients))) for one in some]


async def opened(channel: grpc.aio.Channel, rate: float, seconds: float, seed: int) -> list[Listened]:
    """Request songs of `seconds` at random times, `rate` per second on average; return the received songs."""
    rng, started = random.Random(seed), time.monotonic()
    dues = np.cumsum([rng.expovariate(rate) for _ in range(OPEN_SONGS)])

    async def client(number: int, due: float) -> Listened:
        await asyncio.sleep(max(0.0, started + due - time.monotonic()))
        late = time.monotonic() - started - due
        return Listened(await listen(channel, str(number), song(seed + number, seconds)), late)

    return await asyncio.gather(*(client(number, due) for number, due in enumerate(dues)))


def row(mode: str, arrivals: str, songs: Sequence[Listened], wall_seconds: float) -> str:
    """Return the results under one load, such as first audio and stalls, as a line of the table; `wall_seconds` is the
    duration of the run.
    """
    heard = [one.heard for one in songs]
    sound = sum(one.finished.duration_seconds for one in heard)
    stalls = [one.stall_seconds for one in heard if one.stall_seconds > 0]
    cells = (
        mode,
        arrivals,
        str(len(songs)),
        _spread([one.heard.first_audio_seconds + one.late_seconds for one in songs], 2),
        _spread([one.heard.total_seconds + one.late_seconds for one in songs], 1),
        str(len(stalls)),
        f"{sum(stalls):.1f}",
        f"{sound / wall_seconds:.1f}",
        _estimate_errors([(one.estimated_first_audio_seconds, one.first_audio_seconds) for one in heard]),
        _estimate_errors([(one.estimated_finish_seconds, one.total_seconds) for one in heard]),
    )
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], digits: int) -> str:
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return " / ".join(f"{value:.{digits}f}" for value in (p50, p95, max(values)))


def _estimate_errors(pairs: Sequence[tuple[float | None, float]]) -> str:
    """Return, as text, the median ratio of estimated to actual times and the median error in seconds; `pairs` are
    (estimated, actual) seconds, `None` without an estimate.
    """
    known = [(estimated, true) for estimated, true in pairs if estimated is not None]
    if not known:
        return "-"
    ratio = np.median([estimated / true for estimated, true in known])
    return f"{ratio:.2f}, off by {np.median([abs(estimated - true) for estimated, true in known]):.2f} s"


async def measure(
    address: str, mode: str, clients: Sequence[int], loads: Sequence[float], seconds: float, capacity: float | None
) -> float | None:
    """Measure all loads of one mode; return the capacity in songs per second, if it was measured."""
    async with grpc.aio.insecure_channel(address) as channel:
        await listen(channel, "warm", song(0, seconds))
        for count in clients:
            started = time.monotonic()
            songs = await closed(channel, count, seconds, 1000 * count)
            wall = time.monotonic() - started
            print(row(mode, f"closed, {count}", songs, wall), flush=True)
            if count == CAPACITY_CLIENTS and capacity is None:
                capacity = len(songs) / wall
        for load in loads if capacity else ():
            assert capacity is not None
            started = time.monotonic()
            songs = await opened(channel, load * capacity, seconds, round(100_000 * load))
            print(row(mode, f"Poisson, {load:.0%}", songs, time.monotonic() - started), flush=True)
    return capacity


def main() -> None:
    """Command line: measure all modes, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=tuple(MODES))
    parser.add_argument("--clients", type=int, nargs="*", default=CLIENTS)
    parser.add_argument("--loads", type=float, nargs="*", default=LOADS)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a song")
    parser.add_argument("--capacity", type=float, help="songs per second; unset: measured with eight clients")
    parser.add_argument("--devices", default="cpu", help="devices of the server, as in MELISMA_DEVICES")
    options = parser.parse_args()
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    capacity = options.capacity
    for mode in options.modes:
        limits = {"limits__running_songs": "64", "limits__queued_songs": "64", "devices": options.devices}
        with running_service(**limits, **MODES[mode]) as service:
            found = measure(service.address, mode, options.clients, options.loads, options.seconds, capacity)
            capacity = asyncio.run(found)


if __name__ == "__main__":
    main()
