"""How much one caller may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """What a caller may ask for; `None` is no limit."""

    songs_per_minute: float | None = None
    concurrent_songs: int | None = None
    audio_seconds_per_hour: float | None = None
