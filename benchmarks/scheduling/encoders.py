"""Simulates the encoder processes of a pool, each of which encodes one window at a time."""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

Later: TypeAlias = Callable[[float, Callable[[], None]], None]
"""Function that calls another function after a number of seconds."""


class Encoders:
    """Simulated encoders: the windows of each song are encoded in order, first come first served; `busy_seconds` is the
    total encoding time.
    """

    def __init__(self, count: int | None, later: Later) -> None:
        """Set up the encoders; `count` is the number of processes; `None` means one for each song."""
        self.busy_seconds = 0.0
        self._count = count
        self._later = later
        self._working = 0
        self._songs: dict[str, deque[tuple[float, Callable[[], None]]]] = {}
        self._ready: deque[str] = deque()

    def put(self, song_id: str, work_seconds: float, on_encoded: Callable[[], None]) -> None:
        """Add a window that needs `work_seconds` of a process; `on_encoded` is called when it is encoded."""
        windows = self._songs.setdefault(song_id, deque())
        windows.append((work_seconds, on_encoded))
        if len(windows) == 1:
            self._ready.append(song_id)
            self._begin()

    def _begin(self) -> None:
        while self._ready and (self._count is None or self._working < self._count):
            song_id = self._ready.popleft()
            work_seconds, _ = self._songs[song_id][0]
            self._working += 1
            self.busy_seconds += work_seconds
            self._later(work_seconds, lambda name=song_id: self._end(name))  # type: ignore[misc]

    def _end(self, song_id: str) -> None:
        windows = self._songs[song_id]
        _, on_encoded = windows.popleft()
        self._working -= 1
        if windows:
            self._ready.append(song_id)
        else:
            del self._songs[song_id]
        on_encoded()
        self._begin()
