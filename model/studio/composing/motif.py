"""Finds the motif, the beginning of the caller's melody, and varies it in the lines that follow."""

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
    """Onsets in steps, intervals in semitones from note to note, and the steps after which it comes again."""

    onsets: tuple[int, ...]
    intervals: tuple[int, ...]
    steps: int

    def rhythm(self, steps: int) -> tuple[int, ...]:
        """Return the onsets of the motif, repeated over a line of `steps` steps."""
        starts = range(0, steps, self.steps)
        return tuple(start + onset for start in starts for onset in self.onsets if start + onset < steps)

    def after(self, note: int) -> int | None:
        """Return the interval from note `note` of a line, counted from 0, to the next; `None` after the end of
        the motif.
        """
        return self.intervals[note] if note < len(self.intervals) else None


def motif_of(melody: Sequence[Note], steps_per_bar: int = STEPS_PER_BAR) -> Motif | None:
    """Return the motif of a melody, its first two bars; `None` if they have fewer than three notes."""
    notes = [note for note in melody if note.start < MOTIF_BARS * steps_per_bar]
    if len(notes) < 3:
        return None
    intervals = tuple(after.pitch - before.pitch for before, after in itertools.pairwise(notes))
    bars = -(-notes[-1].end // steps_per_bar)
    return Motif(tuple(note.start for note in notes), intervals, min(bars, MOTIF_BARS) * steps_per_bar)


def closeness(interval: int, places: int) -> Weights:
    """Return how close each move between `places` pitches is to an interval, [from, to].

    1 exactly; half as much a semitone off, as a tune has it elsewhere in its scale.
    """
    moves = np.subtract.outer(np.arange(places), np.arange(places)).T
    out: Weights = np.maximum(1.0 - np.abs(moves - interval) / 2.0, 0.0)
    return out
