"""Forecasts whether a device can take one more listener without letting anybody run dry. Pure.

A listener plays the sound that is ready, and needs `pace` device seconds for every second of sound from then on. Work
is served in the order of its deadlines, which is optimal for one device: nobody runs dry where the work that is due up
to any moment fits into the device's time up to that moment (demand bound: Baruah, Mok and Rosier, 1990). Work is
taken as a fluid, steps and windows as infinitely small; a margin makes up for their size.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_START_SECONDS = 1.0
"""Time by which the first sound of a song may come later than if its device had nothing else to do."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The work on one song that listeners wait for.

    Sound runs out in `buffered_seconds` (negative where it has); `sound_seconds` of it are still to be made, at `pace`
    device seconds each. Where nobody hears the song yet, `first_seconds` of work come before its first sound, which is
    heard as soon as it is made, and `buffered_seconds` is the length of that sound. `None`: the song is heard.
    """

    buffered_seconds: float
    sound_seconds: float
    pace: float
    first_seconds: float | None = None

    def by(self, seconds: float) -> "Demand":
        """Returns the same work, due earlier where that is needed to be complete in `seconds`."""
        left_seconds = seconds - (self.first_seconds or 0.0)
        if self.buffered_seconds + self.sound_seconds <= left_seconds:
            return self
        if left_seconds <= 0.0:
            return replace(self, buffered_seconds=-self.sound_seconds)
        begins = self.buffered_seconds if 0.0 < self.buffered_seconds < left_seconds else 0.0
        due_seconds = left_seconds - begins
        pace = self.pace * self.sound_seconds / due_seconds
        return replace(self, buffered_seconds=begins, sound_seconds=due_seconds, pace=pace)


class _Change(NamedTuple):
    """A moment from which work comes due faster by `rate`, after `work` has come due at once."""

    at: float
    rate: float
    work: float


def stall_free(demands: Sequence[Demand], share: float = 1.0) -> bool:
    """True if a device that gives `share` of its time, in the range (0, 1], keeps every listener from running dry.

    Songs that nobody hears yet start one after the other, in the order given, and soon: a song that has a slot is
    served before those that have sound in hand, and so one that could only start late has to wait in the queue.
    """
    changes = sorted(change for demand in demands if demand.first_seconds is None for change in _changes(demand, 0.0))
    latest = 0.0
    for demand in demands:
        if demand.first_seconds is None:
            continue
        start = _earliest(changes, demand.first_seconds, share, latest)
        if start > latest + demand.first_seconds / share + _START_SECONDS:
            return False
        latest = start
        changes = sorted([*changes, _Change(start, 0.0, demand.first_seconds), *_changes(demand, start)])
    return all(due <= share * at + 1e-9 for at, due in _work_due(changes))


def _changes(demand: Demand, start: float) -> Iterable[_Change]:
    """The work that follows once the song is heard from `start` on."""
    begins = start + demand.buffered_seconds
    late = max(0.0, min(-begins, demand.sound_seconds))
    yield _Change(max(0.0, begins), demand.pace, demand.pace * late)
    yield _Change(max(0.0, begins + demand.sound_seconds), -demand.pace, 0.0)


def _work_due(changes: Sequence[_Change]) -> Iterable[tuple[float, float]]:
    """The moments at which the rate changes, and all work that is due up to each."""
    now = rate = due = 0.0
    for change in changes:
        due += rate * (change.at - now) + change.work
        now, rate = change.at, rate + change.rate
        yield now, due


def _earliest(changes: Sequence[_Change], work: float, share: float, since: float) -> float:
    """The earliest moment from `since` on at which `work` fits in beside what is due; infinite where there is none."""
    now = rate = due = 0.0
    for change in changes:
        at = _fits_at(now, share - rate, due + work - share * now)
        if max(at, since) < change.at:
            return max(at, since)
        due += rate * (change.at - now) + change.work
        now, rate = change.at, rate + change.rate
    return max(since, _fits_at(now, share - rate, due + work - share * now))


def _fits_at(now: float, gain: float, missing: float) -> float:
    """The moment from `now` on at which `missing` device seconds are there, where each second brings `gain`."""
    if missing <= 0:
        return now
    return now + missing / gain if gain > 0 else math.inf
