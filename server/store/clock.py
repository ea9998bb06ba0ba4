"""The clock by which the age of songs is computed: the wall clock, unless the wall clock has jumped ahead."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE_SECONDS = 3600.0
"""Maximum jump ahead of the wall clock between two readings, in seconds, that is accepted at once."""

HOLD_SECONDS = 24 * 3600.0
"""Seconds of running time after which a larger jump ahead of the wall clock is accepted."""

_NS = 1_000_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Believed:
    """State of the clock for the age of songs: the last accepted time in nanoseconds since 1970, and the number of
    seconds for which a later wall-clock time was not accepted.
    """

    now_ns: int
    held_seconds: float = 0.0


class AgeClock:
    """The clock by which the age of songs is computed. If the wall clock suddenly jumps ahead, this clock does not
    follow.

    Deleted songs cannot be restored. After a jump ahead, the accepted time therefore continues from before the jump.
    The new time is accepted once the wall clock has stayed ahead for `HOLD_SECONDS` while the server runs. A wall clock
    that was set back is accepted at once, because that deletes no song.
    """

    def __init__(
        self,
        now_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
        known: Believed | None = None,
    ) -> None:
        """Set up the clock; `now_ns` returns wall-clock time in nanoseconds since 1970, `clock` monotonic seconds.
        `known` is the clock's state at the end of an earlier run.
        """
        self._wall_ns = now_ns
        self._clock = clock
        self._looked_at = clock()
        self.believed = known or Believed(now_ns())

    def now_ns(self) -> int:
        """Return the accepted time now, in nanoseconds since 1970."""
        at = self._clock()
        passed_seconds, self._looked_at = at - self._looked_at, at
        self.believed = self._judged(passed_seconds, self._wall_ns())
        return self.believed.now_ns

    def _judged(self, passed_seconds: float, wall_ns: int) -> Believed:
        expected_ns, held = self.believed.now_ns + round(passed_seconds * _NS), self.believed.held_seconds
        ahead_seconds = (wall_ns - expected_ns) / _NS
        if ahead_seconds <= TOLERANCE_SECONDS:
            return Believed(wall_ns)
        if held + passed_seconds >= HOLD_SECONDS:
            logger.warning(
                "the clock of the computer has stayed %.0f hours ahead of the last time in the song store plus the "
                "server's running time, so it is accepted: songs are now deleted by its time",
                ahead_seconds / 3600,
            )
            return Believed(wall_ns)
        if not held:
            logger.warning(
                "the clock of the computer is %.0f hours ahead of the time that the song store expects (its last time "
                "plus the time for which the server has run since): the server was off, or the clock is wrong. For the "
                "next %.0f hours no song is deleted because of the difference; if the clock is wrong, set it right "
                "before then",
                ahead_seconds / 3600,
                HOLD_SECONDS / 3600,
            )
        return Believed(expected_ns, max(held + passed_seconds, 1e-9))
