import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from model.shared.fourier import irfft, rfft

NOISE = np.random.default_rng(0).standard_normal((2, 3, 480))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transforms_are_those_of_scipy_to_the_last_bit(dtype: type[np.floating]) -> None:
    sound = NOISE.astype(dtype)
    spectrum = rfft(sound)

    assert spectrum.dtype == fft.rfft(sound).dtype
    np.testing.assert_array_equal(spectrum, fft.rfft(sound))
    np.testing.assert_array_equal(irfft(spectrum), fft.irfft(spectrum))


def test_overlapping_views_are_transformed_as_copies_are() -> None:
    frames = sliding_window_view(NOISE[0, 0].astype(np.float32), 128)[::64]

    np.testing.assert_array_equal(rfft(frames), fft.rfft(frames.copy()))
