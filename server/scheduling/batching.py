"""Chooses the sections that share a denoising step (a batch), as a pure function of their loads.

The batch begins with the first song in the order of rank (priority). Other songs join in this order, as far as the
token budget and the lengths of their sections allow. If the first song is urgent (its sound is due soon), songs with
slack (those that can wait) join only if the step then takes at most 10 % longer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LENGTH_RATIO = 2.0
_FREE_JOIN = 1.1
_STEPS_UNTIL_MORE_SECTIONS = 100


@dataclass(frozen=True, slots=True)
class StepLoad:
    """Load of one section in a denoising step: tokens in all its batch rows (`cost`), tokens of its longest row
    (`length`), and its batching group (name of the engine, and the engine's own name for the group). A section may have
    several rows, for guidance. Only sections of one group can share a step. `has_slack` is True if the section's song
    can wait without a stall of its playback.
    """

    cost: int
    length: int
    group: tuple[str, str]
    has_slack: bool


class BatchCapacity:
    """The number of sections of one step that fit into a device's memory, learnt from the steps done."""

    def __init__(self, max_sections: int) -> None:
        self.sections = max_sections
        self._max_sections = max_sections
        self._steps_that_fit = 0

    def learn(self, sections: int, fits: int | None) -> None:
        """Update the capacity after a step of `sections` sections. `fits` is the number that fitted into memory, `None`
        if all did.

        After many full steps without a lack of memory, the capacity grows by one section.
        """
        if fits is not None:
            self.sections, self._steps_that_fit = max(1, fits), 0
        elif sections >= self.sections:
            self._steps_that_fit += 1
        if self._steps_that_fit >= _STEPS_UNTIL_MORE_SECTIONS:
            self.sections, self._steps_that_fit = min(self.sections + 1, self._max_sections), 0


def batch(
    loads: Sequence[StepLoad],
    *,
    max_tokens: int,
    max_sections: int,
    step_seconds: Callable[[int], float] | None = None,
) -> list[int]:
    """Choose the sections that share a denoising step. `loads` are in the order of rank; returns the chosen indices,
    always including the first.

    Batch rows are padded to the longest one, so the budget `max_tokens` counts padded tokens. The longest row of a
    batch is at most twice as long as the shortest. `step_seconds` returns the expected seconds of a step with a number
    of tokens; it is `None` if unknown.
    """
    first = loads[0]
    taken, rows, lengths = [0], _rows(first), (first.length, first.length)
    urgent_tokens = first.cost
    for position, load in enumerate(loads[1:], start=1):
        if len(taken) >= max_sections:
            break
        shortest, longest = min(lengths[0], load.length), max(lengths[1], load.length)
        tokens = round((rows + _rows(load)) * longest)
        if load.group != first.group or longest > _LENGTH_RATIO * shortest:
            continue
        if tokens > max_tokens:
            continue
        if load.has_slack and not first.has_slack and not _joins_for_free(urgent_tokens, tokens, step_seconds):
            continue
        taken.append(position)
        rows, lengths = rows + _rows(load), (shortest, longest)
        urgent_tokens = urgent_tokens if load.has_slack else tokens
    return taken


def _rows(load: StepLoad) -> float:
    return load.cost / load.length


def _joins_for_free(before: int, after: int, step_seconds: Callable[[int], float] | None) -> bool:
    return step_seconds is not None and step_seconds(after) <= _FREE_JOIN * step_seconds(before)
