"""Kills workers and encoders and cancels songs at random, and compares every completed song with an undisturbed one.

    python -m benchmarks.service.chaos                                  200 songs of the studio engine
    python -m benchmarks.service.chaos --engine fake --songs 1000       a thousand songs of the tests' engine, for leaks
    python -m benchmarks.service.chaos --render-beside                  each device also renders while it denoises
    python -m benchmarks.service.chaos --ray HEAD:6379 --token-file t   workers on a Ray cluster of this computer alone

Two workers, their encoders, twelve clients. Their processes are killed (SIGKILL) or stopped (SIGSTOP) at random times;
clients leave at random chunks. No processes, threads, file descriptors or shared memory may leak. On Ray the processes
of the cluster count, too, and no other server may use it.
"""

import argparse
import asyncio
import hashlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import psutil

from benchmarks.service.running import Service, running_service
from benchmarks.songs import SPRING
from melisma.v1 import music_pb2, music_pb2_grpc

CLIENTS = 12
DIFFERENT_SONGS = 20
CANCEL_SHARE, STOP_SHARE = 0.15, 0.15
TIMEOUT_SECONDS = 600.0
AGAIN_SECONDS = 0.5
ENGINES = {"studio": "studio", "fake": "fake=tests.support.fakes:FakeEngine"}
VICTIMS = {"worker": "server.workers.worker", "encoder": "server.encoders.encoder"}
RAY_VICTIMS = {"worker": "ray::_NodeWorker", "host of encoders": "ray::CompanionHost"}
KILL_SECONDS = {"studio": (4.0, 12.0), "fake": (0.3, 3.0)}
RAY_KILL_SECONDS = (10.0, 30.0)  # a worker there takes seconds to start


@dataclass(slots=True)
class Tally:
    """Counts of the outcomes, refusals and disturbances of songs, the numbers of the requests whose songs differ from
    undisturbed ones, and the longest time between two chunks of a song.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    mismatches: list[int] = field(default_factory=list)
    disturbances: Counter[str] = field(default_factory=Counter)
    longest_pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """The system resources that a server uses: the numbers of its processes, threads and file descriptors, the number
    of files in shared memory, and its resident memory in MiB.
    """

    processes: int
    threads: int
    descriptors: int
    shared_memory: int
    mebibytes: float

    @classmethod
    def of(cls, service: Service, *, ray: bool) -> "Footprint":
        """Return the resources that a server uses now; with `ray` its processes on the Ray cluster count, too. Threads,
        descriptors and memory are those of the server process alone.
        """
        return cls(
            len(service.family()) + (len(ray_processes()) if ray else 0),
            service.process.num_threads(),
            service.process.num_fds(),
            len(list(Path("/dev/shm").iterdir())),
            service.process.memory_info().rss / (1 << 20),
        )


def request_of(number: int, engine: str) -> music_pb2.GenerateRequest:
    """Return the request with this number for a song of 10 to 24 s; after `DIFFERENT_SONGS` numbers the requests
    repeat.
    """
    number %= DIFFERENT_SONGS
    seconds = 10.0 + 2.0 * (number % 8)
    prompts = ("pop", "lo-fi, chill", "rock", "ambient", "中国风")
    prompt = prompts[number % len(prompts)] if engine == "studio" else "noise"
    return music_pb2.GenerateRequest(prompt=prompt, lyrics=SPRING, duration_seconds=seconds, seed=number)


async def digest_of(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest, tally: Tally | None = None) -> str:
    """Request a song and return the SHA-256 of its sound; `tally` gets the longest time between two chunks."""
    digest, last = hashlib.sha256(), time.monotonic()
    async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS):
        if response.event.HasField("chunk"):
            digest.update(response.event.chunk.data)
            now = time.monotonic()
            if tally is not None and response.event.chunk.sequence:
                tally.longest_pause_seconds = max(tally.longest_pause_seconds, now - last)
            last = now
    return digest.hexdigest()


def is_restarting(error: grpc.aio.AioRpcError) -> bool:
    """Return True if a song was refused because a process is being restarted."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and "restarted" in str(error.details())


async def patient_digest_of(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest) -> str:
    """Return the digest of a song; the request is repeated until the server accepts it."""
    while True:
        try:
            return await digest_of(channel, request)
        except grpc.aio.AioRpcError as error:
            if not is_restarting(error):
                raise
            await asyncio.sleep(AGAIN_SECONDS)


async def leave_early(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest, chunks: int) -> None:
    """Receive some chunks of a song, then cancel the call."""
    call = music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS)
    async for response in call:
        if response.event.HasField("chunk") and response.event.chunk.sequence >= chunks:
            break
    call.cancel()


async def take(channel: grpc.aio.Channel, number: int, engine: str, expected: Sequence[str], tally: Tally) -> None:
    """Receive song `number`, or cancel it at a random chunk, and count its outcome in `tally`. The request is repeated
    until the server accepts it. `expected` are the digests of undisturbed songs, by number.
    """
    rng, request = random.Random(number), request_of(number, engine)
    leaves = rng.random() < CANCEL_SHARE
    while True:
        try:
            if leaves:
                await leave_early(channel, request, rng.randrange(20))
                tally.outcomes["left early"] += 1
            elif await digest_of(channel, request, tally) == expected[number % DIFFERENT_SONGS]:
                tally.outcomes["whole"] += 1
            else:
                tally.mismatches.append(number)
            return
        except grpc.aio.AioRpcError as error:
            text = str(error.details())
            if not is_restarting(error):
                tally.outcomes[f"failed: {error.code().name}: {text[:60]}"] += 1
                return
            tally.refusals[text[:60]] += 1
            await asyncio.sleep(AGAIN_SECONDS)


async def disturb(service: Service, kill_seconds: tuple[float, float], tally: Tally, *, ray: bool) -> None:
    """Kill or stop a worker or an encoder at random intervals within `kill_seconds`; on a Ray cluster also the process
    that starts encoders.
    """
    rng = random.Random(1)
    while True:
        await asyncio.sleep(rng.uniform(*kill_seconds))
        processes = ray_processes() if ray else service.process.children()
        victims = [one for one in processes if kind_of(one)]
        if victims:
            stops, victim = rng.random() < STOP_SHARE, rng.choice(victims)
            tally.disturbances[f"{kind_of(victim)} {'stopped' if stops else 'killed'}"] += 1
            victim.send_signal(signal.SIGSTOP if stops else signal.SIGKILL)


def kind_of(process: psutil.Process) -> str | None:
    """Return the kind of a process that may be killed; `None` for others, and for one that has just ended."""
    with suppress(psutil.Error):
        command = " ".join(process.cmdline())
        on_ray = next((kind for kind, name in RAY_VICTIMS.items() if command.startswith(name)), None)
        return on_ray or next((kind for kind, module in VICTIMS.items() if module in command), None)
    return None


def ray_processes() -> list[psutil.Process]:
    """Return the workers and encoders on Ray's nodes on this computer, and the processes that start encoders there."""
    found = [
        one
        for one in psutil.process_iter(["cmdline"])
        if (one.info["cmdline"] or [""])[0].startswith(tuple(RAY_VICTIMS.values()))
    ]
    for one in [*found]:
        with suppress(psutil.Error):
            found += one.children()
    return found


async def measure(service: Service, engine: str, songs: int, kill_seconds: tuple[float, float], *, ray: bool) -> None:
    """Make all songs once without disturbances, then again while processes are killed at random intervals within
    `kill_seconds`; print the outcomes.
    """
    tally = Tally()
    async with grpc.aio.insecure_channel(service.address) as channel:
        expected = [await digest_of(channel, request_of(number, engine)) for number in range(DIFFERENT_SONGS)]
        before, started = Footprint.of(service, ray=ray), time.monotonic()
        numbers = iter(range(songs))

        async def client() -> None:
            for number in numbers:
                await take(channel, number, engine, expected, tally)

        disturber = asyncio.create_task(disturb(service, kill_seconds, tally, ray=ray))
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        disturber.cancel()
        with suppress(asyncio.CancelledError):
            await disturber
        again = [await patient_digest_of(channel, request_of(number, engine)) for number in range(DIFFERENT_SONGS)]
    print(f"{songs} songs of engine {engine} in {time.monotonic() - started:.0f} s")
    for name, count in sorted((tally.outcomes + tally.disturbances + tally.refusals).items()):
        print(f"  {name}: {count}")
    print(f"  longest pause of a stream: {tally.longest_pause_seconds:.1f} s")
    print(f"  songs that are not as undisturbed: {len(tally.mismatches)} {tally.mismatches[:10]}")
    print(f"  undisturbed songs afterwards as before: {again == expected}")
    print(f"  before {before}\n  after  {Footprint.of(service, ray=ray)}")


def main() -> None:
    """Command line: start a server and test it with failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, default="studio")
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument(
        "--render-beside", action="store_true", help="use two command queues (lanes) for each device, as on a GPU"
    )
    parser.add_argument("--ray", default="", help="HOST:PORT of the head of a Ray cluster with two free processors")
    parser.add_argument("--token-file", default="", help="file of that cluster's token")
    options = parser.parse_args()
    devices = json.dumps([{"device": "cpu", "render_beside": options.render_beside}] * 2)
    # The log level is critical, because the server logs an error for every kill.
    settings = {"engines": ENGINES[options.engine], "devices": devices, "log_level": "critical"}
    if options.ray:
        settings |= {"pool__kind": "ray", "pool__ray_address": options.ray}
        settings |= {"pool__ray_token_file": options.token_file}
    with running_service(**settings, limits__exchange_timeout_seconds="4", limits__retries="8") as service:
        kill_seconds = RAY_KILL_SECONDS if options.ray else KILL_SECONDS[options.engine]
        asyncio.run(measure(service, options.engine, options.songs, kill_seconds, ray=bool(options.ray)))


if __name__ == "__main__":
    main()
