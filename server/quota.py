"""Limits of one caller: songs at the same time, songs per minute, seconds of sound per hour."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Quota:
    """Quota of one caller: songs per minute, songs at once, seconds of sound per hour; `None` means no limit."""

    songs_per_minute: float | None = None
    concurrent_songs: int | None = None
    audio_seconds_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class AdmissionTerms:
    """Quota and fair share of a caller as they were when a song was admitted; they are used again when the song has
    ended.

    `weight` is the caller's weight in fair scheduling, `sound_seconds` the length of sound charged for the song.
    `quota` identifies the quota of that time, and `audio_seconds_per_hour` is its limit of sound, `None` for no limit.
    """

    weight: float = 1.0
    sound_seconds: float = 0.0
    quota: str = ""
    audio_seconds_per_hour: float | None = None


UNKNOWN_TERMS: Final = AdmissionTerms()
