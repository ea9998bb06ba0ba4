"""Reads statistics of songs, counted in POP909: note distances and endings of sung lines, four-bar chord progressions,
the chords on both sides of phrase boundaries, and colours of chords.

The statistics of waltzes are counted in the lead sheets of OpenEWLD.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.tokens import CHORD_CLASSES
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, WALTZ_BEATS_PER_BAR

SHIPPED_HABITS = Path(__file__).with_name("habits.json")
"""File with the statistics of songs, made by `model.training.score.count_habits`."""

PATTERN_BARS = 4
HALVES = 2 * PATTERN_BARS
"""Number of half bars in a chord pattern."""

_FLOOR = 1e-3
_PRIOR_JOINTS = 30.0
"""Strength of the smoothing: the number of phrase boundaries with average chords that are added to each count."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """The four-bar chord progressions (patterns) of songs in one mode, major or minor.

    `chords` [patterns, 8] are the chord classes of the half bars. `verse` and `chorus` [patterns] count the songs that
    have the pattern outside a chorus, and in a chorus. `present` [patterns, 37] is 1 for each chord of a pattern,
    otherwise 0; `changes` [patterns] is the number of chords in a pattern, one after another.
    """

    chords: NDArray[np.int64]
    verse: NDArray[np.float64]
    chorus: NDArray[np.float64]
    present: NDArray[np.float64]
    changes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Joints:
    """Log ratios of the observed to the expected frequency of chords on both sides of a joint, a boundary of four-bar
    phrases.

    The expected frequency of a chord is its frequency among all first or all last chords of phrases. `onward` [2, 37,
    37] is for the first chord of a phrase, given the last chord of the phrase before; `closing` [2, 37] is for the last
    chord of a phrase. Row 0 is for joints inside a section, row 1 for its end; 37 is the number of chord classes.
    """

    onward: NDArray[np.float64]
    closing: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rhythms:
    """Rhythm statistics of sung lines, as log probabilities for each of the `n` steps (sixteenth notes) of a bar.

    `gaps` [n, longest] is for the distance from a note on that step to the next note, in steps, less 1; `endings` [n]
    is for the last note of a line on that step.
    """

    gaps: NDArray[np.float64]
    endings: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Habits:
    """Rhythm and chord statistics of songs.

    `rhythms` has one entry for each number of beats in a bar. `patterns`, `joints` and `colours` are pairs for major
    and minor; `colours` gives, for each chord class, the share of its beats that has each colour.
    """

    rhythms: Mapping[int, Rhythms]
    patterns: tuple[Patterns, Patterns]
    joints: tuple[Joints, Joints]
    colours: tuple[Mapping[int, Mapping[str, float]], Mapping[int, Mapping[str, float]]]


@cache
def habits() -> Habits:
    """Return the statistics of songs that are shipped with the engine; the file is read once."""
    raw = json.loads(SHIPPED_HABITS.read_text(encoding="utf-8"))
    modes = ("major", "minor")
    major, minor = (_patterns(raw["progressions"][mode]) for mode in modes)
    bright, dark = ({int(name): shares for name, shares in raw["colours"][mode].items()} for mode in modes)
    bright_joints, dark_joints = (_joints(raw["joints"][mode]) for mode in modes)
    rhythms = {BEATS_PER_BAR: _rhythms(raw, BEATS_PER_BAR), WALTZ_BEATS_PER_BAR: _rhythms(raw["waltz"], 3)}
    return Habits(rhythms, (major, minor), (bright_joints, dark_joints), (bright, dark))


def _rhythms(raw: Mapping[str, object], beats_per_bar: int) -> Rhythms:
    gaps, endings = (np.array(raw[name], dtype=np.float64) for name in ("gaps", "endings"))
    return Rhythms(_log_shares(gaps.reshape(beats_per_bar * STEPS_PER_BEAT, -1)), _log_shares(endings))


def _patterns(rows: list[tuple[list[int], int, int]]) -> Patterns:
    halves, verse, chorus = zip(*rows, strict=True)
    chords = np.array(halves)
    present = np.zeros((len(chords), CHORD_CLASSES))
    present[np.arange(len(chords))[:, None], chords] = 1.0
    changes = (np.diff(chords, axis=1) != 0).sum(1) + 1
    return Patterns(chords, np.array(verse, np.float64), np.array(chorus, np.float64), present, changes)


def _joints(rows: list[tuple[int, int, int, int]]) -> Joints:
    before, after, inside, between = np.array(rows).T
    counts = np.zeros((2, CHORD_CLASSES, CHORD_CLASSES))
    counts[:, before, after] = inside, between
    last, first = (counts.sum((0, axis)) + 1.0 for axis in (2, 1))
    return Joints(_log_ratios(counts, first / first.sum()), _log_ratios(counts.sum(2), last / last.sum()))


def _log_ratios(counts: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log ratios of shares to the `usual` shares; the shares are the `counts` along the last axis,
    smoothed.
    """
    smoothed = counts + _PRIOR_JOINTS * usual
    ratios: NDArray[np.float64] = np.log(smoothed / smoothed.sum(-1, keepdims=True) / usual)
    return ratios


def _log_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of counts divided by their sum along the last axis; small shares are raised to a floor."""
    shares: NDArray[np.float64] = np.log(counts / np.maximum(counts.sum(-1, keepdims=True), 1) + _FLOOR)
    return shares
