"""Compares the speed of two checkouts of this project, measured in turn on this computer in one run.

    python -m benchmarks.service.compare_speed OLD NEW [--pairs 9] [--only idle pretend overhead]

Every pair measures both checkouts, in alternating order. For each measured value the median of the ratios new/old and
its 95 % confidence interval (order statistics, inverted sign test) are printed.
"""

import argparse
import asyncio
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import grpc.aio

from benchmarks.service.bench_pretend import closed
from benchmarks.service.bench_service import song
from benchmarks.service.compare_checkouts import environment_of
from benchmarks.service.listener import Heard, Reader, in_response, listen
from benchmarks.service.running import SERVER, Service, running_service
from melisma.v1 import music_pb2

IDLE_SONGS = 3
FIGURE_WIDTH = 34
OVERHEAD_TIMEOUT_SECONDS = 300.0

Figures = dict[str, float]


def module_of(checkout: Path, name: str) -> str:
    """Return the import name of a benchmark's module in a checkout, which may be in another folder there."""
    (found,) = (checkout / "benchmarks").rglob(f"{name}.py")
    return ".".join(found.relative_to(checkout).with_suffix("").parts)


def running(checkout: Path, command: Sequence[str] = SERVER) -> AbstractContextManager[Service]:
    """Context manager with a server that runs the source code in the folder `checkout`; `command` is the server's
    module and its arguments without the port.
    """
    return running_service(command, checkout, environment_of(checkout))


def reader_of(checkout: Path) -> Reader:
    """Return the function that extracts the event from a message of a checkout's server; in old versions the messages
    were the events.
    """
    contract = (checkout / "protos" / "melisma" / "v1" / "music.proto").read_text("utf-8")
    return in_response if "SongEvent event = 1;" in contract else music_pb2.SongEvent.FromString


async def _songs(address: str, read: Reader) -> list[Heard]:
    async with grpc.aio.insecure_channel(address) as channel:
        await listen(channel, "warm", song(0), read)
        return [await listen(channel, str(seed), song(seed), read) for seed in range(1, IDLE_SONGS + 1)]


def idle(checkout: Path) -> Figures:
    """Measure start, first audio and song time of the studio engine on an idle server, and the total CPU time."""
    with running(checkout) as service:
        started_cpu = service.cpu_seconds()
        heard = asyncio.run(_songs(service.address, reader_of(checkout)))
        return {
            "start to SERVING, s": service.start_seconds,
            "start, CPU s": started_cpu,
            "first audio, idle, s": statistics.median(one.first_audio_seconds for one in heard),
            "60 s song, idle, s": statistics.median(one.total_seconds for one in heard),
            "songs, CPU s of all": service.cpu_seconds() - started_cpu,
            "songs, CPU s of the server": service.own_cpu_seconds(),
        }


async def _closed(address: str, read: Reader) -> tuple[float, list[float]]:
    async with grpc.aio.insecure_channel(address) as channel:
        await closed(channel, read)
        return await closed(channel, read)


def pretend(checkout: Path) -> Figures:
    """Measure a closed loop of clients on a simulated device that takes 20 ms a step; the second of two rounds
    counts.
    """
    with running(checkout, [module_of(checkout, "pretend")]) as service:
        rate, firsts = asyncio.run(_closed(service.address, reader_of(checkout)))
        return {
            "simulated device, s for each song": 1 / rate,
            "simulated device, first chunk P50, s": statistics.median(firsts),
            "simulated device, first chunk P95, s": statistics.quantiles(firsts, n=20)[-1],
            "simulated device, CPU s of all": service.cpu_seconds(),
        }


def overhead(checkout: Path) -> Figures:
    """Measure the CPU time of the server process per chunk, without the cost of an engine or encoder."""
    done = subprocess.run(
        [sys.executable, "-m", module_of(checkout, "bench_overhead")],
        cwd=checkout, env=environment_of(checkout), stdout=subprocess.PIPE, text=True, check=True,
        timeout=OVERHEAD_TIMEOUT_SECONDS,
    )  # fmt: skip
    return {"server CPU for each chunk, ms": float(done.stdout.split("median ")[1].split()[0])}


MEASUREMENTS: Mapping[str, Callable[[Path], Figures]] = {"idle": idle, "pretend": pretend, "overhead": overhead}


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the median of `ratios`, by order statistics; their range if there are
    fewer than six.
    """
    ordered, count = sorted(ratios), len(ratios)
    cut = 0
    while sum(math.comb(count, below) for below in range(cut + 1)) / 2**count <= 0.025:
        cut += 1
    low = max(cut - 1, 0)
    return ordered[low], ordered[count - 1 - low]


def row(figure: str, old: Sequence[float], new: Sequence[float]) -> str:
    """Return the medians of one measured value (named `figure`) for both checkouts, and the ratio new/old with its
    interval, as a line of the table.
    """
    ratios = [after / before for before, after in zip(old, new, strict=True)]
    low, high = interval(ratios)
    medians = f"{statistics.median(old):8.3f} {statistics.median(new):8.3f}"
    return f"{figure:<{FIGURE_WIDTH}} {medians}   {statistics.median(ratios):.3f}  ({low:.3f} to {high:.3f})"


def main() -> None:
    """Command line: compare the speed of two checkouts, and print a table."""
    parser = argparse.ArgumentParser(description="Compare the speed of two checkouts.")
    parser.add_argument("old", type=Path, help="folder of the checkout to compare with")
    parser.add_argument("new", type=Path, help="folder of the checkout to be compared")
    parser.add_argument("--pairs", type=int, default=9, help="number of measurements of each checkout")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS))
    given = parser.parse_args()
    checkouts = {"old": given.old.resolve(), "new": given.new.resolve()}
    print(f"{'figure':<{FIGURE_WIDTH}} {'old':>8} {'new':>8}   new/old, median of {given.pairs} pairs (95 % interval)")
    for name in given.only:
        found: dict[str, list[Figures]] = {"old": [], "new": []}
        for pair in range(given.pairs):
            for which in ("old", "new") if pair % 2 == 0 else ("new", "old"):
                found[which].append(MEASUREMENTS[name](checkouts[which]))
        for figure in found["old"][0]:
            print(row(figure, *([one[figure] for one in found[which]] for which in ("old", "new"))), flush=True)


if __name__ == "__main__":
    main()
