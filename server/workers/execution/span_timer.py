"""Adds up all work of one kind on one section of a song into one trace span."""

import os
from collections.abc import Callable, Mapping

from server.workers.messages import SongKey, WorkSpan


class SpanTimer:
    """Adds up work of one kind, such as denoising, on a section: one span from the start of the first command to the
    end of the last.
    """

    def __init__(self, name: str, now_ns: Callable[[], int]) -> None:
        """Set up the timer of a span with that name; `now_ns` returns wall-clock time in nanoseconds since 1970."""
        self.batches: list[int] = []
        self._name = name
        self._now_ns = now_ns
        self._start_ns = self._end_ns = 0
        self._busy_seconds = 0.0

    def add(self, seconds: float, batch: int = 1, pieces: int = 1) -> None:
        """Add `seconds` of work that has just ended: `pieces` is the number of denoising steps or of rendered windows
        of sound, each done for `batch` sections at once.
        """
        self._end_ns = self._now_ns()
        if not self.batches:
            self._start_ns = self._end_ns - round(seconds * 1e9)
        self._busy_seconds += seconds
        self.batches += [batch] * pieces

    def span(
        self, song: SongKey, section: int | None, attributes: Mapping[str, int | tuple[int, ...]] | None = None
    ) -> WorkSpan:
        """Return the trace span of all work so far, with the id of this process among its attributes."""
        values: dict[str, str | int | float | tuple[int, ...]] = {
            "process.pid": os.getpid(),
            "melisma.attempt": song.attempt,
            "melisma.busy_seconds": self._busy_seconds,
            **(attributes or {}),
        }
        return WorkSpan(song, section, self._name, self._start_ns, self._end_ns, values)
