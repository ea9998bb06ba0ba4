"""Forecasts if a device can serve one more listener without stalls. Pure functions.

A listener plays the sound that is ready, and then needs `pace` device seconds for every second of sound. Work is done
in the order of its deadlines, which is optimal for one device: no listener stalls if the work due up to any moment fits
into the device's time up to that moment (demand bound: Baruah, Mok and Rosier, 1990). Work is modelled as a fluid, with
infinitely small steps and windows; a margin compensates for their real size.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_START_SECONDS = 1.0
"""Most seconds by which other songs may delay the first audio of a song, compared with an otherwise idle device."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The remaining work on one song, and the times at which its listeners need the sound.

    The listener's buffer runs out in `buffered_seconds` (negative if it has run out). `sound_seconds` of sound remain
    to be made, at `pace` device seconds each. If the song has no audio yet, `first_seconds` of work precede its first
    sound, which is played at once, and `buffered_seconds` is the length of that sound. `first_seconds` is `None` if the
    song has audio.
    """

    buffered_seconds: float
    sound_seconds: float
    pace: float
    first_seconds: float | None = None

    def by(self, seconds: float) -> "Demand":
        """Return this demand with all sound due earlier, so that the song is complete within `seconds`; unchanged if
        the song is complete by then anyway.
        """
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
    """A point in time, `at` seconds from now, at which `work` device seconds become due at once, and after which due
    work grows by `rate` more per second.
    """

    at: float
    rate: float
    work: float


def stall_free(demands: Sequence[Demand], share: float = 1.0) -> bool:
    """Return True if no listener's playback stalls when one device spends `share` of its time, in the range (0, 1], on
    the songs of `demands`.

    Songs without audio must start soon and one after the other, in the given order. The scheduler serves them before
    songs with buffered sound, so a song that could start only late must wait in the queue.
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
    """Yield the changes in due work that the song of `demand` causes, if the song has audio from `start` on, in seconds
    from now.
    """
    begins = start + demand.buffered_seconds
    late = max(0.0, min(-begins, demand.sound_seconds))
    yield _Change(max(0.0, begins), demand.pace, demand.pace * late)
    yield _Change(max(0.0, begins + demand.sound_seconds), -demand.pace, 0.0)


def _work_due(changes: Sequence[_Change]) -> Iterable[tuple[float, float]]:
    """Yield the times at which the growth of due work changes, each with the total work due by then, in device
    seconds.
    """
    now = rate = due = 0.0
    for change in changes:
        due += rate * (change.at - now) + change.work
        now, rate = change.at, rate + change.rate
        yield now, due


def _earliest(changes: Sequence[_Change], work: float, share: float, since: float) -> float:
    """Return the earliest time, from `since` on, by which a device can do `work` device seconds in addition to the due
    work, if it spends `share` of its time; infinity if there is none.
    """
    now = rate = due = 0.0
    for change in changes:
        at = _fits_at(now, share - rate, due + work - share * now)
        if max(at, since) < change.at:
            return max(at, since)
        due += rate * (change.at - now) + change.work
        now, rate = change.at, rate + change.rate
    return max(since, _fits_at(now, share - rate, due + work - share * now))


def _fits_at(now: float, gain: float, missing: float) -> float:
    """Return the time, from `now` on, at which `missing` device seconds have become free, if `gain` of them become free
    per second.
    """
    if missing <= 0:
        return now
    return now + missing / gain if gain > 0 else math.inf
