"""Habits of songs, counted in POP909: how lines begin, go on and end, four bars of chords, and colours of chords."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.studio.notation.score import STEPS_PER_BAR

SHIPPED_HABITS = Path(__file__).with_name("habits.json")
"""Made by `model.training.score.count_habits`."""

PATTERN_BARS = 4
HALVES = 2 * PATTERN_BARS
"""Half bars of a pattern of chords."""

_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Patterns:
    """Four bars of chords of one mode: `chords` [patterns, 8] classes of half bars.

    `verse` and `chorus` [patterns] count the songs that have them outside a chorus, and in one.
    """

    chords: NDArray[np.int64]
    verse: NDArray[np.float64]
    chorus: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Habits:
    """Counts as log probabilities.

    `gaps` [16, 16]: steps from a note to the next less 1, for the place of the note in the bar; `endings` [16]: place
    of a line's last note. `patterns` and `colours` are for major and minor; `colours` names for a chord class the share
    of its beats that has each colour.
    """

    gaps: NDArray[np.float64]
    endings: NDArray[np.float64]
    patterns: tuple[Patterns, Patterns]
    colours: tuple[Mapping[int, Mapping[str, float]], Mapping[int, Mapping[str, float]]]


@cache
def habits() -> Habits:
    """The shipped habits."""
    raw = json.loads(SHIPPED_HABITS.read_text(encoding="utf-8"))
    modes = ("major", "minor")
    major, minor = (_patterns(raw["progressions"][mode]) for mode in modes)
    bright, dark = ({int(name): shares for name, shares in raw["colours"][mode].items()} for mode in modes)
    gaps = np.array(raw["gaps"], dtype=np.float64).reshape(STEPS_PER_BAR, STEPS_PER_BAR)
    return Habits(_log_shares(gaps), _log_shares(np.array(raw["endings"], np.float64)), (major, minor), (bright, dark))


def _patterns(rows: list[tuple[list[int], int, int]]) -> Patterns:
    chords, verse, chorus = zip(*rows, strict=True)
    return Patterns(np.array(chords), np.array(verse, np.float64), np.array(chorus, np.float64))


def _log_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log shares along the last axis, none below a floor."""
    shares: NDArray[np.float64] = np.log(counts / counts.sum(-1, keepdims=True) + _FLOOR)
    return shares
