"""The rhythm of a sung line: exactly one onset per syllable, where the network and the metre want it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.notation.score import STEPS_PER_BEAT

Weights = NDArray[np.float64]

_METRE = np.array([0.7, -1.4, -0.1, -0.9, 0.25, -1.4, 0.2, -0.8, 0.45, -1.4, 0.0, -0.9, 0.25, -1.4, 0.15, -0.8])
"""Wish for an onset at each sixteenth of a bar."""

_GAPS = np.log(np.array([0.06, 0.3, 0.11, 0.22, 0.03, 0.09, 0.03, 0.05, 0.01, 0.01, 0.004, 0.004]))
_LONG_GAP = np.log(0.002)
_GAP_WEIGHT = 0.7
LOG_PROB_WEIGHT = 0.8
_LONGEST_CADENCE = 2 * STEPS_PER_BEAT
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class LineRhythm:
    """Onsets of a line in steps from the line's start, and the step after which the line is silent."""

    onsets: tuple[int, ...]
    end: int


def choose_rhythm(log_prob: Weights, syllables: int, echo: Weights | None = None, first_free: int = 0) -> LineRhythm:
    """Choose the best `syllables` onsets of a line by dynamic programming.

    Adds up the log odds of the network, the metre, usual distances between notes, and a closing note that is long and
    strong; a breath is left after it.

    Args:
        log_prob: log odds of an onset at each step of the line, [steps].
        syllables: at least 1, at most the steps from `first_free` on.
        echo: extra bias at each step, [steps]: the rhythm of a line that this one answers.
        first_free: no onset comes earlier.
    """
    steps = len(log_prob)
    if not 1 <= syllables <= steps - first_free:
        raise ValueError(f"{syllables} onsets do not fit steps {first_free} to {steps}")
    bias = LOG_PROB_WEIGHT * np.clip(log_prob, -4, 4) + np.resize(_METRE, steps)
    if echo is not None:
        bias = bias + echo
    bias[:first_free] = _IMPOSSIBLE
    onsets = _best_onsets(bias, syllables, _closing(steps, syllables, first_free))
    return LineRhythm(tuple(onsets), _cadence_end(onsets, steps))


def _closing(steps: int, syllables: int, first_free: int) -> Weights:
    """Wish for the last onset at each step: on a beat, with room for a long note and a breath if there can be."""
    places = np.arange(steps)
    bias = np.where(places % (2 * STEPS_PER_BEAT) == 0, 1.6, np.where(places % STEPS_PER_BEAT == 0, 0.8, 0.0))
    relaxed = (syllables - 1) * 2 + first_free
    latest = max(steps - STEPS_PER_BEAT - 2, min(relaxed, steps - 1))
    bias = bias - 0.35 * np.maximum(steps - _LONGEST_CADENCE - places, 0) / STEPS_PER_BEAT
    return np.where(places > latest, -20.0 - places, bias)


def _best_onsets(bias: Weights, count: int, closing: Weights) -> list[int]:
    """Onsets with the greatest sum of biases and gap weights, by dynamic programming over (onset, step)."""
    steps = len(bias)
    distance = np.subtract.outer(np.arange(steps), np.arange(steps))
    gap = _GAP_WEIGHT * np.where(distance <= len(_GAPS), _GAPS[np.clip(distance - 1, 0, len(_GAPS) - 1)], _LONG_GAP)
    gap = np.where(distance > 0, gap, _IMPOSSIBLE)
    early = -0.12 * np.maximum(np.arange(steps) - STEPS_PER_BEAT, 0)
    best = bias + early
    came_from: list[NDArray[np.int64]] = []
    for _ in range(count - 1):
        reach = best[None, :] + gap
        came_from.append(reach.argmax(1))
        best = reach.max(1) + bias
    onsets = [int((best + closing).argmax())]
    for pointers in reversed(came_from):
        onsets.append(int(pointers[onsets[-1]]))
    return onsets[::-1]


def _cadence_end(onsets: list[int], steps: int) -> int:
    """Step at which the last note ends: after two beats at most, with a breath before the next line where it fits."""
    last = onsets[-1]
    breath = steps - 2 if steps - 2 > last + 1 else steps
    return min(last + _LONGEST_CADENCE, breath)


def onset_log_odds(probability: Weights) -> Weights:
    """Log odds of probabilities in [0, 1]."""
    safe = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(safe) - np.log1p(-safe)


def echo_of(onsets: tuple[int, ...], steps: int, strength: float) -> Weights:
    """The bias, [steps], to repeat an earlier line's onsets."""
    bias = np.zeros(steps)
    bias[[onset for onset in onsets if onset < steps]] = strength
    return bias
