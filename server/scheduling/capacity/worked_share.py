"""The share of a busy device's time that is charged to songs, learnt while serving."""

_MEMORY_SECONDS = 5.0
_LEAST = 0.5


class WorkedShare:
    """Measures the share of a device's busy time that goes into work.

    The rest is exchange with the server and other waits of the worker: for other processes on the same cores, for a
    slow encoder. Both times fade with a memory of some seconds.
    """

    def __init__(self) -> None:
        self._busy = self._worked = _MEMORY_SECONDS
        self._until: float | None = None

    @property
    def value(self) -> float:
        """The share, in the range [0.5, 1]; simultaneous work of two lanes counts once."""
        return min(1.0, max(_LEAST, self._worked / self._busy))

    def has_work(self, now: float) -> None:
        """Note that the device has work."""
        if self._until is None:
            self._until = now

    def has_none(self) -> None:
        """Note that the device has no work."""
        self._until = None

    def add(self, now: float, worked_seconds: float) -> None:
        """Add work that the device has just finished."""
        if self._until is None:
            return
        passed = max(0.0, now - self._until)
        self._until = now
        kept = _MEMORY_SECONDS / (_MEMORY_SECONDS + passed)
        self._busy = kept * (self._busy + passed)
        self._worked = kept * (self._worked + worked_seconds)
