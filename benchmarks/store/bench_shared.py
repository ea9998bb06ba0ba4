"""What the shared store adds between the server that makes a song and one where it is heard; Redis or Valkey is real.

    python -m benchmarks.store.bench_shared

A writer makes songs of 8 KiB chunks, a listener in another process follows them all. Latency counts from the moment
at which a chunk is there, its gathering included. The first chunk of a song is stored at once.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.store import listener
from server.child_process import child_environment
from server.song import SongState
from server.store.base import Extent, StoredEvent
from server.store.directory import Claim
from server.store.shared.service import SharedParts, shared_store
from tests.support.servers import DirectoryServer
from tests.support.shared_stores import plan_for
from tests.support.stored_songs import record, ticket

SONGS = 16
CHUNKS = 100
CHUNKS_PER_SECOND = 20.0
FLUSH_SECONDS = (0.0, 0.1)


async def admitted(parts: SharedParts, number: int) -> Claim:
    """A song that this process makes."""
    answer = await parts.directory.admit(ticket(record(number), take=True))
    assert answer.claim is not None
    return answer.claim


async def write(parts: SharedParts, claim: Claim, flush_seconds: float, delay_seconds: float) -> list[float]:
    """Make one song at the rate of a stream, after a delay; returns the seconds of each append."""
    appends: list[float] = []
    waiting: list[bytes] = []
    at, began, song = Extent(), time.monotonic() + delay_seconds, replace(claim.song, state=SongState.RUNNING)
    flushed_at = -flush_seconds
    for number in range(CHUNKS):
        await asyncio.sleep(max(0.0, began + number / CHUNKS_PER_SECOND - time.monotonic()))
        waiting.append(time.monotonic_ns().to_bytes(listener.STAMP_BYTES, "big").ljust(listener.CHUNK_BYTES, b"\0"))
        if time.monotonic() - flushed_at < flush_seconds and number < CHUNKS - 1:
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


async def measure(flush_seconds: float) -> None:
    """Measure one flush period and print it."""
    server = DirectoryServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            await _measure(server, folder, flush_seconds)
    finally:
        server.remove()


async def _measure(server: DirectoryServer, folder: str, flush_seconds: float) -> None:
    objects = Path(folder) / "objects"
    async with shared_store(plan_for(server.url, f"file://{objects}", lease_seconds=60.0)) as parts:
        claims = [await admitted(parts, number) for number in range(SONGS)]
        command = ("-m", listener.__name__, server.url, str(objects), *(claim.song.song_id for claim in claims))
        hearing = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=child_environment()
        )
        assert hearing.stdout is not None
        await hearing.stdout.readline()
        before = _cpu_seconds(server.pid)
        # Songs do not begin, nor bring their chunks, in the same moment.
        songs = (write(parts, one, flush_seconds, 1.03 * place / SONGS) for place, one in enumerate(claims))
        appends = await asyncio.gather(*songs)
        spent = _cpu_seconds(server.pid) - before
        delays: list[list[float]] = json.loads((await hearing.communicate())[0])
    _print(flush_seconds, delays, [one for song in appends for one in song], spent)


def _print(flush_seconds: float, delays: list[list[float]], appends: Sequence[float], spent: float) -> None:
    first = [song[0] for song in delays]
    later = [one for song in delays for one in song[1:]]
    print(
        f"flush {flush_seconds:g} s: first chunk {_figures(first)}, later {_figures(later)}, "
        f"append {_figures(appends)}; CPU of the directory {1e6 * spent / (SONGS * CHUNKS):.0f} us per chunk"
    )


def _figures(seconds: Sequence[float]) -> str:
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    return f"{1e3 * statistics.median(seconds):.1f} ms (P99 {1e3 * p99:.0f})"


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure each flush period."""
    for flush_seconds in FLUSH_SECONDS:
        asyncio.run(measure(flush_seconds))


if __name__ == "__main__":
    main()
