"""Measures the share of a busy device's time that is spent on work for songs."""

_MEMORY_SECONDS = 5.0
_LEAST = 0.5


class WorkedShare:
    """Measures the share of a device's busy time that is spent on work for songs, as a mean over the last 5 seconds.

    The rest of the busy time is communication with the server and waiting: for other processes on the same cores, or
    for a slow encoder.
    """

    def __init__(self) -> None:
        self._busy = self._worked = _MEMORY_SECONDS
        self._until: float | None = None

    @property
    def value(self) -> float:
        """The share of busy time spent on songs, in the range [0.5, 1]; simultaneous work of two lanes (command queues)
        counts once.
        """
        return min(1.0, max(_LEAST, self._worked / self._busy))

    def has_work(self, now: float) -> None:
        """Record that the device is busy from the time `now` on."""
        if self._until is None:
            self._until = now

    def has_none(self) -> None:
        """Record that the device is idle from now on."""
        self._until = None

    def add(self, now: float, worked_seconds: float) -> None:
        """Record that the device has just finished `worked_seconds` of work for songs."""
        if self._until is None:
            return
        passed = max(0.0, now - self._until)
        self._until = now
        kept = _MEMORY_SECONDS / (_MEMORY_SECONDS + passed)
        self._busy = kept * (self._busy + passed)
        self._worked = kept * (self._worked + worked_seconds)
