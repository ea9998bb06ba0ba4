"""Measures the latency that the shared store adds between the server that makes a song and another one with its
listener, with a real Redis or Valkey.

    python -m benchmarks.store.bench_shared [--songs 16] [--rate 20] [--flush 0 0.1]

A writer makes songs of 8 KiB chunks at a given rate, and a listener in another process follows them all. Latency counts
from the moment at which a chunk exists, including the time of collecting chunks. The first chunk of a song is stored at
once.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.store import listener
from server.child_process import child_environment
from server.song import SongState
from server.store.base import Extent, StoredEvent
from server.store.claim import Claim
from server.store.shared.service import SharedParts, shared_store
from tests.support.servers import DirectoryServer
from tests.support.shared_stores import plan_for
from tests.support.stored_songs import record, ticket

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """One load: the number of simultaneous songs, their chunks per second, and the time for collecting chunks before an
    append.
    """

    songs: int
    chunks_per_second: float
    flush_seconds: float

    @property
    def chunks(self) -> int:
        """Number of chunks of one song."""
        return round(SECONDS * self.chunks_per_second)


async def admitted(parts: SharedParts, number: int) -> Claim:
    """Register song number `number` in the song directory, and return the claim, the server's exclusive right to make
    the song.
    """
    answer = await parts.directory.admit(ticket(record(number), take=True))
    assert answer.claim is not None
    return answer.claim


async def write(parts: SharedParts, claim: Claim, load: Load, delay_seconds: float) -> list[float]:
    """Write the chunks of the claimed song to the store, after a delay, at the rate of `load`; return the seconds that
    each append took.
    """
    appends: list[float] = []
    waiting: list[bytes] = []
    at, began, song = Extent(), time.monotonic() + delay_seconds, replace(claim.song, state=SongState.RUNNING)
    flushed_at = -load.flush_seconds
    for number in range(load.chunks):
        await asyncio.sleep(max(0.0, began + number / load.chunks_per_second - time.monotonic()))
        waiting.append(time.monotonic_ns().to_bytes(listener.STAMP_BYTES, "big").ljust(listener.CHUNK_BYTES, b"\0"))
        if time.monotonic() - flushed_at < load.flush_seconds and number < load.chunks - 1:
            continue
        flushed_at, sound = time.monotonic(), b"".join(waiting)
        ends = [at.size_bytes + listener.CHUNK_BYTES * (place + 1) for place in range(len(waiting))]
        waiting.clear()
        song = replace(song, size_bytes=ends[-1])
        await parts.store.append(song, [StoredEvent(b"", end) for end in ends], sound, lease=claim.lease, at=at)
        appends.append(time.monotonic() - flushed_at)
        at = Extent(ends[-1], at.events + len(ends))
    await parts.store.end(replace(song, state=SongState.COMPLETED, ended_ns=1), lease=claim.lease, at=at)
    return appends


async def measure(load: Load) -> None:
    """Start a Redis or Valkey, and print the latency under one load: from the moment at which a chunk exists in the
    writer to its arrival at the listener.
    """
    server = DirectoryServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            await _measure(server, folder, load)
    finally:
        server.remove()


async def _measure(server: DirectoryServer, folder: str, load: Load) -> None:
    objects = Path(folder) / "objects"
    async with shared_store(plan_for(server.url, f"file://{objects}", lease_seconds=60.0)) as parts:
        claims = [await admitted(parts, number) for number in range(load.songs)]
        command = ("-m", listener.__name__, server.url, str(objects), *(claim.song.song_id for claim in claims))
        hearing = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=child_environment()
        )
        assert hearing.stdout is not None
        await hearing.stdout.readline()
        before = _cpu_seconds(server.pid)
        # Songs do not begin at the same moment, nor do their chunks come at the same moment.
        songs = (write(parts, one, load, 1.03 * place / load.songs) for place, one in enumerate(claims))
        appends = await asyncio.gather(*songs)
        spent = _cpu_seconds(server.pid) - before
        delays: list[list[float]] = json.loads((await hearing.communicate())[0])
    _print(load, delays, [one for song in appends for one in song], spent)


def _print(load: Load, delays: list[list[float]], appends: Sequence[float], spent: float) -> None:
    first = [song[0] for song in delays]
    later = [one for song in delays for one in song[1:]]
    print(
        f"{load.songs} songs, {load.chunks_per_second:g} chunks a second each, flush {load.flush_seconds:g} s: "
        f"first chunk {_figures(first)}, later {_figures(later)}, append {_figures(appends)}; CPU of the directory "
        f"{1e6 * spent / (load.songs * load.chunks):.0f} us per chunk, {100 * spent / SECONDS:.0f} % of a core"
    )


def _figures(seconds: Sequence[float]) -> str:
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    return f"{1e3 * statistics.median(seconds):.1f} ms (P99 {1e3 * p99:.0f})"


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Command line: measure each load with a new Redis or Valkey."""
    parser = argparse.ArgumentParser(description="Measure the shared store.")
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=20.0, help="chunks per second of each song")
    parser.add_argument(
        "--flush",
        type=float,
        nargs="+",
        default=[0.0, 0.1],
        help="seconds for which chunks are collected before they are stored",
    )
    given = parser.parse_args()
    for flush_seconds in given.flush:
        asyncio.run(measure(Load(given.songs, given.rate, flush_seconds)))


if __name__ == "__main__":
    main()
