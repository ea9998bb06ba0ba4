"""Statistics of melodies and chords, for comparing composed sections with real ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.tokens import CHORD_CLASSES, FIRST_PITCH, LOWEST, NO_CHORD, Classes, chord_of, encode
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, Score

_DIATONIC = (0, 2, 4, 5, 7, 9, 11)
_ECHO_BARS = 4
_DOMINANT = frozenset({22, 8})
"""Chord classes of G major and D minor."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A section in C major or A minor as arrays: `melody` token classes [bars * 16] and `chords` classes [bars * 4]."""

    melody: Classes
    chords: Classes
    minor: bool

    @property
    def onsets(self) -> Classes:
        """Steps (sixteenth notes) at which notes of the melody begin."""
        return np.flatnonzero(self.melody >= FIRST_PITCH)

    @property
    def pitches(self) -> Classes:
        """MIDI pitches of the melody's notes."""
        return self.melody[self.onsets] - FIRST_PITCH + LOWEST


def piece_of(score: Score, transpose: int, minor: bool) -> Piece:
    """Return a composed section transposed to C major or A minor; `transpose` is the number of semitones by which its
    key is above that.
    """
    tokens = encode(score, transpose)
    return Piece(tokens.melody.reshape(-1), tokens.chords, minor)


def measure(pieces: Sequence[Piece]) -> dict[str, float]:
    """Return statistics of the melodies and chords of sections, by name: shares of intervals, notes per bar,
    repetitions of bars, lengths of chords and others, which the model card of the weights explains.
    """
    pieces = [piece for piece in pieces if len(piece.onsets) > 4]
    intervals = np.concatenate([np.abs(np.diff(piece.pitches)) for piece in pieces])
    pitches = np.concatenate([piece.pitches for piece in pieces])
    dwells = [length for piece in pieces for length in _dwells(piece.chords)]
    chords = np.concatenate([piece.chords for piece in pieces])
    return {
        "repeat": float((intervals == 0).mean()),
        "step": float(((intervals > 0) & (intervals < 3)).mean()),
        "third": float(((intervals > 2) & (intervals < 5)).mean()),
        "leap": float((intervals >= 5).mean()),
        "pitch_class_entropy": _entropy(np.bincount(pitches % 12)),
        "in_scale": float(np.isin(pitches % 12, _DIATONIC).mean()),
        "notes_per_bar": float(np.mean([len(piece.onsets) / len(piece.chords) * BEATS_PER_BAR for piece in pieces])),
        "ends_on_tonic": float(np.mean([piece.pitches[-1] % 12 == (9 if piece.minor else 0) for piece in pieces])),
        "ends_on_chord_tone": float(np.mean([_on_chord(piece, int(piece.onsets[-1])) for piece in pieces])),
        "strong_chord_tones": float(
            np.mean([_on_chord(p, int(step)) for p in pieces for step in p.onsets if step % (2 * STEPS_PER_BEAT) == 0])
        ),
        "bar_repeats": float(np.mean([_same_bars(piece, rhythm_only=False) for piece in pieces])),
        "bar_rhythm_repeats": float(np.mean([_same_bars(piece, rhythm_only=True) for piece in pieces])),
        "echo": _echo(pieces, rhythm_only=False),
        "rhythm_echo": _echo(pieces, rhythm_only=True),
        "beats_per_chord": float(np.mean(dwells)),
        "chord_over_a_bar": float(np.mean([length > BEATS_PER_BAR for length in dwells])),
        "on_dominant": float(np.isin(chords, list(_DOMINANT)).mean()),
        "chord_entropy": _entropy(np.bincount(chords, minlength=CHORD_CLASSES)),
    }


def lift(pairs: Iterable[tuple[Piece, Piece]]) -> NDArray[np.float64]:
    """Return the mean difference in pitch, in semitones, between the second and the first piece of each pair."""
    return np.array([second.pitches.mean() - first.pitches.mean() for first, second in pairs])


class CopyFinder:
    """Finds the longest sequence of notes that a melody shares with training songs; notes are compared by pitch
    interval and time distance.
    """

    def __init__(self, melodies: Iterable[Classes]) -> None:
        self._text = "\n".join(_spelled(melody) for melody in melodies)

    def longest(self, melody: Classes) -> int:
        """Return the length, in pairs of pitch interval and time distance, of the longest sequence that `melody` shares
        with a training song.
        """
        spelled = _spelled(melody)
        best = 0
        for start in range(len(spelled)):
            while start + best < len(spelled) and spelled[start : start + best + 1] in self._text:
                best += 1
        return best


def _spelled(melody: Classes) -> str:
    """Return a string with one character for each two successive notes, which encodes their pitch interval and time
    distance.
    """
    onsets = np.flatnonzero(melody >= FIRST_PITCH)
    intervals, spacings = np.diff(melody[onsets]), np.minimum(np.diff(onsets), 32)
    return "".join(
        chr(0x4000 + 40 * (interval + 40) + spacing) for interval, spacing in zip(intervals, spacings, strict=True)
    )


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _on_chord(piece: Piece, step: int) -> bool:
    chord = int(piece.chords[step // STEPS_PER_BEAT])
    pitch = int(piece.melody[step]) - FIRST_PITCH + LOWEST
    return chord != NO_CHORD and pitch % 12 in chord_of(chord).pitch_classes


def _same_bars(piece: Piece, *, rhythm_only: bool) -> float:
    """Return the share of equal pairs among all pairs of bars in a section; bars with fewer than three notes are
    ignored. If `rhythm_only` is True, pitches are ignored.
    """
    bars = piece.melody.reshape(-1, STEPS_PER_BAR)
    if rhythm_only:
        bars = np.minimum(bars, FIRST_PITCH)
    full = [bar.tobytes() for bar in bars if (bar >= FIRST_PITCH).sum() > 2]
    pairs = Counter(first == second for first, second in combinations(full, 2))
    return pairs[True] / max(pairs.total(), 1)


def _echo(pieces: Sequence[Piece], *, rhythm_only: bool) -> float:
    """Return the share, 0 to 1, of notes that are repeated four bars later: twice the number of notes with equal
    position and pitch, divided by all notes. If `rhythm_only` is True, pitches are ignored.
    """
    same, everything = 0, 0
    for piece in pieces:
        bars = piece.melody.reshape(-1, STEPS_PER_BAR)
        if rhythm_only:
            bars = np.minimum(bars, FIRST_PITCH)
        for earlier, later in zip(bars, bars[_ECHO_BARS:], strict=False):
            same += 2 * int(((earlier == later) & (later >= FIRST_PITCH)).sum())
            everything += int((earlier >= FIRST_PITCH).sum() + (later >= FIRST_PITCH).sum())
    return same / max(everything, 1)


def _dwells(chords: Classes) -> list[int]:
    borders = np.flatnonzero(np.diff(chords)) + 1
    return [len(part) for part in np.split(chords, borders)]
