"""The quota of a caller: songs at a time, songs per minute, seconds of sound per hour."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one caller; `None` means no limit."""

    songs_per_minute: float | None = None
    concurrent_songs: int | None = None
    audio_seconds_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class AdmissionTerms:
    """The terms of a caller at the admission of a song, which are needed again when the song has ended.

    `weight` is the weight of the caller's fair share, `sound_seconds` the sound charged for the song. `quota`
    identifies the quota at that time, and `audio_seconds_per_hour` is its limit, `None` for none.
    """

    weight: float = 1.0
    sound_seconds: float = 0.0
    quota: str = ""
    audio_seconds_per_hour: float | None = None


UNKNOWN_TERMS: Final = AdmissionTerms()
