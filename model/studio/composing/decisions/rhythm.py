"""Chooses the rhythm of a sung line: exactly one note onset for each syllable, drawn at random by the statistics of
songs and the stress of the words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.habits import Rhythms, habits
from model.studio.composing.profiles import USUAL, Profile
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, WALTZ_BEATS_PER_BAR
from model.studio.notation.stress import Stress

Weights = NDArray[np.float64]

_SHARPNESS = 1.15
"""Exponent of the probabilities from which rhythms are drawn; above 1, rare rhythms are rarer than in songs."""

_LOG_PROB_WEIGHT = 0.22
_STRENGTHS = {
    BEATS_PER_BAR: np.array([0.8, -0.4, 0.0, -0.4, 0.5, -0.4, 0.1, -0.4] * 2),
    WALTZ_BEATS_PER_BAR: np.array([0.9, -0.4, 0.0, -0.4, 0.2, -0.4, 0.0, -0.4, 0.3, -0.4, 0.1, -0.4]),
}
"""Metric strength of each sixteenth of a bar, by the number of beats in the bar."""

_STRESS_WEIGHT = {Stress.WEAK: -1.4, Stress.PLAIN: 0.0, Stress.STRONG: 0.3, Stress.PHRASE: 0.4}
_BEAT = -0.25
"""Bias of notes on beats; it is negative because the last notes of lines, which have statistics of their own, are
mostly on beats.
"""

_LONG_WEAK = -0.5
_PHRASE_GAP = 0.35
_LATE_ENTRY = -4.0
_LONG_GAP = -7.0
_CLEAR_SECONDS, _HURRIED = 0.28, -7.0
"""Shortest syllable whose words are understood as well as those of long ones, and the log weight of one without any
length; between them the weight is linear.
"""

_EMPTY_STEP = -0.12
_CLOSE_SECONDS, _CLOSE_STEPS = 0.3, (1.2, 2.0)
"""Mean duration of a syllable before the last one in a line with little room, in seconds, and its limits in steps."""

_DOTTED_STEPS = 3
_CLOSING_STEPS = (4, 6, 8)
"""Possible lengths of the last note of a line, in steps; the longest that has room is taken."""

_USUAL_CLOSE = 7
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class LineRequest:
    """The constraints and biases for choosing the rhythm of one sung line. Steps are sixteenth notes.

    Attributes:
        log_prob: the network's log odds of an onset at each step of the line, [steps].
        syllables: onsets to place, at least 1.
        start: step of the section on which the line starts.
        step_seconds: length of a step in seconds.
        profile: rhythmic preferences of the genre.
        stresses: stress of each syllable; empty if unknown.
        echo: bias at each step, [steps], towards the rhythm of an earlier line; `None` for no bias.
        first_free: first step of the line that may have an onset.
        breath: steps of silence at the end of the line, if there is room.
        beats_per_bar: 4, or 3 in a waltz.
    """

    log_prob: Weights
    syllables: int
    start: int = 0
    step_seconds: float = 0.16
    profile: Profile = USUAL
    stresses: tuple[Stress, ...] = ()
    echo: Weights | None = None
    first_free: int = 0
    breath: int = 2
    beats_per_bar: int = BEATS_PER_BAR

    @property
    def places(self) -> NDArray[np.int64]:
        """Position in the bar of each step of the line, in steps from the bar line."""
        return (self.start + np.arange(len(self.log_prob))) % (self.beats_per_bar * STEPS_PER_BEAT)

    @property
    def habits(self) -> Rhythms:
        """Rhythm statistics of songs in the metre of this line."""
        return habits().rhythms[self.beats_per_bar]


@dataclass(frozen=True, slots=True)
class LineRhythm:
    """The note onsets of a sung line, in steps from the start of the line, and the step at which its last note ends."""

    onsets: tuple[int, ...]
    end: int


def draw_rhythm(asked: LineRequest, draws: Sequence[float] | Weights) -> LineRhythm:
    """Draw the onsets of a line from their joint distribution, by forward filtering and backward sampling.

    The log weights add up the statistics of songs (distances between notes by their place in the bar), the genre, the
    network's onset probabilities, and the stress of the words; the first note comes early, the last note leaves room
    for a long note and a breath.

    Args:
        asked: the constraints on the line.
        draws: random numbers, uniform in [0, 1), at least one for each syllable.

    Raises:
        ValueError: the line has fewer free steps than syllables.
    """
    steps = len(asked.log_prob)
    if not 1 <= asked.syllables <= steps - asked.first_free:
        raise ValueError(
            f"{asked.syllables} syllables do not fit into the {steps - asked.first_free} free steps of the line: ask "
            "for at least one syllable, and for no more than free steps"
        )
    gaps = _gaps(asked)
    biases = [_SHARPNESS * _bias(asked, number) for number in range(asked.syllables)]
    filtered = [biases[0] + _SHARPNESS * _LATE_ENTRY * np.maximum(np.arange(steps) - asked.first_free, 0)]
    for number in range(1, asked.syllables):
        reach = filtered[-1][None, :] + gaps + _weak_gaps(asked, number, steps)
        filtered.append(_log_sum(reach) + biases[number])
    onsets = [_draw(filtered[-1] + _SHARPNESS * _closing(asked), draws[asked.syllables - 1])]
    for number in range(asked.syllables - 1, 0, -1):
        odds = filtered[number - 1] + gaps[onsets[-1]] + _weak_gaps(asked, number, steps)[onsets[-1]]
        onsets.append(_draw(odds, draws[number - 1]))
    onsets.reverse()
    return LineRhythm(tuple(onsets), _end(onsets, steps, asked.breath))


def _bias(asked: LineRequest, number: int) -> Weights:
    """Return the log weight [steps] of each step of the line as the onset of syllable `number`."""
    places = asked.places
    bias = _LOG_PROB_WEIGHT * np.clip(asked.log_prob, -4, 4)
    profile = asked.profile
    bias += np.where(places % 2 == 1, profile.sixteenth, 0.0)
    bias += np.where(places % STEPS_PER_BEAT == 0, _BEAT + profile.beat, np.where(places % 2 == 0, profile.push, 0.0))
    if asked.stresses:
        bias += _STRESS_WEIGHT[asked.stresses[number]] * _STRENGTHS[asked.beats_per_bar][places]
    if asked.echo is not None:
        bias = bias + asked.echo
    bias[: asked.first_free] = _IMPOSSIBLE
    return bias


def _gaps(asked: LineRequest) -> Weights:
    """Return the log weight [steps, steps] of each pair of successive onsets: the row is the step of the later note,
    the column the step of the earlier note.
    """
    steps = len(asked.log_prob)
    distance = np.subtract.outer(np.arange(steps), np.arange(steps))
    table = asked.habits.gaps
    longest = table.shape[1]
    usual = table[asked.places[None, :], np.clip(distance - 1, 0, longest - 1)]
    usual = usual + np.where(distance == 1, _HURRIED * max(1.0 - asked.step_seconds / _CLEAR_SECONDS, 0.0), 0.0)
    usual = usual + np.where(distance == _DOTTED_STEPS, asked.profile.dotted, 0.0)
    usual = np.where(distance < longest, usual, _LONG_GAP + _EMPTY_STEP * distance)
    return np.where(distance > 0, _SHARPNESS * usual, _IMPOSSIBLE)


def _weak_gaps(asked: LineRequest, number: int, steps: int) -> Weights:
    """Return the log weight [steps, steps] of the distance between the onsets of syllable `number` (row) and of the
    syllable before (column), by the stress of the words.

    A weak syllable should not be long, and a new phrase should begin after a gap.
    """
    if not asked.stresses:
        return np.zeros((1, steps)) + np.zeros((steps, 1))
    distance = np.subtract.outer(np.arange(steps), np.arange(steps))
    weak = _LONG_WEAK * np.maximum(distance - 2, 0) if asked.stresses[number - 1] is Stress.WEAK else 0.0
    apart = _PHRASE_GAP * np.clip(distance - 2, 0, 6) if asked.stresses[number] is Stress.PHRASE else 0.0
    first = -0.3 * np.maximum(distance - 4, 0) if number == 1 else 0.0
    out: Weights = np.zeros((steps, steps)) + weak + apart + first
    return _SHARPNESS * out


def _closing(asked: LineRequest) -> Weights:
    """Return the log weight [steps] of each step as the last onset of the line: high where lines of songs end, and
    where a long last note and a breath have room.
    """
    steps = len(asked.log_prob)
    places = np.arange(steps)
    pace = min(max(_CLOSE_SECONDS / asked.step_seconds, _CLOSE_STEPS[0]), _CLOSE_STEPS[1])
    relaxed = math.ceil((asked.syllables - 1) * pace) + asked.first_free
    usual = steps - asked.breath - _USUAL_CLOSE
    latest = max(steps - asked.breath - STEPS_PER_BEAT, min(relaxed, steps - 1))
    bias = asked.habits.endings[asked.places] - 0.12 * np.abs(places - max(usual, min(relaxed, steps)))
    out: Weights = np.where(places > latest, -20.0 - places, bias)
    return out


def _end(onsets: Sequence[int], steps: int, breath: int) -> int:
    """Return the step at which the last note of the line ends: at most two beats after the note's onset, and `breath`
    steps before the end of the line if there is room.
    """
    last = onsets[-1]
    room = steps - breath - last
    if room < _CLOSING_STEPS[0]:
        return last + room if room > 1 else min(steps, last + max(1, min(2, steps - 1 - last)))
    return last + next(length for length in reversed(_CLOSING_STEPS) if length <= room)


def onset_log_odds(probability: Weights) -> Weights:
    """Return the log odds log(p / (1 - p)) of onset probabilities in [0, 1], limited to finite values."""
    safe = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(safe) - np.log1p(-safe)


def echo_of(onsets: tuple[int, ...], steps: int, strength: float) -> Weights:
    """Return the bias [steps] towards the rhythm of an earlier line: `strength` at each of its `onsets`, 0 at other
    steps.
    """
    bias = np.zeros(steps)
    bias[[onset for onset in onsets if onset < steps]] = strength
    return bias


def _log_sum(rows: Weights) -> Weights:
    """Return the log of the sum of exponentials of each row."""
    top = rows.max(1)
    out: Weights = top + np.log(np.exp(rows - top[:, None]).sum(1))
    return out


def _draw(log_weights: Weights, uniform: float) -> int:
    total = np.cumsum(np.exp(log_weights - log_weights.max()))
    return int(np.searchsorted(total, uniform * total[-1], side="right"))
