"""Measures a frontend while no generator runs: its memory while 32 callers wait for songs, and the errors of the times
that it estimates for callers.

    python -m benchmarks.roles.cold_start absence
    python -m benchmarks.roles.cold_start followed

At first a generator announces its engine and ends. `absence`, in two rounds: songs are requested; half a minute later a
generator is started, and the estimates that callers got are compared with the actual times. The estimates of the first
round contain the start time of a generator from the settings, those of the second round the start time that was
measured in the first. `followed`: 32 songs wait, are then made at once by a new generator, and are received through the
frontend.
"""

import argparse
import asyncio
import hashlib
import time
from dataclasses import dataclass, field

import grpc.aio

from benchmarks.roles.fleet import LEASE_SECONDS, Fleet, Server, fleet, until
from benchmarks.service.listener import events
from melisma.v1 import music_pb2

WAITING, FOLLOWED = 4, 32
SONG_SECONDS = 60.0
TIMEOUT_SECONDS = 240.0


@dataclass
class Song:
    """The messages that one caller received, with their times and the estimates (ETA) in them."""

    asked_at: float
    estimates: list[tuple[float, float | None]] = field(default_factory=list)
    first_at: float | None = None
    longest_silence_seconds: float = 0.0
    whole: bool = False

    def errors(self) -> list[tuple[float, float]]:
        """Return for each estimate its relative error, and the time at which it was sent."""
        if self.first_at is None:
            return []
        truth, sent = self.first_at - self.asked_at, ((at - self.asked_at, eta) for at, eta in self.estimates)
        return [(abs(after + eta - truth) / truth, after) for after, eta in sent if eta is not None]


async def heard(channel: grpc.aio.Channel, seed: int, steps: int = 4) -> Song:
    """Request one song with `steps` denoising steps and receive it to its end."""
    request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=SONG_SECONDS, seed=seed, steps=steps)
    song, sound = Song(time.monotonic()), hashlib.sha256()
    last_at = song.asked_at
    async for event in events(channel, request, TIMEOUT_SECONDS):
        now = time.monotonic()
        song.longest_silence_seconds, last_at = max(song.longest_silence_seconds, now - last_at), now
        match event.WhichOneof("event"):
            case "accepted" | "progress" if song.first_at is None:
                message = event.accepted if event.HasField("accepted") else event.progress
                eta = message.estimated_first_audio.ToTimedelta().total_seconds()
                song.estimates.append((now, eta if message.HasField("estimated_first_audio") else None))
            case "chunk":
                song.first_at = song.first_at or now
                sound.update(event.chunk.data)
            case "finished":
                song.whole = sound.hexdigest() == event.finished.sha256
    return song


async def absence(service: Fleet, channel: grpc.aio.Channel, seconds: float, number: int) -> None:
    """Request songs while no generator runs, start one after `seconds`, and print how wrong the estimates were that
    callers got; `number` is that of the round.
    """
    asked = [asyncio.create_task(heard(channel, 10 * number + index)) for index in range(WAITING)]
    await asyncio.sleep(seconds)
    generator = service.start("generator")
    songs = await asyncio.gather(*asked)
    errors = sorted(error for song in songs for error in song.errors())
    firsts = [song.first_at - song.asked_at for song in songs if song.first_at is not None]
    unknown = sum(eta is None for song in songs for _, eta in song.estimates)
    measured = float(service.redis.hget("m:starts", "slow") or 0.0)
    print(
        f"round {number}: {sum(song.whole for song in songs)} of {WAITING} songs whole; first sound after "
        f"{min(firsts):.1f} to {max(firsts):.1f} s; {len(errors)} estimates, {unknown} messages without one; wrong by "
        f"{errors[len(errors) // 2][0]:.0%} at the median, {errors[-1][0]:.0%} at most, after {errors[-1][1]:.1f} s; "
        f"{sum(error > 0.3 for error, _ in errors)} by more than 30%; longest silence "
        f"{max(song.longest_silence_seconds for song in songs):.1f} s; measured start {measured:.1f} s",
        flush=True,
    )
    generator.stop()
    await until(lambda: not generator.running)


async def followed(service: Fleet, frontend: Server, channel: grpc.aio.Channel) -> None:
    """Print the memory of the frontend, in MiB, while 32 songs wait, and its largest memory until they are complete."""
    asked = [asyncio.create_task(heard(channel, 1000 + index, steps=1)) for index in range(FOLLOWED)]
    await asyncio.sleep(5.0)
    waiting = frontend.resident_mebibytes
    service.start("generator")
    largest = waiting
    while not all(task.done() for task in asked):
        largest = max(largest, frontend.resident_mebibytes)
        await asyncio.sleep(0.2)
    whole = sum(task.result().whole for task in asked)
    print(f"{whole} of {FOLLOWED} songs whole; frontend: {waiting:.0f} MiB while they wait, {largest:.0f} MiB at most")


async def measure(service: Fleet, part: str, seconds: float) -> None:
    """Start a frontend and a generator, stop the generator, and run the measurement `part`: `absence` or `followed`. In
    `absence` songs wait for `seconds` before a generator is started again.
    """
    frontend, generator = service.start("frontend"), service.start("generator")
    frontend.wait_ready()
    generator.wait_ready()
    print(f"frontend: {frontend.resident_mebibytes:.0f} MiB at rest", flush=True)
    async with grpc.aio.insecure_channel(frontend.address) as channel:
        await service.known()
        await heard(channel, 1)
        # The costs of songs come with the next announcement.
        await asyncio.sleep(LEASE_SECONDS)
        generator.stop()
        await until(lambda: not generator.running)
        for number in (1, 2) if part == "absence" else ():
            await absence(service, channel, seconds, number)
        if part == "followed":
            await followed(service, frontend, channel)


def main() -> None:
    """Command line: run the measurement `absence` or `followed`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("absence", "followed"))
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="seconds without a generator in each round (%(default)s)"
    )
    parser.add_argument(
        "--cold-start",
        type=float,
        default=35.0,
        help="MELISMA_STORE__COLD_START_SECONDS in the first round (%(default)s)",
    )
    given = parser.parse_args()
    with fleet(given.cold_start) as service:
        asyncio.run(measure(service, given.part, given.seconds))


if __name__ == "__main__":
    main()
