"""Recursive filters by the compiled code of SciPy, without the rest of `scipy.signal`.

Importing that package takes 0.6 s of processor time, most of it for statistics, splines and optimisers, and every
worker and encoder would spend it at its start. The two modules needed are loaded alone, and called as `scipy.signal`
does.
"""

import math
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[Any]
Sections: TypeAlias = NDArray[np.float64]
"""Second-order sections, shape [sections, 6], rows b0 b1 b2 a0 a1 a2 with a0 = 1."""


def compiled(name: str) -> ModuleType:
    """Load a compiled module of `scipy.signal` alone; the package finds it there when somebody imports it later.

    Raises:
        ImportError: this version of SciPy has no such module.
    """
    full_name = f"scipy.signal.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    spec = PathFinder.find_spec(full_name, [f"{folder}/signal" for folder in scipy.__path__])
    if spec is None or spec.loader is None:
        raise ImportError(f"SciPy {scipy.__version__} has no {full_name}; install the locked version", name=full_name)
    module = sys.modules[full_name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_linear_filter = compiled("_sigtools")._linear_filter
_sosfilt = compiled("_sosfilt")._sosfilt


def linear_filter(zeros: ArrayLike, poles: ArrayLike, samples: Floats) -> Floats:
    """Filter the last axis from silence, as `scipy.signal.lfilter`; there are at least two `poles`."""
    filtered: Floats = _linear_filter(np.asarray(zeros), np.asarray(poles), samples, -1)
    return filtered


def linear_filter_on(zeros: Floats, poles: Floats, samples: Floats, state: Floats) -> tuple[Floats, Floats]:
    """Filter the last axis from a state on, as `scipy.signal.lfilter`; returns the new state, too."""
    filtered, state = _linear_filter(zeros, poles, samples, -1, state)
    return filtered, state


def cascade_on(
    sections: Sections, samples: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Filter [channels, samples] by sections one after another, as `scipy.signal.sosfilt`; returns the new state, too.

    The state has the shape [channels, sections, 2], that of `sosfilt` with the first two axes the other way round.
    """
    filtered, state = np.array(samples, order="C"), state.copy()
    _sosfilt(sections, filtered, state)
    return filtered, state


def butterworth_high_pass(cutoff_hertz: float, sample_rate_hertz: int) -> Sections:
    """Second-order Butterworth high-pass with its -3 dB point at `cutoff_hertz`, shape [1, 6].

    The steps are those of `scipy.signal.butter`, so that the coefficients are the same to the last bit: the poles of
    the analogue low-pass, turned into a high-pass, put through the bilinear transform at a rate of 2.
    """
    warped = 4.0 * math.tan(math.pi * (2.0 * cutoff_hertz / sample_rate_hertz) / 2.0)
    low_pass = -np.exp(1j * np.pi * np.array([-1, 1]) / 4.0)
    high_pass = warped / low_pass
    gain = (1.0 / np.prod(-low_pass)).real * (16.0 / np.prod(4.0 - high_pass)).real
    denominator = np.poly((4.0 + high_pass) / (4.0 - high_pass)).real
    return np.array([[gain, -2.0 * gain, gain, *denominator]])
