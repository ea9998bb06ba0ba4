"""Fourier transforms of real signals in float32 or float64, by the compiled code of `scipy.fft`."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

from model.shared.compiled_scipy import compiled

Array: TypeAlias = NDArray[Any]

_pocketfft = compiled("fft._pocketfft", "pypocketfft")
_UNSCALED, _BY_LENGTH, _THREADS = 0, 2, 1


def rfft(samples: Array) -> Array:
    """Return the Fourier transform of the last axis: n // 2 + 1 complex values of n real samples (float32 or
    float64).
    """
    spectrum: Array = _pocketfft.r2c(samples, (-1,), True, _UNSCALED, None, _THREADS)
    return spectrum


def irfft(spectrum: Array) -> Array:
    """Return the inverse Fourier transform of the last axis: 2 n - 2 real samples of n complex values."""
    count = 2 * (spectrum.shape[-1] - 1)
    samples: Array = _pocketfft.c2r(spectrum, (-1,), count, False, _BY_LENGTH, None, _THREADS)
    return samples
