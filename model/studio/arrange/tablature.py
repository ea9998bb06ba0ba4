"""Parses tablature: a string that writes one bar of a pattern, with one character for each sixteenth note (sixteen
characters, or twelve in a waltz).

A `.` is silence, a `-` prolongs the note before it, and every other character is a note onset; its meaning (a note of
the chord, a scale degree, a strum) depends on the instrument.
"""

from dataclasses import dataclass
from functools import cache

from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, WALTZ_BEATS_PER_BAR


@dataclass(frozen=True, slots=True)
class Hit:
    """One note onset in a bar of tablature, with its character `mark`; `start` and `length` in steps (sixteenth notes)
    from the start of the bar.
    """

    start: int
    length: int
    mark: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """One written note of a track: times in steps (sixteenth notes) of the section, before swing and microtiming are
    applied.

    `weight` is the factor on the track's usual loudness.
    """

    start: float
    length: float
    pitch: int
    weight: float


@cache
def hits(tab: str) -> tuple[Hit, ...]:
    """Return the note onsets of one bar of tablature, in order.

    Raises:
        ValueError: the tablature is neither sixteen nor twelve steps long, or prolongs a silence.
    """
    if len(tab) not in {STEPS_PER_BAR, WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT}:
        raise ValueError(
            f"a tab needs {STEPS_PER_BAR} characters, or {WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT} in a waltz, "
            f"not {len(tab)}: {tab!r}"
        )
    if tab.startswith("-") or ".-" in tab:
        raise ValueError(f"the tab {tab!r} prolongs a note before any has begun: begin with a note or a rest")
    return tuple(Hit(i, _length(tab, i), mark) for i, mark in enumerate(tab) if mark not in "-.")


def _length(tab: str, start: int) -> int:
    rest = tab[start + 1 :]
    return 1 + len(rest) - len(rest.lstrip("-"))


def metric_weight(step: int, steps_per_bar: int = STEPS_PER_BAR) -> float:
    """Return the velocity factor, 0.8 to 1.08, of a step by its metric position in the bar: highest on the first
    beat.
    """
    place = step % steps_per_bar
    if place % STEPS_PER_BEAT == 0:
        return 1.08 if place == 0 else 1.0 if 2 * place == steps_per_bar else 0.94
    return 0.87 if place % 2 == 0 else 0.8
