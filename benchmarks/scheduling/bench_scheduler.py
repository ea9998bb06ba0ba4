"""Measures the time of one scheduling decision with many waiting and running songs.

    python -m benchmarks.scheduling.bench_scheduler

A turn is one `next_command` and the `done` for its reply, as in the server for every command. Songs come from ten
callers, and a new song replaces each one that ends, so that their number is constant.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

from benchmarks.scheduling.dispatchers import params_of
from benchmarks.scheduling.pool import Pool
from benchmarks.scheduling.presets import PRESETS
from benchmarks.scheduling.simulation import Simulation
from benchmarks.scheduling.traffic import ArrivingSong
from server.scheduling.policy import Policy
from server.scheduling.scheduler import Scheduler
from server.workers.messages import Lane, Rendered

WAITING = (10, 1_000, 10_000)
RUNNING = (8, 32, 256)
ROUNDS, TURNS = 5, 300
CALLERS = 10
ENGINE = "studio"
DEVICE = f"{ENGINE}-0"
SONG = ArrivingSong(0.0, 60.0, ENGINE)


class Crowd:
    """A scheduler with one device with `running` songs, and `waiting` more songs in the queue."""

    def __init__(self, waiting: int, running: int) -> None:
        pool = Pool((PRESETS[ENGINE],), (1,))
        specs = pool.specs(running_songs=running)
        self.simulation = Simulation(pool, specs)
        self.scheduler = Scheduler(specs, policy=Policy(), clock=lambda: self.simulation.now)
        self.scheduler.open(DEVICE, (ENGINE,))
        self._numbers = itertools.count()
        for _ in range(waiting + running):
            self.add()

    def add(self) -> str:
        """Add a song to the queue of the scheduler, and return its id."""
        number = next(self._numbers)
        song_id = f"song-{number}"
        sink = self.simulation.expect(song_id, SONG)
        self.scheduler.add(song_id, ENGINE, params_of(SONG), sink, caller=f"caller-{number % CALLERS}")
        return song_id

    def turn_seconds(self) -> float:
        """Return the time, in seconds, of one scheduling decision and of handling its reply."""
        started = time.perf_counter()
        command = self.scheduler.next_command(DEVICE)
        decided = time.perf_counter()
        if command is None:
            raise RuntimeError(
                "the scheduler chose no command although songs are waiting. This is a bug of the scheduler: please "
                "report it"
            )
        reply = self.simulation.reply(DEVICE, command)
        self.simulation.now += 0.01
        noted = time.perf_counter()
        self.scheduler.done(DEVICE, reply, Lane.BOTH)
        ended = time.perf_counter()
        if isinstance(reply, Rendered) and not self.scheduler.is_current(reply.section.song):
            self.scheduler.drop(reply.section.song.song_id)
            self.add()
        return decided - started + ended - noted

    def add_and_drop_seconds(self) -> float:
        """Return the time in seconds to add a song to the queue and to drop it while it waits."""
        started = time.perf_counter()
        self.scheduler.drop(self.add())
        return time.perf_counter() - started


def median_microseconds(measure: Callable[[], float]) -> float:
    """Return the median over rounds of the mean time of a scheduling decision, in microseconds."""
    means = [statistics.fmean(measure() for _ in range(TURNS)) for _ in range(ROUNDS)]
    return 1e6 * statistics.median(means)


def main() -> None:
    """Command line: print a row of times for every number of running and waiting songs."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| songs made | songs waiting | a decision, us | a song comes and goes, us |")
    print("|---|---|---|---|")
    for running, waiting in itertools.product(RUNNING, WAITING):
        crowd = Crowd(waiting, running)
        turn, come_and_go = median_microseconds(crowd.turn_seconds), median_microseconds(crowd.add_and_drop_seconds)
        print(f"| {running} | {waiting} | {turn:.0f} | {come_and_go:.0f} |", flush=True)


if __name__ == "__main__":
    main()
