"""Data types for the arrangement of one section: all notes of all tracks, ready to be rendered as sound."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.studio.style import Track


@dataclass(frozen=True, slots=True)
class TrackNote:
    """One played note; `start` and `length` in sixteenth steps from the section's start (not whole numbers after swing
    and microtiming; a start slightly below 0 is an anticipation), `velocity` 1 to 127.

    For `Track.DRUMS`, `pitch` is a General MIDI percussion key and `length` is ignored.
    """

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The notes of all tracks of one section, each track sorted by start. Tracks without notes may be missing."""

    bars: int
    tracks: Mapping[Track, tuple[TrackNote, ...]]
