"""Counts what a worker does for one section of a traced song, so that it can be told as one span."""

import os
from collections.abc import Callable, Mapping

from server.workers.messages import SongKey, WorkSpan


class SpanTimer:
    """Work of one kind, from its first piece to its last."""

    def __init__(self, name: str, now_ns: Callable[[], int]) -> None:
        """`now_ns` is the wall clock, in nanoseconds."""
        self.batches: list[int] = []
        self._name = name
        self._now_ns = now_ns
        self._start_ns = self._end_ns = 0
        self._busy_seconds = 0.0

    def add(self, seconds: float, batch: int = 1, pieces: int = 1) -> None:
        """Work that took so long has just ended: `pieces` pieces, each done for `batch` sections at once."""
        self._end_ns = self._now_ns()
        if not self.batches:
            self._start_ns = self._end_ns - round(seconds * 1e9)
        self._busy_seconds += seconds
        self.batches += [batch] * pieces

    def span(
        self, song: SongKey, section: int | None, attributes: Mapping[str, int | tuple[int, ...]] | None = None
    ) -> WorkSpan:
        """All of it, with the process that did it."""
        told: dict[str, str | int | float | tuple[int, ...]] = {
            "process.pid": os.getpid(),
            "melisma.attempt": song.attempt,
            "melisma.busy_seconds": self._busy_seconds,
            **(attributes or {}),
        }
        return WorkSpan(song, section, self._name, self._start_ns, self._end_ns, told)
