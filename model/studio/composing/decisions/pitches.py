"""Chooses the pitches of a melody as the most probable path through the network's log probabilities and the statistics
of melodic intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.motif import closeness
from model.studio.composing.profiles import USUAL, Profile
from model.studio.composing.tokens import HIGHEST, LOWEST, NO_CHORD, PITCHES, chord_of

Weights = NDArray[np.float64]

Pointers: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""For each pitch of a note the best predecessors on the path; see `_advance`."""

TONE_WEIGHT = 2.2
"""Difference in log weight between a move in the direction of the lexical tones and no move, and between no move and a
move in the opposite direction.
"""

LOG_PROB_WEIGHT = 0.6
"""Weight of the network's log probabilities relative to the biases of this module."""

_INTERVAL_WEIGHT = 1.0
MOTIF_WEIGHT = 8.0
"""Weight of the intervals of the caller's motif."""

_AGAIN: NDArray[np.float64] = np.array([0.0, -0.8, -1.6, -2.4])
"""Log weight of repeating a pitch, by the number of earlier repeats."""

_RUNS = len(_AGAIN)
_THIRD, _LEAP = 4, 9
_LARGEST_LEAP = 7
_LEAP_BIAS = -0.35
_REPEAT_BIAS = -0.1
_CHORD_TONE_BIAS = 1.2
_OFF_SCALE_BIAS = -1.6
_STABLE_BIAS = 0.9
_CLASH_BIAS = -5.0
_LEADING_BIAS = -1.2
_TONIC_BIAS = 10.0
_TONE_LEVELS = {1: (5.0, 5.0), 2: (3.0, 5.0), 3: (2.0, 1.5), 4: (5.0, 2.0)}
"""Pitch levels at which each Mandarin tone starts and ends, on Chao's scale of five; the neutral tone has no
preference.
"""

PITCH_CLASSES: NDArray[np.int64] = np.arange(LOWEST, HIGHEST + 1) % 12

_DISTANCE: NDArray[np.int64] = np.subtract.outer(np.arange(PITCHES), np.arange(PITCHES)).T
"""Interval in semitones of each move from one pitch (row) to another (column)."""


@dataclass(frozen=True, slots=True)
class MelodyNote:
    """The context of one melody note that restricts its pitch: its step in the section, the class (index) of the chord
    under the note, and the lexical tone of its syllable (0 for none).

    `cadence` is True for the last note of a line, `tonic` for a note that must be the tonic, `held` for a note of a
    beat or more, `strong` for a note on a strong beat.
    """

    step: int
    chord: int
    tone: int = 0
    cadence: bool = False
    tonic: bool = False
    held: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class AskedInterval:
    """A preferred interval, in semitones, from one melody note to the next.

    `weight` is the bias to the interval itself, `contour` the bias to any interval in the same direction.
    """

    semitones: int
    weight: float
    contour: float = 0.0

    def bias(self) -> Weights:
        """Return the bias [37, 37] that the preferred interval gives to each move from one pitch (row) to the next
        (column).
        """
        return _interval_bias(self)


@lru_cache(maxsize=128)
def _interval_bias(asked: AskedInterval) -> Weights:
    """Return the bias [37, 37] of a preferred interval on each move from one pitch (row) to the next (column).

    The array is read-only; the cache keeps at most 1.4 MB.
    """
    out: Weights = asked.weight * closeness(asked.semitones, PITCHES)
    if asked.contour:
        out += asked.contour * (np.sign(_DISTANCE) == np.sign(asked.semitones))
    return out


def scale(minor: bool) -> tuple[int, ...]:
    """Return the pitch classes of the scale of C major, or of A minor with both the minor and the major seventh
    degree.
    """
    return (0, 2, 4, 5, 7, 8, 9, 11) if minor else (0, 2, 4, 5, 7, 9, 11)


def note_bias(notes: list[MelodyNote], minor: bool) -> Weights:
    """Return the bias [notes, 37] on the pitch of each note: towards the scale, towards chord tones on strong beats,
    and towards stable tones at the ends of lines.
    """
    tonic = 9 if minor else 0
    bias = np.tile(_OFF_SCALE_BIAS * ~np.isin(PITCH_CLASSES, scale(minor)), (len(notes), 1))
    for row, note in zip(bias, notes, strict=True):
        chord_tones = () if note.chord == NO_CHORD else chord_of(note.chord).pitch_classes
        if note.strong or note.cadence:
            row += _CHORD_TONE_BIAS * np.isin(PITCH_CLASSES, chord_tones)
        if note.held:
            row += _CLASH_BIAS * np.isin((PITCH_CLASSES - 1) % 12, chord_tones)
        if note.cadence:
            row += _STABLE_BIAS * np.isin(PITCH_CLASSES, (0, 4, 7, 9))
            row += _LEADING_BIAS * np.isin(PITCH_CLASSES, (5, 11))
        if note.tonic:
            row += _TONIC_BIAS * (tonic == PITCH_CLASSES)
    return bias


def choose_pitches(
    log_probs: Weights,
    rises: Sequence[float],
    intervals: Weights,
    tone_weight: float = TONE_WEIGHT,
    taken_up: Sequence[AskedInterval | None] = (),
    profile: Profile = USUAL,
) -> list[int]:
    """Return the most probable sequence of pitches for the notes of a melody, by the Viterbi algorithm (1967).

    Args:
        log_probs: log weights [notes, 37] of every pitch from `LOWEST` on.
        rises: direction, -1 (down) to 1 (up), that the lexical tones prefer from each note to the next; see
            `tone_direction`.
        intervals: log probability [37] of the distance between successive notes in semitones.
        tone_weight: weight of the lexical tones, 0 or more; 0 ignores them.
        taken_up: preferred interval from each note to the next; `None` for no preference.
        profile: the genre's preference for repeated notes and leaps.

    Returns:
        The MIDI pitch of each note.
    """
    if not len(log_probs):
        return []
    rise, moves, again = _rise(), _usual_moves(intervals, profile), _AGAIN * (1 - min(profile.repeat, 1.0))
    best = _begun(log_probs[0])
    came_from: list[Pointers] = []
    for log_prob, direction, interval in zip_longest(log_probs[1:], rises, taken_up[: len(rises)]):
        onward = moves + tone_weight * direction * rise
        if interval is not None:
            onward += interval.bias()
        best, pointers = _advance(best, onward, again)
        best += log_prob[:, None]
        came_from.append(pointers)
    return [LOWEST + place for place in _best_path(best, came_from)]


def _begun(log_prob: Weights) -> Weights:
    """Return the initial scores [37, runs] of the path search: for each pitch of the first note, whose log weights are
    `log_prob` [37], and each number of repeats of that pitch. Only a pitch without repeats is possible.
    """
    best = np.full((PITCHES, _RUNS), -np.inf)
    best[:, 0] = log_prob
    return best


def _advance(best: Weights, onward: Weights, again: Weights) -> tuple[Weights, Pointers]:
    """Advance the path search by one note: return the scores [37, runs] of each pitch and number of repeats, and
    pointers to the best predecessors.

    The columns of the scores `best` count the repeats of a pitch. `onward` [37, 37] is the log weight of each move from
    one pitch to the next, `again` [runs] the log weight of repeating a pitch once more. The pointers give for each
    pitch: the best different pitch before; the best number of repeats of the pitch if another pitch follows; and the
    number of repeats one note before the longest run.
    """
    held = best + onward.diagonal()[:, None] + again
    left, longest_run = best.max(1), best.argmax(1)
    reach = left[:, None] + onward
    np.fill_diagonal(reach, -np.inf)
    held_from = np.where(held[:, -1] >= held[:, -2], _RUNS - 1, _RUNS - 2)
    after = np.empty_like(best)
    after[:, 0] = reach.max(0)
    after[:, 1:] = held[:, :-1]
    after[:, -1] = np.maximum(held[:, -1], held[:, -2])
    return after, (reach.argmax(0), longest_run, held_from)


def _best_path(best: Weights, came_from: Sequence[Pointers]) -> list[int]:
    """Return the most probable path of pitches, 0 to 36, from the scores [37, runs] at the last note and the pointers
    of every note but the first.
    """
    pitch, run = (int(place) for place in np.unravel_index(best.argmax(), best.shape))
    path = [pitch]
    for moved_from, longest_run, held_from in reversed(came_from):
        if run == 0:
            pitch = int(moved_from[pitch])
            run = int(longest_run[pitch])
        else:
            run = int(held_from[pitch]) if run == _RUNS - 1 else run - 1
        path.append(pitch)
    return path[::-1]


def _usual_moves(intervals: Weights, profile: Profile) -> Weights:
    """Return the log weight [37, 37] of each move from one pitch to the next: the frequency of the interval in songs,
    changed by the preferences of the genre.
    """
    places = np.arange(PITCHES)
    reach = _INTERVAL_WEIGHT * intervals + _LEAP_BIAS * np.maximum(places - _THIRD, 0)
    reach += (_REPEAT_BIAS + profile.repeat) * (places == 0)
    reach += profile.leap * ((places > _THIRD) & (places <= _LARGEST_LEAP))
    out: Weights = reach[np.abs(np.subtract.outer(places, places))]
    return out


@cache
def _rise() -> Weights:
    """Return the degree of rise of each move from one pitch to the next, [37, 37]: 1 for steps and thirds upwards, -1
    downwards, and nearer to 0 the wider the leap.

    The array is read-only.
    """
    out: Weights = np.sign(_DISTANCE) * np.clip((_LEAP - np.abs(_DISTANCE)) / (_LEAP - _THIRD), 0.0, 1.0)
    return out


def tone_direction(before: int, after: int) -> float:
    """Return the direction in which the melody should move between two lexical tones: 1 if the second tone starts
    higher than the first ends, -1 if it starts lower, 0 if there is no preference.
    """
    if before not in _TONE_LEVELS or after not in _TONE_LEVELS:
        return 0.0
    change = _TONE_LEVELS[after][0] - _TONE_LEVELS[before][1]
    return float(np.sign(change)) if abs(change) >= 1.5 else 0.0
