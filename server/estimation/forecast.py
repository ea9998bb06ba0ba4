"""Forecasts, from costs and order, when the songs of a worker pool will have first audio and when they will end. Pure:
no clock, no input or output.

The songs of a pool are modelled as a fluid. As many songs are being made as there are slots; the waiting songs follow
in order as slots become free. Songs without audio go first, in order, each on one device; the songs with audio share
the other devices evenly. With virtual time, the work done for each song with audio, every event is one operation on a
heap (Parekh and Gallager, 1993), so a forecast for n songs takes time n log n.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

_LEAST_LEFT = 0.05


@dataclass(frozen=True, slots=True)
class Work:
    """Remaining work of a song in device seconds: `first_seconds` until its first sound (`None` if there is sound
    already), then `rest_seconds` until its end.

    The time of a step is divided among the songs that share it; `stretch`, at least 1, is the factor by which the song
    takes longer without other songs. `step_seconds` is the part of the total for denoising steps. `sound_seconds` is
    the length of the song, 0 if unknown.
    """

    first_seconds: float | None
    rest_seconds: float
    stretch: float = 1.0
    sound_seconds: float = 0.0
    step_seconds: float = 0.0

    @property
    def total_seconds(self) -> float:
        """Total remaining work of the song, in device seconds."""
        return (self.first_seconds or 0.0) + self.rest_seconds

    def cut(self, share: float) -> "Work":
        """Return the work of the song if it ends earlier than planned: `share` is its length divided by the planned
        length. From 1 on the work stays as it is.
        """
        if share >= 1.0:
            return self
        rest = max(0.0, share * self.total_seconds - (self.first_seconds or 0.0))
        sound, steps = share * self.sound_seconds, share * self.step_seconds
        return replace(self, rest_seconds=rest, sound_seconds=sound, step_seconds=steps)

    def left(self, used_seconds: float, *, heard: bool) -> "Work":
        """Return the remaining work after `used_seconds` of device time were spent. `heard` is True if the song already
        has sound; the remaining work is then always above zero.
        """
        if heard:
            least = _LEAST_LEFT * self.total_seconds
            return replace(self, first_seconds=None, rest_seconds=max(self.total_seconds - used_seconds, least))
        return replace(self, first_seconds=max((self.first_seconds or 0.0) - used_seconds, 0.0))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated seconds from now to the first audio (`None` if there is audio already) and to the end of a song."""

    first_audio_seconds: float | None
    finish_seconds: float


def forecast(songs: Sequence[Work], *, devices: int, slots: int) -> list[Estimate]:
    """Return an estimate for each song. `songs` has first the songs that have a slot, then the waiting ones in the
    order in which they get slots.

    `slots` is the number of songs that all `devices` together make at once, at least the number of songs that have a
    slot.

    Raises:
        ValueError: there is no device, or no slot.
    """
    if devices < 1 or slots < 1:
        raise ValueError(
            f"a forecast needs at least one device and one slot, not {devices} devices and {slots} slots. This is a "
            "bug: please report it"
        )
    return _Fluid(songs, devices).run(slots)


class _Fluid:
    def __init__(self, songs: Sequence[Work], devices: int) -> None:
        self._songs = songs
        self._devices = devices
        self._now = self._virtual = 0.0
        self._waiting = deque(range(len(songs)))
        self._unheard: deque[int] = deque()
        self._beginning: list[tuple[float, int]] = []
        self._heard: list[tuple[float, int]] = []
        self._started = [0.0] * len(songs)
        self._first_audio = [0.0] * len(songs)
        self._finish = [0.0] * len(songs)

    def run(self, slots: int) -> list[Estimate]:
        for _ in range(slots):
            self._enter()
        while self._beginning or self._heard:
            self._advance()
        return [self._estimate(index, song) for index, song in enumerate(self._songs)]

    def _enter(self) -> None:
        """Move the next waiting song into a free slot, if a song waits."""
        if not self._waiting:
            return
        index = self._waiting.popleft()
        self._started[index] = self._now
        if self._songs[index].first_seconds is None:
            self._hear(index)
        else:
            self._unheard.append(index)
            self._begin()

    def _begin(self) -> None:
        """Start songs without audio on the free devices, in order."""
        while self._unheard and len(self._beginning) < self._devices:
            index = self._unheard.popleft()
            heappush(self._beginning, (self._now + (self._songs[index].first_seconds or 0.0), index))

    def _hear(self, index: int) -> None:
        heappush(self._heard, (self._virtual + self._songs[index].rest_seconds, index))

    def _advance(self) -> None:
        """Advance the simulated time to the next moment at which a song gets its first audio or is complete."""
        rate = min(1.0, (self._devices - len(self._beginning)) / len(self._heard)) if self._heard else 0.0
        heard_at = self._beginning[0][0] if self._beginning else math.inf
        complete_at = self._now + (self._heard[0][0] - self._virtual) / rate if rate else math.inf
        at = max(self._now, min(heard_at, complete_at))
        self._virtual += (at - self._now) * rate
        self._now = at
        if heard_at <= complete_at:
            _, index = heappop(self._beginning)
            self._first_audio[index] = at
            self._hear(index)
            self._begin()
        else:
            _, index = heappop(self._heard)
            self._finish[index] = at
            self._enter()

    def _estimate(self, index: int, song: Work) -> Estimate:
        started = self._started[index]
        finish = max(self._finish[index], started + song.total_seconds * song.stretch)
        if song.first_seconds is None:
            return Estimate(None, finish)
        return Estimate(max(self._first_audio[index], started + song.first_seconds * song.stretch), finish)
