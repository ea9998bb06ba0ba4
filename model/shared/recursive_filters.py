"""Recursive filters with results identical to those of `scipy.signal`, by the same compiled code."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.shared.compiled_scipy import compiled

Floats: TypeAlias = NDArray[Any]
Sections: TypeAlias = NDArray[np.float64]
"""Second-order sections, shape [sections, 6], rows b0 b1 b2 a0 a1 a2 with a0 = 1."""


_linear_filter = compiled("signal", "_sigtools")._linear_filter
_sosfilt = compiled("signal", "_sosfilt")._sosfilt


def linear_filter(zeros: ArrayLike, poles: ArrayLike, samples: Floats) -> Floats:
    """Filter the last axis with a zero initial state, like `scipy.signal.lfilter`; `zeros` and `poles` are the
    coefficients of the numerator and the denominator of the transfer function, and `poles` has at least two elements.
    """
    filtered: Floats = _linear_filter(np.asarray(zeros), np.asarray(poles), samples, -1)
    return filtered


def linear_filter_on(zeros: Floats, poles: Floats, samples: Floats, state: Floats) -> tuple[Floats, Floats]:
    """Filter the last axis starting from the filter state `state`, like `scipy.signal.lfilter`; return the filtered
    samples and the new state. `zeros` and `poles` are the coefficients of the numerator and the denominator of the
    transfer function.
    """
    filtered, state = _linear_filter(zeros, poles, samples, -1, state)
    return filtered, state


def cascade_on(
    sections: Sections, samples: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Filter [channels, samples] by a cascade of the second-order `sections` [count, 6], like `scipy.signal.sosfilt`;
    return the filtered samples and the new state.

    The state has the shape [channels, sections, 2], that of `sosfilt` with the first two axes exchanged.
    """
    filtered, state = np.array(samples, order="C"), state.copy()
    _sosfilt(sections, filtered, state)
    return filtered, state


def butterworth_high_pass(cutoff_hertz: float, sample_rate_hertz: int) -> Sections:
    """Return the coefficients [1, 6] of a second-order Butterworth high-pass with its -3 dB point at `cutoff_hertz`.

    The coefficients equal those of `scipy.signal.butter` to the last bit, by the same steps: the poles of the analogue
    low-pass are converted to a high-pass, and the bilinear transform is applied at a sample rate of 2.
    """
    warped = 4.0 * math.tan(math.pi * (2.0 * cutoff_hertz / sample_rate_hertz) / 2.0)
    low_pass = -np.exp(1j * np.pi * np.array([-1, 1]) / 4.0)
    high_pass = warped / low_pass
    gain = (1.0 / np.prod(-low_pass)).real * (16.0 / np.prod(4.0 - high_pass)).real
    denominator = np.poly((4.0 + high_pass) / (4.0 - high_pass)).real
    return np.array([[gain, -2.0 * gain, gain, *denominator]])
