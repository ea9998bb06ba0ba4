"""The share of a busy device's time that songs are charged for, learnt while serving."""

_MEMORY_SECONDS = 5.0
_LEAST = 0.5


class WorkedShare:
    """Measures how much of the time in which a device has work goes into that work.

    The rest are exchanges with the server, and whatever else its worker waits for: other processes on the same cores,
    an encoder that does not take sound. Both times fade with a memory of some seconds.
    """

    def __init__(self) -> None:
        self._busy = self._worked = _MEMORY_SECONDS
        self._until: float | None = None

    @property
    def value(self) -> float:
        """The share, in the range [0.5, 1]; work of two lanes at once counts once."""
        return min(1.0, max(_LEAST, self._worked / self._busy))

    def has_work(self, now: float) -> None:
        """Notes that the device was given work."""
        if self._until is None:
            self._until = now

    def has_none(self) -> None:
        """Notes that the device has nothing to do."""
        self._until = None

    def add(self, now: float, worked_seconds: float) -> None:
        """Takes in work that the device has just finished."""
        if self._until is None:
            return
        passed = max(0.0, now - self._until)
        self._until = now
        kept = _MEMORY_SECONDS / (_MEMORY_SECONDS + passed)
        self._busy = kept * (self._busy + passed)
        self._worked = kept * (self._worked + worked_seconds)
