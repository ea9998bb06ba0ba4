import numpy as np
import pytest
from scipy import signal

from model.shared.recursive_filters import butterworth_high_pass
from server.audio.mastering.filters import StreamFilter, k_weighting
from tests.support.sounds import cut, noise


def test_k_weighting_at_48_khz_is_the_table_of_the_standard() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    low_cut = [1.0, -2.0, 1.0, 1, -1.99004745483398, 0.99007225036621]

    np.testing.assert_allclose(k_weighting(48_000), [shelf, low_cut], atol=1e-8)


@pytest.mark.parametrize("rate_hertz", [32_000, 44_100, 96_000])
def test_k_weighting_sounds_the_same_at_every_sample_rate(rate_hertz: int) -> None:
    frequencies = [30.0, 100.0, 1000.0, 5000.0]
    _, expected = signal.sosfreqz(k_weighting(48_000), frequencies, fs=48_000)
    _, found = signal.sosfreqz(k_weighting(rate_hertz), frequencies, fs=rate_hertz)

    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=0.02)


@pytest.mark.parametrize("sizes", [[1], [7, 1000], [4800]])
def test_pieces_filtered_in_turn_equal_the_whole(sizes: list[int]) -> None:
    sound = noise(20_000)
    whole = StreamFilter(k_weighting(48_000), 2).feed(sound.astype(np.float64))
    streamed = StreamFilter(k_weighting(48_000), 2)
    pieces = [streamed.feed(piece.astype(np.float64)) for piece in cut(sound, sizes)]

    np.testing.assert_array_equal(np.hstack(pieces), whole)


def test_a_filter_comes_to_rest_in_silence() -> None:
    streamed = StreamFilter(butterworth_high_pass(25.0, 48_000), 2)
    streamed.feed(noise(4800).astype(np.float64))
    streamed.feed(np.zeros((2, 20 * 48_000)))
    streamed.feed(np.zeros((2, 1)))

    assert not streamed.feed(np.zeros((2, 1))).any()
