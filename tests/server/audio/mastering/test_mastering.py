from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import Window
from server.audio.mastering.mastering import InvalidWindow, Mastering
from tests.support.sounds import at_loudness, cut, loudness_lufs, noise, pop, tone, true_peak_db
from tests.support.table import table

RATE = 48_000
SONG = pop(3.21)


def master(windows: list[Window], target_lufs: float = -14.0, rate_hertz: int = RATE) -> Window:
    mastering = Mastering(rate_hertz, target_lufs)
    return np.hstack([*[mastering.feed(window) for window in windows], mastering.finish()])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=6))
def test_windows_mastered_in_turn_equal_the_whole(sizes: list[int]) -> None:
    np.testing.assert_array_equal(master(cut(SONG, [*sizes, 3000])), mastered_whole())


@cache
def mastered_whole() -> Window:
    return master([SONG])


@table("samples", [0, 1, 143, 4799, 4800, 4801, 50_000])
def test_a_song_keeps_its_length(samples: int) -> None:
    assert master([noise(samples)]).shape == (2, samples)


def test_a_song_is_not_shifted() -> None:
    sound = np.zeros((2, RATE), np.float32)
    sound[:, 12_345] = 0.1

    assert np.abs(master([sound])[0]).argmax() == 12_345


@cache
def minute(rate_hertz: int) -> Window:
    """Return a test sound of one minute with a loudness of 0 LUFS."""
    return pop(60.0, rate_hertz, 0.0)


@table(
    ("lufs", "target_lufs", "rate_hertz"),
    [
        (-18.0, -14.0, 44_100),
        (-20.5, -14.0, 48_000),
        (-15.0, -14.0, 44_100),
        (-18.0, -20.0, 44_100),
    ],
)
def test_a_song_of_a_minute_ends_near_its_target_loudness(lufs: float, target_lufs: float, rate_hertz: int) -> None:
    mastered = master([minute(rate_hertz) * np.float32(10 ** (lufs / 20))], target_lufs, rate_hertz)

    assert loudness_lufs(mastered, rate_hertz) == pytest.approx(target_lufs, abs=1.0)
    assert true_peak_db(mastered) <= -0.9


def test_a_chorus_stays_louder_than_its_verse() -> None:
    verse, chorus = pop(10.0, lufs=-20.0), pop(10.0, lufs=-17.0)
    mastered = master([verse, chorus, verse, chorus], target_lufs=-16.0)
    _, _, second_verse, second_chorus = np.split(mastered, 4, axis=1)

    assert loudness_lufs(second_chorus) - loudness_lufs(second_verse) > 2.0


def test_the_opening_is_not_blasted() -> None:
    quiet = at_loudness(noise(5 * RATE), -40.0)

    assert loudness_lufs(master([quiet])) < -33.0


def test_rumble_is_removed() -> None:
    mastered = master([tone(4.0, frequency_hertz=5.0)])

    assert np.abs(mastered[:, 2 * RATE : 3 * RATE]).max() < 0.05


def test_silence_stays_silence() -> None:
    assert not master([np.zeros((2, 2 * RATE), np.float32)]).any()


@pytest.mark.parametrize("factor", [10.0, 300.0])
def test_sound_that_is_far_too_loud_does_not_clip(factor: float) -> None:
    mastered = master([np.asarray(SONG * factor, np.float32)])

    assert np.isfinite(mastered).all()
    assert true_peak_db(mastered) <= -0.9


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e4])
def test_a_value_that_is_no_sound_is_refused_with_its_place(value: float) -> None:
    window = tone(0.1)
    window[1, 77] = value

    with pytest.raises(InvalidWindow, match="sample 77 of channel 1"):
        Mastering(RATE, -14.0).feed(window)


@pytest.mark.parametrize("window", [np.zeros((1, 9), np.float32), np.zeros(9, np.float32), np.zeros((2, 9))])
def test_a_window_of_another_shape_or_type_is_refused(window: Window) -> None:
    with pytest.raises(InvalidWindow, match=r"float32 \[2, samples\]"):
        Mastering(RATE, -14.0).feed(window)


def test_a_sample_rate_without_whole_hops_is_refused() -> None:
    with pytest.raises(ValueError, match="22051"):
        Mastering(22_051, -14.0)
