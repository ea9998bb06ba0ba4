"""Frequency bands of the spectral envelopes in the voice bank, evenly spaced in mel."""

import numpy as np
from numpy.typing import NDArray

BANDS = 64
TOP_HERTZ = 16_000.0
"""Highest frequency in the recordings, in hertz."""

FRAME_SECONDS = 0.005
NOISE_HERTZ = (0.0, 1500.0, 3000.0, 6000.0, 9000.0, 12000.0)
"""Frequencies at which the share of noise in a voiced sound is stored; it is linear in between and constant above."""


def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert hertz to mel (O'Shaughnessy, 1987)."""
    out: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return out


def band_hertz() -> NDArray[np.float64]:
    """Return the centre of each band in hertz, [BANDS], from 0 to `TOP_HERTZ`."""
    top = float(mel(np.array(TOP_HERTZ)))
    out: NDArray[np.float64] = 700.0 * np.expm1(np.linspace(0.0, top, BANDS) / 1127.0)
    return out


def spread(points_hertz: NDArray[np.float64], hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the matrix [points, bins] that linearly interpolates values at the rising frequencies `points_hertz` to
    the frequencies `hertz`.
    """
    rows = np.eye(len(points_hertz))
    return np.stack([np.interp(hertz, points_hertz, row) for row in rows]).astype(np.float32)


def gather(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix [bins, BANDS] that averages a spectrum at the frequencies `hertz` into bands with triangular
    weights.
    """
    weights = spread(band_hertz(), hertz).astype(np.float64).T
    weights[hertz > TOP_HERTZ] = 0.0
    centres = np.abs(np.subtract.outer(band_hertz(), hertz)).argmin(1)
    empty = weights.sum(0) < 0.5  # a band narrower than a bin takes its nearest bin
    weights[:, empty] = 0.0
    weights[centres[empty], np.flatnonzero(empty)] = 1.0
    out: NDArray[np.float64] = weights / weights.sum(0)
    return out
