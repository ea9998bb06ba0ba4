"""Tablature: one bar of a pattern as a string of sixteen steps, of a waltz as one of twelve.

A `.` is silence, a `-` prolongs what sounds, every other character is an onset and says what is played: the reader of
the tab gives it a meaning (a voice, a scale degree, a stroke).
"""

from dataclasses import dataclass
from functools import cache

from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, WALTZ_BEATS_PER_BAR


@dataclass(frozen=True, slots=True)
class Hit:
    """One onset of a tab; `start` and `length` in steps from the start of the bar."""

    start: int
    length: int
    mark: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """One intended note: times in steps of the section, before swing and human timing are applied.

    `weight` is its loudness against the player's usual one (1.0).
    """

    start: float
    length: float
    pitch: int
    weight: float


@cache
def hits(tab: str) -> tuple[Hit, ...]:
    """Return the onsets of a tab in order.

    Raises:
        ValueError: the tab is neither sixteen nor twelve steps long, or prolongs a silence.
    """
    if len(tab) not in {STEPS_PER_BAR, WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT}:
        raise ValueError(
            f"a tab has {STEPS_PER_BAR} steps, or {WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT} in a waltz, "
            f"not {len(tab)}: {tab!r}"
        )
    if tab.startswith("-") or ".-" in tab:
        raise ValueError(f"the tab {tab!r} prolongs a note before any has begun: begin with a note or a rest")
    return tuple(Hit(i, _length(tab, i), mark) for i, mark in enumerate(tab) if mark not in "-.")


def _length(tab: str, start: int) -> int:
    rest = tab[start + 1 :]
    return 1 + len(rest) - len(rest.lstrip("-"))


def metric_weight(step: int, steps_per_bar: int = STEPS_PER_BAR) -> float:
    """Return the velocity factor of a step for its place in the bar, 0.8 to 1.08."""
    place = step % steps_per_bar
    if place % STEPS_PER_BEAT == 0:
        return 1.08 if place == 0 else 1.0 if 2 * place == steps_per_bar else 0.94
    return 0.87 if place % 2 == 0 else 0.8
