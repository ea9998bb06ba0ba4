"""Measures songs that are requested at random times: how many listeners stall, how many play at once, and how long
songs without listeners take.

    python -m benchmarks.service.bench_arrivals --loads 0.5 1.0 1.5 --songs 200

Arrivals are Poisson, at a share of the service's capacity, which is measured first. Some songs have no listener
(`Prefer: respond-async`); their waiting time is from the request to the end of the song.
"""

import argparse
import asyncio
import http.client
import json
import random
import time
from dataclasses import dataclass

import grpc.aio
import numpy as np

from benchmarks.service.bench_service import song
from benchmarks.service.listener import STALL_SECONDS, Heard, listen, played_at_once
from benchmarks.service.running import running_service
from benchmarks.songs import SONGS
from clients.examples.first_song import free_port

SONG_SECONDS = 30.0
CAPACITY_SONGS = 12
_POLL_SECONDS = 0.25
_MUSIC = "/v1/audio/music"


@dataclass(slots=True)
class Arrived:
    """One requested song: its arrival time, and what its listener received or the time until the song was complete."""

    at: float
    heard: Heard | None = None
    waited_seconds: float = 0.0


async def made_for_later(address: str, seed: int) -> float:
    """Request a song over HTTP without listening; return the seconds until it is complete."""
    spring, started = SONGS["spring"], time.monotonic()
    body = {"prompt": spring.prompt, "lyrics": spring.lyrics, "duration": SONG_SECONDS, "seed": seed}
    task = await asyncio.to_thread(_ask, address, "POST", f"{_MUSIC}/generate", {**body, "output_format": "mp3"})
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        status = (await asyncio.to_thread(_ask, address, "GET", f"{_MUSIC}/{task['task_id']}"))["status"]
        if status == "completed":
            return time.monotonic() - started
        if status not in ("queued", "running"):
            raise RuntimeError(f"a song ended with the status {status}, not COMPLETED; see the log of the server")


def _ask(address: str, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, str]:
    connection = http.client.HTTPConnection(address, timeout=60.0)
    try:
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"} if body else {}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {found}")
        return dict(found)
    finally:
        connection.close()


async def capacity(channel: grpc.aio.Channel) -> float:
    """Return the songs per second that are made while at least one song waits."""
    await listen(channel, "warm", song(0, SONG_SECONDS))
    started = time.monotonic()
    await asyncio.gather(*(listen(channel, "full", song(1 + i, SONG_SECONDS)) for i in range(CAPACITY_SONGS)))
    return CAPACITY_SONGS / (time.monotonic() - started)


async def arrivals(
    channel: grpc.aio.Channel, web: str, rate: float, songs: int, detached: float, seed: int
) -> list[Arrived]:
    """Request songs at random times, `rate` per second on average, and return them when all are complete. The share
    `detached` of them has no listener and is requested over HTTP from the address `web`.
    """
    rng, due = random.Random(seed), time.monotonic()
    tasks = []
    for number in range(songs):
        due += rng.expovariate(rate)
        later = rng.random() < detached
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(_arrive(channel, web, 1000 * seed + number, later=later)))
    return list(await asyncio.gather(*tasks))


async def _arrive(channel: grpc.aio.Channel, web: str, seed: int, *, later: bool) -> Arrived:
    at = time.monotonic()
    if later:
        return Arrived(at, waited_seconds=await made_for_later(web, seed))
    return Arrived(at, await listen(channel, str(seed), song(seed, SONG_SECONDS)))


def row(load: float, songs: list[Arrived], seconds: float) -> None:
    """Print the stalls, times to first audio and waiting times of the songs under one load as a line of the table;
    `seconds` is the duration of the run.
    """
    heard = [(one.at, one.heard) for one in songs if one.heard is not None]
    stalls = [one.stall_seconds for _, one in heard]
    firsts = [one.first_audio_seconds for _, one in heard]
    waits = [one.waited_seconds for one in songs if one.heard is None]
    p50, p95 = np.quantile(firsts, [0.5, 0.95])
    print(
        f"| {load:.2f} | {len(heard)} | {sum(stall > STALL_SECONDS for stall in stalls)} | {max(stalls):.2f} | "
        f"{p50:.2f} | {p95:.2f} | {played_at_once(heard)} | {len(waits)} | {max(waits, default=0.0):.1f} | "
        f"{len(songs) * SONG_SECONDS / seconds:.1f} |",
        flush=True,
    )


async def measure(address: str, web: str, args: argparse.Namespace) -> None:
    """Measure the capacity of the service, then the service under each load of the command line; print a table."""
    async with grpc.aio.insecure_channel(address) as channel:
        rate = await capacity(channel)
        print(f"capacity: {rate:.2f} songs of {SONG_SECONDS:.0f} s a second\n")
        print(
            "| load | listeners | stalled | worst stall, s | first audio P50, s | P95, s | at once | for later | "
            "longest wait, s | sound, s/s |"
        )
        print("|---" * 10 + "|")
        for number, load in enumerate(args.loads, start=1):
            started = time.monotonic()
            songs = await arrivals(channel, web, load * rate, args.songs, args.detached, number)
            row(load, songs, time.monotonic() - started)


def main() -> None:
    """Command line: start a server and measure all loads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.5, 1.0, 1.5])
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--detached", type=float, default=0.3)
    args = parser.parse_args()
    port = str(free_port())
    with running_service(http_port=port, limits__queued_songs="256") as service:
        asyncio.run(measure(service.address, f"127.0.0.1:{port}", args))


if __name__ == "__main__":
    main()
