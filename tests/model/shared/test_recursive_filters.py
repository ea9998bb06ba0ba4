import numpy as np
from scipy import signal

from model.shared.recursive_filters import butterworth_high_pass, cascade_on, linear_filter, linear_filter_on
from tests.support.table import table

NOISE = np.random.default_rng(0).standard_normal((2, 4_001))


@table("rate_hertz", [8_000, 22_050, 44_100, 48_000, 96_000])
@table("cutoff_hertz", [18.0, 25.0, 60.0, 333.3, 3000.0])
def test_the_high_pass_is_that_of_scipy_to_the_last_bit(cutoff_hertz: float, rate_hertz: int) -> None:
    expected = signal.butter(2, cutoff_hertz, "highpass", fs=rate_hertz, output="sos")

    np.testing.assert_array_equal(butterworth_high_pass(cutoff_hertz, rate_hertz), expected)


def test_the_high_pass_takes_half_the_power_at_its_cutoff() -> None:
    _, response = signal.sosfreqz(butterworth_high_pass(25.0, 48_000), [1.0, 25.0, 200.0], fs=48_000)

    np.testing.assert_allclose(np.abs(response), [0.0016, np.sqrt(0.5), 1.0], atol=1e-3)


@table("dtype", [np.float32, np.float64])
@table("zeros", [[0.4], [0.4, -0.2], [0.1, 0.2, 0.1]])
def test_a_filter_from_silence_is_that_of_scipy(zeros: list[float], dtype: type[np.floating]) -> None:
    sound = NOISE.astype(dtype)

    np.testing.assert_array_equal(linear_filter(zeros, [1.0, -0.9], sound), signal.lfilter(zeros, [1.0, -0.9], sound))


def test_a_filter_goes_on_from_its_state_as_that_of_scipy() -> None:
    zeros, poles, state = np.array([0.1, 0.2, 0.1]), np.array([1.5, -0.9, 0.3]), np.ones((2, 2))
    sound = NOISE.astype(np.float32)
    filtered, left = linear_filter_on(zeros, poles, sound, state)
    expected, expected_left = signal.lfilter(zeros, poles, sound, zi=state)

    np.testing.assert_array_equal(filtered, expected)
    np.testing.assert_array_equal(left, expected_left)


def test_a_cascade_is_that_of_scipy_and_leaves_what_it_is_given_untouched() -> None:
    sections = np.concatenate([butterworth_high_pass(cutoff, 48_000) for cutoff in (25.0, 400.0, 90.0)])
    sound, state = NOISE.copy(), np.random.default_rng(1).standard_normal((2, 3, 2))
    before = state.copy()
    filtered, left = cascade_on(sections, sound, state)
    expected, expected_left = signal.sosfilt(sections, NOISE, zi=np.moveaxis(before, 0, 1))

    np.testing.assert_array_equal(filtered, expected)
    np.testing.assert_array_equal(np.moveaxis(left, 0, 1), expected_left)
    np.testing.assert_array_equal(sound, NOISE)
    np.testing.assert_array_equal(state, before)
