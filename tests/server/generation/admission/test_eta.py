"""Tests of time estimates against the actual times of songs in a simulated queue that is simpler than the server."""

import math
from dataclasses import dataclass, field
from random import Random
from statistics import mean, median

from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Estimate, Work, forecast
from tests.support.table import table

SECTION_SECONDS = 10.0
SECTION_STEPS = 4
PLACES = 4


@dataclass
class ToySong:
    """A simulated song that alternates between denoising steps, shared with other songs of the device, and
    rendering.
    """

    arrived_at: float
    sections: int
    render_seconds: float
    guess: Work | None = None
    raw: Estimate | None = None
    estimate: Estimate | None = None
    heard_at: float = math.inf
    first_seconds: float = 0.0
    step_seconds: float = 0.0
    whole_step_seconds: float = 0.0
    other_seconds: float = 0.0
    done: int = 0
    step: int = 0

    @property
    def used_seconds(self) -> float:
        return self.step_seconds + self.other_seconds

    @property
    def rank(self) -> tuple[float, float]:
        return (0.0, self.arrived_at) if self.heard_at == math.inf else (1.0, float(self.done))

    def spent(self) -> Spent:
        charged = (self.first_seconds, self.step_seconds, self.whole_step_seconds, self.other_seconds)
        return Spent(*charged, lag_seconds=0.0, sound_seconds=self.sections * SECTION_SECONDS, steps=SECTION_STEPS)


@dataclass
class ToyPool:
    """Simulated devices, each with room for PLACES songs at a time; a denoising step takes `fixed_seconds`, and
    `each_seconds` more for every song in it.
    """

    devices: int
    fixed_seconds: float
    each_seconds: float
    estimator: Estimator = field(default_factory=Estimator)
    waiting: list[ToySong] = field(default_factory=list)
    complete: list[tuple[ToySong, Estimate]] = field(default_factory=list)

    def play(self, songs: list[ToySong]) -> None:
        """Simulate all songs from their arrival to their end; every device runs one command at a time."""
        clocks = [0.0] * self.devices
        running: list[list[ToySong]] = [[] for _ in clocks]
        coming = sorted(songs, key=lambda song: song.arrived_at)
        while coming or self.waiting or any(running):
            device = min(range(self.devices), key=lambda index: clocks[index])
            while coming and coming[0].arrived_at <= clocks[device]:
                self.arrive(coming.pop(0), [song for some in running for song in some])
            while self.waiting and len(running[device]) < PLACES:
                running[device].append(self.waiting.pop(0))
            if running[device]:
                clocks[device] = self.work(running[device], clocks[device])
            else:
                clocks[device] = min([clock for clock in clocks if clock > clocks[device]] + [clocks[device] + 0.05])

    def arrive(self, song: ToySong, running: list[ToySong]) -> None:
        ahead = [*running, *self.waiting, song]
        song.guess = self.estimator.expected("toy", sound_seconds=song.sections * SECTION_SECONDS, steps=SECTION_STEPS)
        if all(other.guess for other in ahead):
            left = [
                other.guess.left(other.used_seconds, heard=other.heard_at < math.inf) for other in ahead if other.guess
            ]
            song.raw = forecast(left, devices=self.devices, slots=self.devices * PLACES)[-1]
            song.estimate = self.estimator.corrected("toy", song.raw)
        self.waiting.append(song)

    def work(self, songs: list[ToySong], now: float) -> float:
        first = min(songs, key=lambda song: song.rank)
        if first.step == SECTION_STEPS:
            return self.render(first, songs, now)
        batch = [song for song in songs if song.step < SECTION_STEPS]
        seconds = self.fixed_seconds + self.each_seconds * len(batch)
        for song in batch:
            song.step += 1
            song.step_seconds += seconds / len(batch)
            song.whole_step_seconds += seconds
        return now + seconds

    def render(self, song: ToySong, songs: list[ToySong], now: float) -> float:
        now += song.render_seconds
        song.other_seconds += song.render_seconds
        song.done, song.step = song.done + 1, 0
        if song.heard_at == math.inf:
            song.heard_at, song.first_seconds = now, song.used_seconds
        if song.done == song.sections:
            songs.remove(song)
            truth = Estimate(song.heard_at - song.arrived_at, now - song.arrived_at)
            self.estimator.measured("toy", song.spent())
            if song.raw:
                self.estimator.learn_from_end("toy", song.raw, truth)
            self.complete.append((song, truth))
        return now


def poisson(count: int, songs_per_second: float) -> list[ToySong]:
    rng, now, songs = Random(5), 0.0, []
    for _ in range(count):
        now += rng.expovariate(songs_per_second)
        songs.append(ToySong(now, rng.randint(3, 9), rng.uniform(0.2, 0.4)))
    return songs


def off_by(estimated: list[float], actual: list[float]) -> float:
    """Return the median of the relative errors of estimated times against actual times; 0.1 means 10 %."""
    return median(abs(one / other - 1) for one, other in zip(estimated, actual, strict=True))


@table("load", [0.5, 0.8, 0.95])
@table(("devices", "fixed_seconds", "each_seconds"), [(1, 0.0, 0.1), (1, 0.3, 0.01), (3, 0.1, 0.05)])
def test_estimates_come_true(devices: int, fixed_seconds: float, each_seconds: float, load: float) -> None:
    pool = ToyPool(devices, fixed_seconds, each_seconds)
    section_seconds = SECTION_STEPS * (fixed_seconds / PLACES + each_seconds) + 0.3
    pool.play(poisson(400, load * devices / (6 * section_seconds)))
    told = [(song.estimate, truth) for song, truth in pool.complete[50:] if song.estimate]
    assert len(told) == 350
    first = [truth.first_audio_seconds or 0.0 for _, truth in told]
    finish = [truth.finish_seconds for _, truth in told]
    first_off = off_by([estimate.first_audio_seconds or 0.0 for estimate, _ in told], first)
    finish_off = off_by([estimate.finish_seconds for estimate, _ in told], finish)
    assert first_off < 0.25
    assert finish_off < 0.35
    assert finish_off < 0.8 * off_by([mean(finish)] * 350, finish)
