"""The full score of one section: every note of every track, ready to be rendered."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.studio.style import Track


@dataclass(frozen=True, slots=True)
class TrackNote:
    """One played note; `start` and `length` in sixteenth steps from the section's start (fractions are allowed: swing,
    strums, human timing; a start slightly below 0 is an anticipation), `velocity` 1 to 127.

    For `Track.DRUMS`, `pitch` is a General MIDI percussion key and `length` is ignored.
    """

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All tracks of one section, each sorted by start. Tracks without notes may be missing."""

    bars: int
    tracks: Mapping[Track, tuple[TrackNote, ...]]
