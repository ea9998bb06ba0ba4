"""Computes the pitch height of each line of a section, and the places of the highest and the lowest note of its
melody.
"""

from collections.abc import Sequence

import numpy as np

from model.studio.composing.decisions.lines import SungLine
from model.studio.composing.decisions.melody_bias import sung_range
from model.studio.composing.decisions.pitches import Weights
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import LOWEST, PITCHES, Classes

_HEIGHT_WEIGHT, _LEVEL_SEMITONES = 0.2, 3.0
_EDGE_SEMITONES = 2
_PEAK_BIAS, _BELOW_PEAK, _TROUGH_BIAS = 11.0, -4.0, 9.0
_FEWEST_FOR_TROUGH = 5
_ARCH_NOTES = 4
"""Number of notes over which a line rises to the section's highest note, and falls from it."""


def register_bias(spec: SectionSpec, lines: Sequence[SungLine], onsets: Classes) -> Weights:
    """Return the bias [notes, 37] on the pitch of each note that gives each line its pitch height, and makes one note
    the highest and one the lowest of the section. `onsets` holds the step of each note.
    """
    bias = np.zeros((len(onsets), PITCHES))
    if not spec.heights:
        return bias
    low, high = sung_range(spec)
    pitches = np.arange(LOWEST, LOWEST + PITCHES) + spec.transpose
    rows = {step: row for row, step in enumerate(onsets.tolist())}
    peak, trough = _peak(spec, lines), _trough(spec, lines)
    for line, height in zip(lines, spec.heights, strict=True):
        for note, step in enumerate(line.onsets):
            middle = (low + high) / 2 + height
            middle += _nearness(line, note, peak) * (high - 1 - middle)
            middle += _nearness(line, note, trough) * (low + 1 - middle)
            away = np.maximum(np.abs(pitches - middle) - _LEVEL_SEMITONES, 0)
            bias[rows[step]] = -_HEIGHT_WEIGHT * away
            if peak is not None:
                top = pitches >= high - _EDGE_SEMITONES
                bias[rows[step]] += _PEAK_BIAS * top if step == peak else _BELOW_PEAK * top
    if trough is not None:
        bias[rows[trough]] += _TROUGH_BIAS * (pitches <= low + _EDGE_SEMITONES)
    return bias


def _nearness(line: SungLine, note: int, turn: int | None) -> float:
    """Return the nearness of note `note` of a line to the note at step `turn`, the highest or lowest of the section: 1
    at that note, falling to 0 over `_ARCH_NOTES` notes; 0 in a line without that note.
    """
    return max(0.0, 1 - abs(note - line.onsets.index(turn)) / _ARCH_NOTES) if turn in line.onsets else 0.0


def _trough(spec: SectionSpec, lines: Sequence[SungLine]) -> int | None:
    """Return the step of the section's lowest note, early in the lowest line; `None` if that line has too few notes."""
    lowest = min(range(len(lines)), key=lambda line: spec.heights[line], default=None)
    if lowest is None or len(lines[lowest].onsets) < _FEWEST_FOR_TROUGH:
        return None
    return lines[lowest].onsets[1 if lowest == spec.climax else len(lines[lowest].onsets) // 3]


def _peak(spec: SectionSpec, lines: Sequence[SungLine]) -> int | None:
    """Return the step of the section's highest note: a long, stressed note in the middle of the climax line; `None`
    without a climax line of three notes or more.
    """
    if spec.climax is None or spec.climax >= len(lines) or len(lines[spec.climax].onsets) < 3:
        return None
    line = lines[spec.climax]
    stresses = spec.stresses[spec.climax] if spec.stresses else ()
    middle = range(1, len(line.onsets) - 1)

    def fitness(note: int) -> float:
        length = min(line.onsets[note + 1] - line.onsets[note], 4)
        strong = float(stresses[note]) if note < len(stresses) else 0.0
        return length + strong - 4.0 * abs(note / len(line.onsets) - 0.5)

    return line.onsets[max(middle, key=fitness)]
