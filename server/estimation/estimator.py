"""What songs cost, learnt while serving, engine by engine. Pure: no clock, no input or output.

A song's device seconds are taken as proportional to its sound, those of its steps also to their number. All figures
are means with exponentially fading memory. A step's time is divided among the songs that share it, so a song is dear
while there is none to share with: the figure for what steps cost on busy devices falls quickly and rises slowly, and
beside it stands what they take alone.

What a forecast leaves out (slow listeners, songs that come later) is put right by a factor, the mean ratio of truth to
forecast.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from server.estimation.forecast import Estimate, Work

_WEIGHT = 0.1
_FALL_WEIGHT = 0.3
_RISE_WEIGHT = 0.02
_MAX_LOG_RATIO = math.log(4.0)
_LEAST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class Spent:
    """What one complete song took: device seconds, but for `lag_seconds` and `sound_seconds`.

    `first_seconds` were charged until its first sound was made, `step_seconds` for denoising, each step divided among
    the songs that shared it; `whole_step_seconds` are those steps undivided, `other_seconds` everything else. From the
    first sound to the first chunk it took `lag_seconds`; the song is `sound_seconds` long, with `steps` per section.
    """

    first_seconds: float
    step_seconds: float
    whole_step_seconds: float
    other_seconds: float
    lag_seconds: float
    sound_seconds: float
    steps: int


class _Figures(NamedTuple):
    """Paces are device seconds per second of sound, those of steps also per step."""

    shared_step_pace: float
    lone_step_pace: float
    other_pace: float
    first_sound_seconds: float
    lag_seconds: float
    sound_seconds: float
    steps: float

    def toward(self, new: "_Figures") -> "_Figures":
        means = _Figures(*(_toward(old, measured, _WEIGHT) for old, measured in zip(self, new, strict=True)))
        weight = _RISE_WEIGHT if new.shared_step_pace > self.shared_step_pace else _FALL_WEIGHT
        return means._replace(shared_step_pace=_toward(self.shared_step_pace, new.shared_step_pace, weight))


class _Ratios(NamedTuple):
    """Logarithms of truth divided by forecast."""

    first_audio: float = 0.0
    finish: float = 0.0


class Estimator:
    """What is known of the songs of every engine."""

    def __init__(self) -> None:
        self._figures: dict[str, _Figures] = {}
        self._ratios: dict[str, _Ratios] = {}

    def measured(self, engine: str, spent: Spent) -> None:
        """Learn from a complete song."""
        new = _figures_of(spent)
        old = self._figures.get(engine, new)
        self._figures[engine] = old.toward(new)

    def expected(self, engine: str, *, sound_seconds: float | None = None, steps: int | None = None) -> Work | None:
        """What a song should cost whose length and steps are known or, where `None`, like those of others.

        `None` until a song of the engine was measured.
        """
        figures = self._figures.get(engine)
        if figures is None:
            return None
        sound = sound_seconds or figures.sound_seconds
        count = figures.steps if steps is None else steps
        pace = count * figures.shared_step_pace + figures.other_pace
        lone_pace = count * figures.lone_step_pace + figures.other_pace
        first = min(figures.first_sound_seconds, sound)
        stretch = max(1.0, lone_pace / pace) if pace else 1.0
        steps_seconds = count * figures.shared_step_pace * sound
        return Work(pace * first, pace * (sound - first), stretch, sound_seconds=sound, step_seconds=steps_seconds)

    def corrected(self, engine: str, forecast: Estimate) -> Estimate:
        """The estimate to tell for a song, by what became of former forecasts for songs of the engine.

        Raises:
            KeyError: no song of the engine was measured.
        """
        lag, ratios = self._figures[engine].lag_seconds, self._ratios.get(engine, _Ratios())
        finish = (forecast.finish_seconds + lag) * math.exp(ratios.finish)
        if forecast.first_audio_seconds is None:
            return Estimate(None, finish)
        first = (forecast.first_audio_seconds + lag) * math.exp(ratios.first_audio)
        return Estimate(first, max(first, finish))

    def told(self, engine: str, forecast: Estimate, truth: Estimate) -> None:
        """Compare what was forecast for a song when it came, not yet corrected, with what became of it.

        Raises:
            KeyError: no song of the engine was measured.
        """
        lag, ratios = self._figures[engine].lag_seconds, self._ratios.get(engine, _Ratios())
        first = ratios.first_audio
        if forecast.first_audio_seconds is not None and truth.first_audio_seconds is not None:
            first = _toward(first, _log_ratio(truth.first_audio_seconds, forecast.first_audio_seconds + lag), _WEIGHT)
        finish = _toward(ratios.finish, _log_ratio(truth.finish_seconds, forecast.finish_seconds + lag), _WEIGHT)
        self._ratios[engine] = _Ratios(first, finish)


def _figures_of(spent: Spent) -> _Figures:
    step_sound = spent.steps * spent.sound_seconds
    cost_seconds = spent.step_seconds + spent.other_seconds
    return _Figures(
        shared_step_pace=spent.step_seconds / step_sound,
        lone_step_pace=spent.whole_step_seconds / step_sound,
        other_pace=spent.other_seconds / spent.sound_seconds,
        first_sound_seconds=spent.sound_seconds * min(1.0, spent.first_seconds / cost_seconds) if cost_seconds else 0.0,
        lag_seconds=spent.lag_seconds,
        sound_seconds=spent.sound_seconds,
        steps=spent.steps,
    )


def _toward(old: float, new: float, weight: float) -> float:
    return old + weight * (new - old)


def _log_ratio(truth: float, forecast: float) -> float:
    ratio = math.log(max(truth, _LEAST_SECONDS) / max(forecast, _LEAST_SECONDS))
    return min(max(ratio, -_MAX_LOG_RATIO), _MAX_LOG_RATIO)
