"""Who may come in: a bounded number of songs, and advice when to come back.

The bound counts songs from admission until their sound is made or given up, whether they wait or run. The last eighth
of the queue is kept for callers who have no song here, so that one caller cannot shut out the others.
"""

from collections import Counter
from types import TracebackType

from server.errors import Draining, Overloaded

_KEPT_SHARE = 8
_WEIGHT = 0.2
_CALM_SHARE = 0.75
"""Crowded ends well below the mark, lest a server be taken out and put back with every song."""
_FALLBACK_SONG_SECONDS = 10.0


class RunningMean:
    """An exponentially weighted mean; `value` is `None` before the first measurement."""

    def __init__(self) -> None:
        self.value: float | None = None

    def add(self, measured: float) -> None:
        """Take one measurement in."""
        self.value = measured if self.value is None else self.value + _WEIGHT * (measured - self.value)


class Permit:
    """The right of one song to be in the server; a context manager that gives it back once."""

    def __init__(self, admission: "Admission", caller: str) -> None:
        self._admission: Admission | None = admission
        self._caller = caller

    def __enter__(self) -> "Permit":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.leave(self._caller)


class Admission:
    """Counts the songs in the server against `running + queued`, the most that may run and wait at once.

    It is crowded from when `mark` of `queued` songs wait until three quarters of that do.
    """

    def __init__(self, running: int, queued: int, mark: float = 1.0) -> None:
        self._running = running
        self._capacity = running + queued
        self._kept = queued // _KEPT_SHARE
        self._mark = max(1.0, mark * queued)
        self._crowded = False
        self._by_caller: Counter[str] = Counter()
        self._draining = False
        self._song_seconds = RunningMean()
        self.songs = 0

    @property
    def draining(self) -> bool:
        """Whether the server takes no more songs."""
        return self._draining

    @property
    def crowded(self) -> bool:
        """Whether new songs had better go elsewhere."""
        return self._crowded

    def drain(self) -> None:
        """Refuse every song from now on."""
        self._draining = True

    def admit(self, caller: str = "") -> Permit:
        """Let one song of a caller in.

        Raises:
            Draining: after `drain`.
            Overloaded: as many songs are in as may run and wait.
        """
        if self._draining:
            raise Draining("the server is shutting down")
        if self.songs >= self._capacity - (self._kept if self._by_caller[caller] else 0):
            text = f"the queue is full: {self.songs} songs are running or waiting"
            raise Overloaded(text, self._retry_after_seconds())
        self.songs += 1
        self._by_caller[caller] += 1
        self._note_crowd()
        return Permit(self, caller)

    def leave(self, caller: str) -> None:
        """Note that a song of a caller is no longer here."""
        self.songs -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]
        self._note_crowd()

    def measured_song(self, seconds: float) -> None:
        """Note the time from a song's first work to its last chunk."""
        self._song_seconds.add(seconds)

    def _note_crowd(self) -> None:
        waiting = self.songs - self._running
        self._crowded = waiting >= (self._mark * _CALM_SHARE if self._crowded else self._mark)

    def _retry_after_seconds(self) -> float:
        song = self._song_seconds.value
        return (_FALLBACK_SONG_SECONDS if song is None else song) / self._running
