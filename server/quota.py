"""Quota of one caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one caller; `None` is no limit."""

    songs_per_minute: float | None = None
    concurrent_songs: int | None = None
    audio_seconds_per_hour: float | None = None
