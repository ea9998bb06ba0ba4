import numpy as np
import pytest

from server.audio.mastering.filters import StreamFilter, k_weighting
from server.audio.mastering.loudness import BLOCKS_PER_SECOND, Leveller, RunningLoudness, energy_of, loudness_of
from tests.support.sounds import loudness_lufs, noise, pop

RATE = 48_000
UNBIASED_SECONDS = 1e-6


def block_energies(sound: np.ndarray) -> list[float]:
    heard = StreamFilter(k_weighting(RATE), 2).feed(sound.astype(np.float64))
    blocks = heard.reshape(2, -1, RATE // BLOCKS_PER_SECOND)
    return [float(energy) for energy in np.square(blocks).mean(axis=2).sum(axis=0)]


def test_loudness_and_energy_are_each_others_inverse() -> None:
    assert loudness_of(energy_of(-23.0)) == pytest.approx(-23.0)
    assert loudness_of(0.0) == -np.inf


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(pop(12.0), id="pop"),
        pytest.param(np.hstack([noise(5 * RATE), noise(5 * RATE, amplitude=1e-3)]), id="gated tail"),
        pytest.param(np.hstack([np.zeros((2, 4 * RATE), np.float32), noise(4 * RATE)]), id="silent opening"),
    ],
)
def test_running_loudness_ends_at_the_integrated_loudness(sound: np.ndarray) -> None:
    running = RunningLoudness(-18.0, UNBIASED_SECONDS)
    for energy in block_energies(sound):
        running.add(energy)

    assert running.lufs == pytest.approx(loudness_lufs(sound), abs=0.15)


def test_nothing_heard_is_as_loud_as_expected() -> None:
    assert RunningLoudness(-18.0, 6.0).lufs == pytest.approx(-18.0)


def test_silence_does_not_count() -> None:
    running = RunningLoudness(-18.0, 6.0)
    for _ in range(1000):
        running.add(0.0)

    assert running.lufs == pytest.approx(-18.0)


def test_leveller_starts_where_a_song_of_expected_loudness_needs_it() -> None:
    assert Leveller(-14.0).gain_db == pytest.approx(4.0)


@pytest.mark.parametrize(("lufs", "gain_db"), [(-22.0, 8.0), (-16.0, 2.0), (-40.0, 9.0), (0.0, -9.0)])
def test_leveller_comes_to_the_gain_a_song_needs(lufs: float, gain_db: float) -> None:
    leveller = Leveller(-14.0)
    for _ in range(6000):
        leveller.add(energy_of(lufs))

    assert leveller.gain_db == pytest.approx(gain_db, abs=0.15)


def test_leveller_never_moves_faster_than_its_slope() -> None:
    leveller = Leveller(-14.0)
    gains_db = []
    for lufs in [-30.0] * 200 + [-5.0] * 200:
        leveller.add(energy_of(lufs))
        gains_db.append(leveller.gain_db)

    assert np.abs(np.diff(gains_db)).max() <= Leveller.MAX_SLOPE_DB_PER_SECOND / BLOCKS_PER_SECOND + 1e-9
