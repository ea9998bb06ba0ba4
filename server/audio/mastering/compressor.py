"""A gentle compressor that lowers short loud peaks and preserves the differences in loudness between sections."""

import math
from functools import cache

from server.audio.mastering.loudness import amplitude_of

HOPS_PER_SECOND = 100


class GlueCompressor:
    """Compressor whose threshold follows the recent level of the sound.

    The short-term level (20 ms) is compared with the mean level of the last seconds (3 s) instead of a fixed threshold.
    So a drum hit is reduced a little, and a loud chorus is not. Gains are computed once per hop of 10 ms.
    """

    THRESHOLD_DB = 3.0
    RATIO = 2.0
    MAX_REDUCTION_DB = 4.0
    MOMENT_SECONDS = 0.02
    SURROUNDINGS_SECONDS = 3.0
    SMOOTHING_SECONDS = 0.06

    def __init__(self, expected_energy: float) -> None:
        self._moment = expected_energy
        self._surroundings = expected_energy
        self._floor = expected_energy * 1e-3
        self._gain_db = 0.0

    def add(self, energy: float) -> float:
        """Add the next hop of 10 ms, whose mean square is `energy`, and return the gain at its end, at most 1."""
        self._moment += (energy - self._moment) * _weight(self.MOMENT_SECONDS)
        self._surroundings += (energy - self._surroundings) * _weight(self.SURROUNDINGS_SECONDS)
        wanted_db = -self._reduction_db()
        self._gain_db += (wanted_db - self._gain_db) * _weight(self.SMOOTHING_SECONDS)
        return amplitude_of(self._gain_db)

    def _reduction_db(self) -> float:
        excess = max(self._moment, self._floor) / max(self._surroundings, self._floor)
        excess_db = 10 * math.log10(excess) - self.THRESHOLD_DB
        return min(max(excess_db, 0.0) * (1 - 1 / self.RATIO), self.MAX_REDUCTION_DB)


@cache
def _weight(time_constant_seconds: float) -> float:
    return 1 - math.exp(-1 / (HOPS_PER_SECOND * time_constant_seconds))
