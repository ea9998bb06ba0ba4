"""Measures the running loudness of a song (ITU-R BS.1770-4), and computes the slowly changing gain that brings the song
to the target loudness.
"""

import math
from collections import deque

import numpy as np

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
BLOCKS_PER_SECOND = 10
_BLOCKS_PER_MEASUREMENT = 4
_BIN_LU = 0.1
_BINS = 1000


def loudness_of(energy: float) -> float:
    """Return the loudness in LUFS of a K-weighted mean square summed over the channels; -inf for silence."""
    return -0.691 + 10 * math.log10(energy) if energy > 0 else -math.inf


def energy_of(lufs: float) -> float:
    """Return the K-weighted mean square, summed over the channels, for a loudness in LUFS; the inverse of
    `loudness_of`.
    """
    return float(10 ** ((lufs + 0.691) / 10))


def amplitude_of(gain_db: float) -> float:
    """Return the linear factor for a gain in dB."""
    return float(10 ** (gain_db / 20))


class RunningLoudness:
    """Integrated loudness of the sound so far (ITU-R BS.1770-4), starting from an expected loudness.

    The loudness is measured in 400 ms blocks that start every 100 ms, gated at -70 LUFS and at 10 LU below the ungated
    mean. The expectation counts as `expected_seconds` of sound at `expected_lufs`, so that a quiet opening alone does
    not determine the estimate. Blocks are counted in bins of 0.1 LU, so memory and time do not grow with the song.
    """

    def __init__(self, expected_lufs: float, expected_seconds: float) -> None:
        self._recent: deque[float] = deque(maxlen=_BLOCKS_PER_MEASUREMENT)
        self._counts = np.zeros(_BINS)
        self._energies = np.zeros(_BINS)
        self._record(energy_of(expected_lufs), expected_seconds * BLOCKS_PER_SECOND)

    def add(self, energy: float) -> None:
        """Add the next 100 ms of sound; `energy` is its K-weighted mean square, summed over the channels."""
        self._recent.append(energy)
        measured = sum(self._recent) / _BLOCKS_PER_MEASUREMENT
        if len(self._recent) == _BLOCKS_PER_MEASUREMENT and loudness_of(measured) >= ABSOLUTE_GATE_LUFS:
            self._record(measured, 1.0)

    @property
    def lufs(self) -> float:
        """The integrated loudness of the sound so far, in LUFS."""
        mean = float(self._energies.sum() / self._counts.sum())
        gated = slice(_bin(loudness_of(mean) + RELATIVE_GATE_LU), None)
        return loudness_of(float(self._energies[gated].sum() / self._counts[gated].sum()))

    def _record(self, energy: float, blocks: float) -> None:
        index = _bin(loudness_of(energy))
        self._counts[index] += blocks
        self._energies[index] += blocks * energy


def _bin(lufs: float) -> int:
    return min(max(int((lufs - ABSOLUTE_GATE_LUFS) / _BIN_LU), 0), _BINS - 1)


class Leveller:
    """Slowly changing gain that brings a song to `target_lufs`. Verse and chorus keep their difference in loudness.

    The gain starts at the value for sound of -18 LUFS, the usual loudness of engines. It changes by at most
    `MAX_SLOPE_DB_PER_SECOND`, and stays within plus or minus `MAX_GAIN_DB`.
    """

    EXPECTED_LUFS = -18.0
    EXPECTED_SECONDS = 6.0
    MAX_SLOPE_DB_PER_SECOND = 0.5
    MAX_GAIN_DB = 9.0

    def __init__(self, target_lufs: float) -> None:
        self._target_lufs = target_lufs
        self._heard = RunningLoudness(self.EXPECTED_LUFS, self.EXPECTED_SECONDS)
        self._gain_db = self._wanted_db()

    @property
    def gain_db(self) -> float:
        """The gain in dB for the sound after the last 100 ms that were added."""
        return self._gain_db

    def add(self, energy: float) -> None:
        """Add the next 100 ms of sound, and update the gain; `energy` is the K-weighted mean square of that sound,
        summed over the channels.
        """
        self._heard.add(energy)
        slope = self.MAX_SLOPE_DB_PER_SECOND / BLOCKS_PER_SECOND
        self._gain_db += min(max(self._wanted_db() - self._gain_db, -slope), slope)

    def _wanted_db(self) -> float:
        return min(max(self._target_lufs - self._heard.lufs, -self.MAX_GAIN_DB), self.MAX_GAIN_DB)
