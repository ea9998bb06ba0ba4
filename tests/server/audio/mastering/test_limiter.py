import numpy as np
import pytest
from scipy import ndimage, signal

from model.song import Window
from server.audio.mastering.limiter import TruePeakLimiter, interpolator, sliding_maximum
from server.audio.mastering.loudness import amplitude_of
from tests.support.sounds import noise, pop, tone, true_peak_db
from tests.support.table import table

RATE = 48_000
BLOCK = RATE // 10
CEILING_DB = -1.0


def limit(sound: Window) -> Window:
    """Return the sound after the limiter, without the limiter's delay; the sound must be a whole number of blocks."""
    limiter = TruePeakLimiter(amplitude_of(CEILING_DB), RATE, BLOCK)
    padded = np.hstack([sound, np.zeros((2, BLOCK), np.float32)])
    limited = np.hstack([limiter.feed(block) for block in np.split(padded, padded.shape[1] // BLOCK, axis=1)])
    return limited[:, limiter.delay_samples :][:, : sound.shape[1]]


def test_sound_below_the_ceiling_passes_untouched() -> None:
    sound = tone(1.0, amplitude=0.8)

    np.testing.assert_array_equal(limit(sound), sound)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(4 * pop(2.0), id="loud pop"),
        pytest.param(noise(2 * RATE, amplitude=3.0), id="noise"),
        pytest.param(tone(1.0, frequency_hertz=RATE / 4 + 1, amplitude=1.0), id="peaks between samples"),
        pytest.param(tone(1.0, frequency_hertz=50.0, amplitude=1e6), id="absurd"),
    ],
)
def test_true_peak_stays_under_the_ceiling(sound: Window) -> None:
    assert true_peak_db(limit(sound)) <= CEILING_DB + 0.1


def test_a_peak_between_samples_is_caught_where_the_samples_are_half_as_high() -> None:
    sound = np.zeros((2, 3 * BLOCK), np.float32)
    sound[:, BLOCK : BLOCK + 10] = 0.5 * (-1.0) ** np.arange(10)
    sound[:, BLOCK + 10 : BLOCK + 20] = 0.5 * (-1.0) ** np.arange(1, 11)
    assert true_peak_db(sound) > 0.0
    limited = limit(sound)
    assert true_peak_db(limited) <= CEILING_DB + 0.1
    np.testing.assert_array_equal(limited[:, : BLOCK // 2], sound[:, : BLOCK // 2])


def test_a_click_is_caught_wherever_it_falls() -> None:
    for position in (0, 1, 9, 10, BLOCK - 1, BLOCK, 2 * BLOCK - 1):
        sound = 0.1 * tone(0.3)
        sound[:, position] = 4.0
        assert np.abs(limit(sound)).max() <= amplitude_of(CEILING_DB) + 1e-6


def test_gain_falls_ahead_of_a_peak_and_comes_back_after_it() -> None:
    sound = np.full((2, 10 * BLOCK), 0.5, np.float32)
    sound[:, 2 * BLOCK] = 2.0
    gain = limit(sound)[0] / sound[0]

    assert gain[2 * BLOCK - 200] == pytest.approx(1.0)
    assert gain[2 * BLOCK + 100] < 0.6
    assert gain[-1] == pytest.approx(1.0, abs=0.01)


def test_both_channels_get_the_same_gain() -> None:
    sound = noise(10 * BLOCK, amplitude=0.1)
    sound[0] *= 20
    limited = limit(sound)

    np.testing.assert_allclose(limited[0] * sound[1], limited[1] * sound[0], atol=1e-5)


def test_points_between_samples_come_from_a_windowed_sinc() -> None:
    sinc = 4 * signal.firwin(81, 1 / 4, window=("kaiser", 5.0))

    np.testing.assert_array_equal(
        interpolator()[:, ::-1], [sinc[phase : phase + 80 : 4].astype("f4") for phase in (1, 2, 3)]
    )


@table("width", [1, 2, 7, 14, 30])
def test_the_sliding_maximum_is_the_highest_of_every_width_values(width: int) -> None:
    values = np.random.default_rng(width).standard_normal(30)
    expected = ndimage.maximum_filter1d(values, width, origin=-(width // 2))[: len(values) - width + 1]

    np.testing.assert_array_equal(sliding_maximum(values, width), expected)
