"""Computes the results of one simulated run, such as stalls and times to first audio, and formats them as a row of a
table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from benchmarks.scheduling.listener import Listener
from benchmarks.scheduling.simulation import Simulation

STALL_SECONDS = 0.1
"""Shortest silence in seconds that counts as a stall."""

COLUMNS = (
    "policy",
    "load",
    "first audio P50, s",
    "P95, s",
    "stalled",
    "worst stall, s",
    "not heard",
    "listeners at once",
    "sound, s/s",
    "longest detached, s",
    "sections a step",
    "encoder cores",
    "server cores",
)


@dataclass(frozen=True, slots=True)
class SimulationOutcome:
    """The results of one simulated run; times are in seconds.

    First audio and `stalled` concern listeners who received sound; `stalled` is the share of them with a silence of
    more than `STALL_SECONDS`. `unheard` is the number of listeners who received no sound. `at_once` is the largest
    number of simultaneous listeners without a silence. `sound_per_second` are the seconds of sound that were made in
    one second, and `batch` is the mean number of sections in a denoising step. `longest_detached` is the longest time
    of a song without a listener, up to the end of the run for incomplete songs. Cores are the numbers of CPU cores that
    encoders and the server process use.
    """

    first_audio_p50: float
    first_audio_p95: float
    stalled: float
    worst_stall: float
    unheard: int
    at_once: int
    sound_per_second: float
    longest_detached: float
    batch: float
    encoder_cores: float
    server_cores: float

    def row(self, policy: str, load: float) -> str:
        """Return the results of the run as a line of a Markdown table with the columns `COLUMNS`."""
        cells = (
            policy,
            f"{load:.2f}",
            f"{self.first_audio_p50:.2f}",
            f"{self.first_audio_p95:.2f}",
            f"{self.stalled:.4f}",
            f"{self.worst_stall:.2f}",
            str(self.unheard),
            str(self.at_once),
            f"{self.sound_per_second:.1f}",
            f"{self.longest_detached:.0f}",
            f"{self.batch:.1f}",
            f"{self.encoder_cores:.2f}",
            f"{self.server_cores:.2f}",
        )
        return f"| {' | '.join(cells)} |"


def header() -> str:
    """Return the two header lines of the Markdown table."""
    return f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def outcome_of(simulation: Simulation, until: float, server_ms: float) -> SimulationOutcome:
    """Return the results of a simulated run of `until` seconds; the server process needs `server_ms` milliseconds of
    CPU time for a second of sound.
    """
    everyone = simulation.listeners.values()
    listeners = [one for one in everyone if one.present]
    heard = [one for one in listeners if one.first_audio_seconds is not None]
    stalls = [one.worst_silence for one in heard]
    first_audio = [one.first_audio_seconds for one in heard if one.first_audio_seconds is not None]
    p50, p95 = np.quantile(first_audio, [0.5, 0.95]) if heard else (0.0, 0.0)
    sound_per_second = simulation.sound_seconds / until
    return SimulationOutcome(
        first_audio_p50=float(p50),
        first_audio_p95=float(p95),
        stalled=sum(stall > STALL_SECONDS for stall in stalls) / max(1, len(heard)),
        worst_stall=max(stalls, default=0.0),
        unheard=len(listeners) - len(heard),
        at_once=served_at_once(heard),
        sound_per_second=sound_per_second,
        longest_detached=longest([one for one in everyone if not one.present], until),
        batch=simulation.sections_stepped / max(1, simulation.steps),
        encoder_cores=simulation.encoders.busy_seconds / until,
        server_cores=sound_per_second * server_ms / 1000,
    )


def served_at_once(listeners: Iterable[Listener]) -> int:
    """Return the largest number of simultaneous listeners without a silence."""
    changes = list[tuple[float, int, int]]()
    for one in listeners:
        if one.first_audio_at is None:
            continue
        changes += [(one.first_audio_at, 1, 0), (one.plays_until, -1, 0)]
        for at, seconds in one.silences:
            if seconds > STALL_SECONDS:
                changes += [(at, 0, 1), (at + seconds, 0, -1)]
    changes.sort()
    playing = accumulate(change for _, change, _ in changes)
    silent = accumulate(change for _, _, change in changes)
    return max((count for count, stalled in zip(playing, silent, strict=True) if not stalled), default=0)


def longest(songs: Sequence[Listener], until: float) -> float:
    """Return the longest time from a song's arrival to its end, in seconds; for incomplete songs, the time from arrival
    to `until`.
    """
    ends = ((until if one.complete_at is None else one.complete_at) - one.arrived_at for one in songs)
    return max(ends, default=0.0)
