"""Simulates the playback of one song to measure buffer underruns, the silences of a player whose sound comes too
late.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Playback:
    """Simulates a player that starts with the first chunk and plays available sound in real time."""

    underrun_seconds: float = 0.0
    sound_seconds: float = 0.0
    _ends_at: float | None = None

    def add(self, now: float, seconds: float) -> None:
        """Add a chunk with `seconds` of sound that arrives at the time `now`, in seconds."""
        ends_at = now if self._ends_at is None else self._ends_at
        self.underrun_seconds += max(0.0, now - ends_at)
        self._ends_at = max(now, ends_at) + seconds
        self.sound_seconds += seconds
