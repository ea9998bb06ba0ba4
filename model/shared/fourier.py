"""Fourier transforms of real signals in their own precision, by the compiled code of `scipy.fft`."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

from model.shared.compiled_scipy import compiled

Array: TypeAlias = NDArray[Any]

_pocketfft = compiled("fft._pocketfft", "pypocketfft")
_UNSCALED, _BY_LENGTH, _THREADS = 0, 2, 1


def rfft(samples: Array) -> Array:
    """Transform the last axis, n samples in float32 or float64, into n // 2 + 1 values."""
    spectrum: Array = _pocketfft.r2c(samples, (-1,), True, _UNSCALED, None, _THREADS)
    return spectrum


def irfft(spectrum: Array) -> Array:
    """Transform the last axis, n complex values, back into 2 n - 2 samples."""
    count = 2 * (spectrum.shape[-1] - 1)
    samples: Array = _pocketfft.c2r(spectrum, (-1,), count, False, _BY_LENGTH, None, _THREADS)
    return samples
