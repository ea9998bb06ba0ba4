"""Generates arrivals of songs at a pool: at an even rate, in bursts, or over a day."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

SONG_MIX = ((30.0, 0.25), (60.0, 0.5), (120.0, 0.2), (240.0, 0.05))
"""Lengths of songs in seconds, and their shares."""

BURST_SONGS = 8

DAY = ((0.0, 0.4), (4.0, 0.1), (8.0, 0.5), (12.0, 0.9), (16.0, 0.8), (20.0, 1.5), (24.0, 0.4))
"""Hours, and the load at each as a share of the capacity, interpolated linearly."""


@dataclass(frozen=True, slots=True)
class ArrivingSong:
    """A song of `seconds` that is requested at the time `at`; a song without a listener is made for later."""

    at: float
    seconds: float
    engine: str
    has_listener: bool = True


@dataclass(frozen=True, slots=True)
class Traffic:
    """Generates songs for a pool of engines whose capacities are given in songs per second.

    Each engine gets the same share of its capacity. The share `detached` of the songs has no listener. In bursts songs
    arrive in groups of eight on average.
    """

    capacities: Mapping[str, float]
    detached: float = 0.0
    bursty: bool = False
    seed: int = 1

    @property
    def capacity(self) -> float:
        """Songs per second that the pool can make."""
        return sum(self.capacities.values())

    def steady(self, load: float, until: float) -> list[ArrivingSong]:
        """Return songs up to the time `until` at an even `load`, a share of the capacity."""
        return self._songs(load, until, lambda _: 1.0, 1 + (BURST_SONGS - 1) * self.bursty)

    def day(self, until: float) -> list[ArrivingSong]:
        """Return the songs of a day that lasts until `until`, in bursts."""
        peak = max(load for _, load in DAY)
        return self._songs(peak, until, lambda at: day_load(at, until) / peak, BURST_SONGS)

    def _songs(self, load: float, until: float, keep: Callable[[float], float], burst: int) -> list[ArrivingSong]:
        rng = random.Random(self.seed)
        lengths, shares = zip(*SONG_MIX, strict=True)
        engines, capacities = list(self.capacities), list(self.capacities.values())
        found, now = list[ArrivingSong](), 0.0
        while (now := now + rng.expovariate(load * self.capacity / burst)) < until:
            if rng.random() >= keep(now):
                continue
            for _ in range(_burst_size(rng, burst)):
                (length,) = rng.choices(lengths, shares)
                (engine,) = rng.choices(engines, capacities)
                found.append(ArrivingSong(now, length, engine, rng.random() >= self.detached))
        return found


def day_load(at: float, until: float) -> float:
    """Return the load at a moment of a day that lasts until `until`."""
    hours, loads = zip(*DAY, strict=True)
    return float(np.interp(24.0 * at / until, hours, loads))


def _burst_size(rng: random.Random, mean: int) -> int:
    """Draw a geometrically distributed number of songs, at least 1 and `mean` on average."""
    return 1 if mean == 1 else 1 + int(math.log(1.0 - rng.random()) / math.log(1.0 - 1.0 / mean))
