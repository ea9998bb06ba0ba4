"""Recursive filters for streams of sound, which keep their state from one window of sound to the next."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import Sections, cascade_on

Samples: TypeAlias = NDArray[np.float64]

# Filter states below this are set to zero: they are inaudible, and would decay to denormal numbers, which are a
# hundred times slower.
_SILENT = 1e-30


class StreamFilter:
    """A cascade of biquad filters over `channels` channels. Filtering a signal window by window (in successive parts)
    gives the same result as filtering it whole.
    """

    def __init__(self, sections: Sections, channels: int) -> None:
        self._sections = sections
        self._state = np.zeros((channels, len(sections), 2))

    def feed(self, samples: Samples) -> Samples:
        """Filter the next window of sound, shape [channels, samples], and return a window of the same shape, without
        delay.
        """
        filtered, state = cascade_on(self._sections, samples, self._state)
        state[np.abs(state) < _SILENT] = 0.0
        self._state = state
        return filtered


def k_weighting(sample_rate_hertz: int) -> Sections:
    """Return the two K-weighting biquads of ITU-R BS.1770-4, annex 1, at any sample rate.

    The standard gives coefficients for 48 kHz only. The analogue prototypes, transformed by the bilinear transform, are
    those of De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement" (AES 2018).
    """
    return np.array([_shelf(sample_rate_hertz), _low_cut(sample_rate_hertz)])


def _shelf(sample_rate_hertz: int) -> list[float]:
    k = math.tan(math.pi * 1681.974450955533 / sample_rate_hertz)
    q = 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    numerator = [high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k]
    return [value / a0 for value in (*numerator, a0, 2 * (k * k - 1), 1 - k / q + k * k)]


def _low_cut(sample_rate_hertz: int) -> list[float]:
    k = math.tan(math.pi * 38.13547087602444 / sample_rate_hertz)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    return [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
