import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import Window
from server.audio.resampler import Resampler, resampled_count
from tests.support.sounds import cut, noise, tone
from tests.support.table import table

SONG = noise(100_001)
RATES = [(48_000, 44_100), (44_100, 48_000), (44_100, 44_100), (48_000, 48_000)]


def resample(windows: list[Window], source_rate_hertz: int = 48_000, target_rate_hertz: int = 44_100) -> Window:
    resampler = Resampler(source_rate_hertz, target_rate_hertz)
    return np.hstack([*[resampler.feed(window) for window in windows], resampler.finish()])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=6))
def test_windows_resampled_in_turn_equal_the_whole(sizes: list[int]) -> None:
    np.testing.assert_array_equal(resample(cut(SONG, [*sizes, 3000])), resample([SONG]))


def silence(samples: int) -> list[Window]:
    return cut(np.zeros((2, samples), np.float32), [48_000])


@pytest.mark.parametrize("rates", RATES)
@settings(deadline=None, max_examples=100)
@given(samples=st.integers(0, 20_000))
def test_the_length_is_known_before(rates: tuple[int, int], samples: int) -> None:
    assert resample(silence(samples), *rates).shape[1] == resampled_count(samples, *rates)


@table("rates", RATES)
@table("samples", [1, 479_999, 2_036_502, 5_000_080, 10_584_000, 11_520_000])
def test_the_length_of_long_songs_is_known_before(rates: tuple[int, int], samples: int) -> None:
    assert resample(silence(samples), *rates).shape[1] == resampled_count(samples, *rates)


def test_the_length_is_known_where_it_lies_between_two_samples() -> None:
    halves = range(80, 40_000, 160)
    assert all(samples * 44_100 % 48_000 == 24_000 for samples in halves)
    made = [resample(silence(samples)).shape[1] for samples in halves]
    assert made == [resampled_count(samples, 48_000, 44_100) for samples in halves]


def test_a_tone_keeps_its_pitch_phase_and_level() -> None:
    middle = slice(4410, -4410)

    np.testing.assert_allclose(resample([tone(1.0)])[:, middle], tone(1.0, 44_100)[:, middle], atol=1e-4)


def test_equal_rates_pass_through_untouched() -> None:
    np.testing.assert_array_equal(resample([SONG], 48_000, 48_000), SONG)


def test_little_is_held_back() -> None:
    assert Resampler(48_000, 44_100).feed(tone(0.5)).shape[1] > 0.47 * 44_100
