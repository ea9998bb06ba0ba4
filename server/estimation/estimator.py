"""Learns the mean costs of each engine's songs from complete songs, to estimate the times of new songs. Pure: no clock,
no input or output.

The device time of a song is proportional to its length; the part for denoising also to the number of steps. All stored
costs are exponentially weighted means. The time of a step is divided among the songs that share it, so a song is
cheaper on busy devices. The mean cost of shared steps falls quickly and rises slowly; the undivided cost is stored
separately.

A correction factor, the mean ratio of actual to forecast time, accounts for influences that the forecast ignores (slow
listeners, songs that arrive later).
"""

import math
from dataclasses import dataclass, replace

from server.costs import Costs
from server.estimation.forecast import Estimate, Work

_WEIGHT = 0.1
_FALL_WEIGHT = 0.3
_RISE_WEIGHT = 0.02
_MAX_LOG_RATIO = math.log(4.0)
_LEAST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class Spent:
    """Measured costs of one complete song, in device seconds except `lag_seconds` and `sound_seconds`.

    `first_seconds` is the work until the first sound; `step_seconds` the denoising, with each step's time divided among
    the songs that shared it; `whole_step_seconds` the denoising with undivided steps; `other_seconds` all other work.
    `lag_seconds` is the delay from the first sound to the first chunk, `sound_seconds` the length of the song. `steps`
    is the number of steps per section; 1 if the engine does not denoise, because a request then has no number of steps.
    """

    first_seconds: float
    step_seconds: float
    whole_step_seconds: float
    other_seconds: float
    lag_seconds: float
    sound_seconds: float
    steps: int


class Estimator:
    """Keeps the mean costs of each engine's songs: device time and delays of all songs measured so far."""

    def __init__(self) -> None:
        self._costs: dict[str, Costs] = {}

    def costs(self, engine: str) -> Costs | None:
        """Return the mean costs of an engine's songs; `None` if no song of the engine was measured yet."""
        return self._costs.get(engine)

    def measured(self, engine: str, spent: Spent) -> None:
        """Update the mean costs of an engine with the measured costs of one complete song."""
        new, old = _costs_of(spent), self._costs.get(engine)
        self._costs[engine] = _mean(old, new) if old else new

    def expected(self, engine: str, *, sound_seconds: float | None = None, steps: int | None = None) -> Work | None:
        """Return the expected device time of a song, computed by `expected_work`; `None` if no song of the engine was
        measured yet. `sound_seconds` is the length, `steps` the number of steps; `None` if unknown.
        """
        costs = self._costs.get(engine)
        return expected_work(costs, sound_seconds=sound_seconds, steps=steps) if costs else None

    def corrected(self, engine: str, forecast: Estimate) -> Estimate:
        """Return the estimate for callers: a forecast, plus the engine's mean delay from the first sound to the first
        chunk, multiplied by the engine's correction factors.

        Raises:
            KeyError: no song of the engine was measured.
        """
        return corrected(self._costs[engine], forecast)

    def learn_from_end(self, engine: str, forecast: Estimate, truth: Estimate) -> None:
        """Update the correction factors of an engine from one ended song: its uncorrected forecast and its actual times
        (`truth`).

        Raises:
            KeyError: no song of the engine was measured.
        """
        costs = self._costs[engine]
        lag, first = costs.lag_seconds, costs.first_audio_log_ratio
        if forecast.first_audio_seconds is not None and truth.first_audio_seconds is not None:
            first = _toward(first, _log_ratio(truth.first_audio_seconds, forecast.first_audio_seconds + lag), _WEIGHT)
        ratio = _log_ratio(truth.finish_seconds, forecast.finish_seconds + lag)
        finish = _toward(costs.finish_log_ratio, ratio, _WEIGHT)
        self._costs[engine] = replace(costs, first_audio_log_ratio=first, finish_log_ratio=finish)


def expected_work(costs: Costs, *, sound_seconds: float | None = None, steps: int | None = None) -> Work:
    """Return the expected device time of a song of given length and number of steps; for `None` the mean of earlier
    songs is used.
    """
    sound = sound_seconds or costs.sound_seconds
    count = costs.steps if steps is None else steps
    pace = count * costs.shared_step_pace + costs.other_pace
    lone_pace = count * costs.lone_step_pace + costs.other_pace
    first = min(costs.first_sound_seconds, sound)
    stretch = max(1.0, lone_pace / pace) if pace else 1.0
    steps_seconds = count * costs.shared_step_pace * sound
    return Work(pace * first, pace * (sound - first), stretch, sound_seconds=sound, step_seconds=steps_seconds)


def corrected(costs: Costs, forecast: Estimate) -> Estimate:
    """Return a forecast corrected by the engine's costs: the lag (delay from the first sound to the first chunk) is
    added, and the sum is multiplied by the mean ratio of actual to forecast time.
    """
    finish = (forecast.finish_seconds + costs.lag_seconds) * math.exp(costs.finish_log_ratio)
    if forecast.first_audio_seconds is None:
        return Estimate(None, finish)
    first = (forecast.first_audio_seconds + costs.lag_seconds) * math.exp(costs.first_audio_log_ratio)
    return Estimate(first, max(first, finish))


def _costs_of(spent: Spent) -> Costs:
    step_sound = spent.steps * spent.sound_seconds
    cost_seconds = spent.step_seconds + spent.other_seconds
    return Costs(
        shared_step_pace=spent.step_seconds / step_sound,
        lone_step_pace=spent.whole_step_seconds / step_sound,
        other_pace=spent.other_seconds / spent.sound_seconds,
        first_sound_seconds=spent.sound_seconds * min(1.0, spent.first_seconds / cost_seconds) if cost_seconds else 0.0,
        lag_seconds=spent.lag_seconds,
        sound_seconds=spent.sound_seconds,
        steps=spent.steps,
    )


def _mean(old: Costs, new: Costs) -> Costs:
    """Return the mean costs `old` of an engine, updated with the costs `new` of a song; the log ratios stay as they
    are.
    """
    weight = _RISE_WEIGHT if new.shared_step_pace > old.shared_step_pace else _FALL_WEIGHT
    return replace(
        old,
        shared_step_pace=_toward(old.shared_step_pace, new.shared_step_pace, weight),
        lone_step_pace=_toward(old.lone_step_pace, new.lone_step_pace, _WEIGHT),
        other_pace=_toward(old.other_pace, new.other_pace, _WEIGHT),
        first_sound_seconds=_toward(old.first_sound_seconds, new.first_sound_seconds, _WEIGHT),
        lag_seconds=_toward(old.lag_seconds, new.lag_seconds, _WEIGHT),
        sound_seconds=_toward(old.sound_seconds, new.sound_seconds, _WEIGHT),
        steps=_toward(old.steps, new.steps, _WEIGHT),
    )


def _toward(old: float, new: float, weight: float) -> float:
    return old + weight * (new - old)


def _log_ratio(truth: float, forecast: float) -> float:
    ratio = math.log(max(truth, _LEAST_SECONDS) / max(forecast, _LEAST_SECONDS))
    return min(max(ratio, -_MAX_LOG_RATIO), _MAX_LOG_RATIO)
