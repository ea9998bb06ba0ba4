"""Simulates KEDA's autoscaling during bursts of songs: starts and stops between no and three generators.

    python -m benchmarks.roles.autoscale

Two frontends run all the time. Every two seconds the length of the Redis list `m:demand:slow` (one entry for each
unfinished song of the engine "slow") and the largest metric `melisma_backlog_seconds` of the frontends are read, as
KEDA does with components/autoscaling-keda-backlog of deploy/kubernetes. If the list is not empty, the first generator
is started; the second and the third depend on the backlog and on the number of songs. If fewer are needed for a while,
at most half of the generators are stopped; all are stopped when the list was empty for some seconds. A generator is
stopped by SIGTERM, and hands its songs over to other generators.

Songs arrive in two bursts, so that generators stop while songs are being made. Every song is received to its end
through a frontend, with the client's own resumption, and compared with the server's checksum.
"""

import argparse
import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.roles.fleet import Fleet, Server, fleet, until
from melisma.v1.music_pb2 import AudioChunk, SongAccepted
from melisma_client import AsyncClient, Retry, SongRequest

POLL_SECONDS = 2.0
MOST = 3
BACKLOG_SECONDS_EACH, SONGS_EACH = 10.0, 6
COOLDOWN_SECONDS, STEADY_SECONDS = 8.0, 4.0
BURSTS = ((0.0, 36), (25.0, 12))
SONG_SECONDS = 60.0
END_SECONDS = 150.0


@dataclass
class Autoscaler:
    """Starts and stops generators as KEDA would. `history` lists each change of the wanted number of generators: its
    time in seconds since `began_at`, and the new number. `busy_at` is the last time at which a song was unfinished, and
    `high_at` the last time at which no generator was superfluous, both on the monotonic clock.
    """

    service: Fleet
    frontends: Sequence[Server]
    generators: list[Server] = field(default_factory=list)
    history: list[tuple[float, int]] = field(default_factory=list)
    largest_backlog_seconds: float = 0.0
    began_at: float = field(default_factory=time.monotonic)
    busy_at: float = field(default_factory=time.monotonic)
    high_at: float = 0.0

    def wanted(self) -> int:
        """Return the number of generators, 0 to 3, that KEDA and its HorizontalPodAutoscaler would run now."""
        now, songs = time.monotonic(), self.service.demand()
        backlog = max(frontend.gauge("melisma_backlog_seconds") or 0.0 for frontend in self.frontends)
        self.largest_backlog_seconds = max(self.largest_backlog_seconds, backlog)
        if songs:
            self.busy_at = now
        elif now - self.busy_at > COOLDOWN_SECONDS:
            return 0
        have = len(self.generators)
        if not have:
            return 1 if songs else 0
        want = min(MOST, max(1, math.ceil(backlog / BACKLOG_SECONDS_EACH), math.ceil(songs / SONGS_EACH)))
        if want >= have:
            self.high_at = now
            return want
        return have if now - self.high_at < STEADY_SECONDS else max(want, math.ceil(have / 2))

    def step(self) -> None:
        """Start or stop generators to reach the wanted number."""
        want = self.wanted()
        if want != len(self.generators):
            self.history.append((time.monotonic() - self.began_at, want))
        while len(self.generators) < want:
            self.generators.append(self.service.start("generator", LIMITS__RUNNING_SONGS="6"))
        while len(self.generators) > want:
            self.generators.pop(0).stop()

    async def run(self) -> None:
        """Start and stop generators periodically, until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class ReceivedSong:
    """The result for one caller: the time to the first sound in seconds, and the number of times that servers began the
    song (1 if no server was lost).
    """

    first_seconds: float
    songs: int


async def heard(client: AsyncClient, seed: int) -> ReceivedSong:
    """Receive a song to its end; the client raises an error if its sound differs from the server's."""
    asked_at, first, songs = time.monotonic(), math.inf, set[str]()
    async for event in client.generate(SongRequest(prompt="noise", duration_seconds=SONG_SECONDS, seed=seed)):
        if isinstance(event, AudioChunk):
            first = min(first, time.monotonic() - asked_at)
        if isinstance(event, SongAccepted):
            songs.add(event.song_id)
    return ReceivedSong(first, len(songs))


async def burst(
    clients: Sequence[AsyncClient], delay_seconds: float, first_seed: int, songs: int
) -> Sequence[ReceivedSong]:
    """After `delay_seconds`, request `songs` songs at the same time, from the frontends in turn; return the received
    songs, without those that failed. Their seeds count up from `first_seed`.
    """
    await asyncio.sleep(delay_seconds)
    asked = (heard(clients[number % len(clients)], first_seed + number) for number in range(songs))
    ended = await asyncio.gather(*asked, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            print(f"a song of the burst after {delay_seconds:g} s was lost: {error!r}", flush=True)
    return [one for one in ended if isinstance(one, ReceivedSong)]


async def play(service: Fleet) -> None:
    """Run the whole scenario: bursts of songs while generators are started and stopped."""
    frontends = [service.start("frontend") for _ in range(2)]
    for frontend in frontends:
        frontend.wait_ready()
    scaler = Autoscaler(service, frontends)
    scaling = asyncio.create_task(scaler.run())
    # The engine is unknown yet: a frontend requests one generator, which then announces the engine.
    began_at = time.monotonic()
    await service.known()
    print(f"the frontend knows the engine after {time.monotonic() - began_at:.1f} s", flush=True)
    await _none_left(scaler)
    print(f"the last generator was stopped after {time.monotonic() - began_at:.1f} s", flush=True)
    retry = Retry(attempts=60, first_wait_seconds=0.1, longest_wait_seconds=1.0)
    clients = [AsyncClient(frontend.address, retry=retry) for frontend in frontends]
    scaler.began_at = time.monotonic()
    scaler.history.clear()
    bursts = [burst(clients, delay, 1000 * number, songs) for number, (delay, songs) in enumerate(BURSTS)]
    async with asyncio.timeout(END_SECONDS):
        received = await asyncio.gather(*bursts)
        ended_at = time.monotonic() - scaler.began_at
        await _none_left(scaler)
    scaling.cancel()
    for client in clients:
        await client.close()
    _show(scaler, received, ended_at)


async def _none_left(scaler: Autoscaler) -> None:
    def none_left() -> bool:
        generators = (one for one in scaler.service.servers if one.role == "generator")
        return not scaler.generators and not any(one.running for one in generators)

    await until(none_left)


def _show(scaler: Autoscaler, received: Sequence[Sequence[ReceivedSong]], ended_at: float) -> None:
    for (delay, songs), whole in zip(BURSTS, received, strict=True):
        firsts = sorted(one.first_seconds for one in whole)
        print(
            f"{songs} songs at {delay:.0f} s: {songs - len(whole)} lost, {sum(one.songs - 1 for one in whole)} asked "
            f"for again; first sound of the first song after {firsts[0]:.1f} s, at the median "
            f"{firsts[len(firsts) // 2]:.1f} s, of the last {firsts[-1]:.1f} s"
        )
    wanted = ", ".join(f"{count} at {at:.0f} s" for at, count in scaler.history)
    print(f"generators: {wanted}; all songs heard at {ended_at:.0f} s")
    print(f"largest backlog: {scaler.largest_backlog_seconds:.0f} device seconds")


def main() -> None:
    """Command line: run the scenario, and print the numbers of lost and repeated songs, the times to first sound, and
    the numbers of generators over time.
    """
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with fleet(cold_start_seconds=10.0) as service:
        asyncio.run(play(service))


if __name__ == "__main__":
    main()
