import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import Window
from server.audio.resampler import Resampler
from tests.support.sounds import cut, noise, tone

SONG = noise(100_001)


def resample(windows: list[Window], source_rate_hertz: int = 48_000, target_rate_hertz: int = 44_100) -> Window:
    resampler = Resampler(source_rate_hertz, target_rate_hertz)
    return np.hstack([*[resampler.feed(window) for window in windows], resampler.finish()])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=6))
def test_windows_resampled_in_turn_equal_the_whole(sizes: list[int]) -> None:
    np.testing.assert_array_equal(resample(cut(SONG, [*sizes, 3000])), resample([SONG]))


@pytest.mark.parametrize("samples", [0, 1, 479, 480, 48_000, 100_001])
def test_the_length_is_that_of_the_song_at_the_new_rate(samples: int) -> None:
    assert abs(resample([noise(samples)]).shape[1] - samples * 44_100 / 48_000) <= 1


def test_a_tone_keeps_its_pitch_phase_and_level() -> None:
    middle = slice(4410, -4410)

    np.testing.assert_allclose(resample([tone(1.0)])[:, middle], tone(1.0, 44_100)[:, middle], atol=1e-4)


def test_equal_rates_pass_through_untouched() -> None:
    np.testing.assert_array_equal(resample([SONG], 48_000, 48_000), SONG)


def test_little_is_held_back() -> None:
    assert Resampler(48_000, 44_100).feed(tone(0.5)).shape[1] > 0.47 * 44_100
