"""Equaliser filters: shelves, bells and highpasses in series (R. Bristow-Johnson, "Audio EQ cookbook")."""

import math

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import Sections, butterworth_high_pass, cascade_on
from model.studio.sound.zones import SAMPLE_RATE_HERTZ

# A state below this changes no float32 sample, and would decay to denormal numbers, which are slow.
_SILENT = 1e-50


def highpass(cutoff_hertz: float) -> Sections:
    """Return the coefficients of a second-order Butterworth highpass."""
    return butterworth_high_pass(cutoff_hertz, SAMPLE_RATE_HERTZ)


def high_shelf(corner_hertz: float, gain_db: float) -> Sections:
    """Return the coefficients of a shelf that changes frequencies above `corner_hertz` by `gain_db`."""
    return _shelf(corner_hertz, gain_db, 1.0)


def low_shelf(corner_hertz: float, gain_db: float) -> Sections:
    """Return the coefficients of a shelf that changes frequencies below `corner_hertz` by `gain_db`."""
    return _shelf(corner_hertz, gain_db, -1.0)


def bell(centre_hertz: float, gain_db: float, quality: float) -> Sections:
    """Return the coefficients of a bell filter, which changes frequencies around `centre_hertz` by `gain_db`; a higher
    `quality` makes the bell narrower.
    """
    a = 10.0 ** (gain_db / 40.0)
    cosine, alpha = _angles(centre_hertz, quality)
    return _section([1 + alpha * a, -2 * cosine, 1 - alpha * a], [1 + alpha / a, -2 * cosine, 1 - alpha / a])


def bandpass(centre_hertz: float, quality: float) -> Sections:
    """Return the coefficients of a bandpass with unity gain at `centre_hertz`; a higher `quality` makes the band
    narrower.
    """
    cosine, alpha = _angles(centre_hertz, quality)
    return _section([alpha, 0.0, -alpha], [1 + alpha, -2 * cosine, 1 - alpha])


class Equaliser:
    """Equaliser of several filters in series over the last axis of the input, which comes in blocks of any size."""

    def __init__(self, *stages: Sections, channels: int) -> None:
        """Set up the equaliser from the coefficients of its filters, `stages`, such as those that `low_shelf` returns.
        `channels` is 1 for sounds of shape [samples], 2 for [2, samples].
        """
        sections = np.concatenate(stages)
        self._sections = sections[(sections[:, :3] != sections[:, 3:]).any(axis=1)]  # other filters have no effect
        self._state = np.zeros((channels, len(self._sections), 2))

    @property
    def is_silent(self) -> bool:
        """True if silent input would give silent output, because the filters' state has decayed."""
        return not self._state.any()

    def run(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block of sound, filtered; the filters' state continues from the previous block."""
        if not len(self._sections):
            return sound
        channels = np.asarray(np.atleast_2d(sound), np.float64)
        filtered, state = cascade_on(self._sections, channels, self._state)
        state[np.abs(state) < _SILENT] = 0.0
        self._state = state
        return np.asarray(filtered, np.float32).reshape(sound.shape)


def _shelf(corner_hertz: float, gain_db: float, side: float) -> Sections:
    """Return the coefficients of a shelf of slope 1; `side` is 1 for a high shelf and -1 for a low shelf."""
    a = 10.0 ** (gain_db / 40.0)
    angle = 2.0 * math.pi * corner_hertz / SAMPLE_RATE_HERTZ
    cosine, slope = side * math.cos(angle), math.sin(angle) * math.sqrt(2.0 * a)
    zeros = [a * (a + 1 + (a - 1) * cosine + slope), -2 * side * a * (a - 1 + (a + 1) * cosine)]
    zeros.append(a * (a + 1 + (a - 1) * cosine - slope))
    poles = [a + 1 - (a - 1) * cosine + slope, 2 * side * (a - 1 - (a + 1) * cosine), a + 1 - (a - 1) * cosine - slope]
    return _section(zeros, poles)


def _angles(hertz: float, quality: float) -> tuple[float, float]:
    angle = 2.0 * math.pi * hertz / SAMPLE_RATE_HERTZ
    return math.cos(angle), math.sin(angle) / (2.0 * quality)


def _section(zeros: list[float], poles: list[float]) -> Sections:
    return np.array([zeros + poles]) / poles[0]
