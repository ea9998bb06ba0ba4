"""Keeps the values and rates of the last minutes (sliding windows of time), in bounded memory."""

from collections import deque
from collections.abc import Callable

MAX_VALUES = 8192
"""Maximum number of values in a sliding window; only the newest values are kept."""

_SLOTS = 60


class SlidingWindow:
    """The values that were added in the last `seconds`, at most `MAX_VALUES`."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        """Set up a sliding window of the last `seconds`; `clock` returns monotonic seconds."""
        self._seconds = seconds
        self._clock = clock
        self._values: deque[tuple[float, float]] = deque(maxlen=MAX_VALUES)

    def add(self, value: float) -> None:
        """Add a value that was measured now."""
        self._values.append((self._clock(), value))

    def values(self) -> list[float]:
        """Return the values that were added within the last `seconds`, oldest first."""
        oldest = self._clock() - self._seconds
        while self._values and self._values[0][0] < oldest:
            self._values.popleft()
        return [value for _, value in self._values]


class SlidingRate:
    """Rate of added values per second over the last `seconds`. Values are summed up in time slots, so that memory is
    bounded.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], began_at: float) -> None:
        """Set up a rate over the last `seconds`; `clock` returns monotonic seconds. In the first `seconds` after the
        time `began_at` of that clock, the rate is the mean since `began_at`.
        """
        self._slot_seconds = seconds / _SLOTS
        self._clock = clock
        self._began_at = began_at
        self._slots: deque[tuple[int, float]] = deque(maxlen=_SLOTS)

    def add(self, value: float) -> None:
        """Add a value to the present time slot."""
        slot, total = self._slot(), 0.0
        if self._slots and self._slots[-1][0] == slot:
            total = self._slots.pop()[1]
        self._slots.append((slot, total + value))

    def per_second(self) -> float:
        """Return the sum of the values within the window, divided by the seconds that the window covers; 0 if it covers
        none yet.
        """
        now, oldest = self._clock(), self._slot() - _SLOTS + 1
        covered_seconds = now - max(self._began_at, oldest * self._slot_seconds)
        total = sum(value for slot, value in self._slots if slot >= oldest)
        return total / covered_seconds if covered_seconds > 0 else 0.0

    def _slot(self) -> int:
        return int(self._clock() // self._slot_seconds)


class Window:
    """A time span of fixed length that always ends now; a factory for sliding windows and rates of that length."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        """Set up a time span of `seconds`; `clock` returns monotonic seconds. Rates are measured from now on."""
        self._seconds = seconds
        self._clock = clock
        self._began_at = clock()

    def values(self) -> SlidingWindow:
        """Return a new, empty `SlidingWindow` of this time span."""
        return SlidingWindow(self._seconds, self._clock)

    def rate(self) -> SlidingRate:
        """Return a new `SlidingRate` of this time span, without any values."""
        return SlidingRate(self._seconds, self._clock, self._began_at)


def percentile(values: list[float], percent: int) -> float:
    """Return the nearest-rank percentile of a non-empty list; `percent` is from 1 to 100."""
    return sorted(values)[-(-percent * len(values) // 100) - 1]
