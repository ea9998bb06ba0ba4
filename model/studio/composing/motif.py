"""Extracts the motif, the first bars of the caller's melody, so that later lines can vary it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.notation.score import STEPS_PER_BAR, Note

MOTIF_BARS = 2

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motif:
    """A short melodic idea: its note onsets in steps (sixteenth notes), the intervals in semitones from note to note,
    and its length in steps, after which its rhythm repeats.
    """

    onsets: tuple[int, ...]
    intervals: tuple[int, ...]
    steps: int

    def rhythm(self, steps: int) -> tuple[int, ...]:
        """Return the note onsets, in steps, of the motif's rhythm repeated over a line of `steps` steps."""
        starts = range(0, steps, self.steps)
        return tuple(start + onset for start in starts for onset in self.onsets if start + onset < steps)

    def after(self, note: int) -> int | None:
        """Return the motif's interval in semitones from note `note` of a line, counted from 0, to the next note; `None`
        after the end of the motif.
        """
        return self.intervals[note] if note < len(self.intervals) else None


def motif_of(melody: Sequence[Note], steps_per_bar: int = STEPS_PER_BAR) -> Motif | None:
    """Return the motif of a melody: the notes of its first two bars; `None` if there are fewer than three notes in
    them.
    """
    notes = [note for note in melody if note.start < MOTIF_BARS * steps_per_bar]
    if len(notes) < 3:
        return None
    intervals = tuple(after.pitch - before.pitch for before, after in itertools.pairwise(notes))
    bars = -(-notes[-1].end // steps_per_bar)
    return Motif(tuple(note.start for note in notes), intervals, min(bars, MOTIF_BARS) * steps_per_bar)


def closeness(interval: int, places: int) -> Weights:
    """Return the closeness of each move between two pitches to `interval`, a distance in semitones, as [places,
    places]: row the first pitch, column the second. The `places` pitches lie a semitone apart.

    The value is 1 for the interval itself, 0.5 a semitone away from it (as when a melody is moved within its scale),
    and 0 beyond.
    """
    moves = np.subtract.outer(np.arange(places), np.arange(places)).T
    out: Weights = np.maximum(1.0 - np.abs(moves - interval) / 2.0, 0.0)
    return out
