from collections.abc import Callable

import numpy as np
import pytest

from model.studio.sound.effects import Compressor, Ensemble, Filter
from tests.support.table import table

NOISE = np.random.default_rng(1).standard_normal((2, 20_000)).astype(np.float32)


def _tone(hertz: float) -> np.ndarray:
    return np.tile(np.sin(np.arange(48_000) * 2 * np.pi * hertz / 48_000), (2, 1)).astype(np.float32)


def _level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.square(sound[:, 12_000:]).mean()))


@table("make", [lambda: Filter.highpass(130, (2,)), lambda: Filter.high_shelf(3000, -4, (2,))])
def test_a_filter_does_not_notice_block_borders(make: Callable[[], Filter]) -> None:
    whole, pieces = make(), make()
    joined = np.concatenate([pieces.run(NOISE[:, :777]), pieces.run(NOISE[:, 777:])], axis=1)
    assert np.allclose(whole.run(NOISE), joined, atol=1e-6)


def test_a_filter_is_silent_before_any_sound_and_after_it_has_rung_out() -> None:
    highpass, silence = Filter.highpass(130, (2,)), np.zeros((2, 12_000), np.float32)
    standing = [highpass.is_silent]
    for block in (NOISE, silence):
        highpass.run(block)
        standing.append(highpass.is_silent)
    assert standing == [True, False, True]
    assert not highpass.run(silence).any()


def test_the_highpass_takes_lows_and_leaves_the_middle() -> None:
    low, middle = (_level_db(Filter.highpass(130, (2,)).run(_tone(hertz))) for hertz in (40, 1000))
    assert middle - low > 18


def test_the_shelf_raises_highs_by_its_gain() -> None:
    low, high = (_level_db(Filter.high_shelf(3000, 5, (2,)).run(_tone(hertz))) for hertz in (200, 15_000))
    assert high - low == pytest.approx(5, abs=0.2)


def test_the_ensemble_does_not_notice_block_borders() -> None:
    pieces = Ensemble(0.4)
    joined = np.concatenate([pieces.run(NOISE[:, :777], 0), pieces.run(NOISE[:, 777:], 777)], axis=1)
    assert np.allclose(Ensemble(0.4).run(NOISE, 0), joined, atol=1e-6)


def test_the_ensemble_makes_a_centred_sound_wide() -> None:
    left, right = Ensemble(0.0).run(np.tile(NOISE[:1], (2, 1)), 0)
    assert np.corrcoef(left, right)[0, 1] < 0.9


def test_the_bell_raises_its_centre_alone() -> None:
    below, centre, above = (
        _level_db(Filter.peak(3000, 4, 1.0, (2,)).run(_tone(hertz))) for hertz in (100, 3000, 20_000)
    )
    assert centre - below == pytest.approx(4, abs=0.2)
    assert above == pytest.approx(below, abs=0.3)


def test_the_compressor_turns_down_what_is_loud_by_its_ratio() -> None:
    quiet, loud = (_tone(500)[0] * gain for gain in (0.01, 1.0))
    quiet_db, loud_db = (_level_db(Compressor(-20, 4, 0.02).run(sound)[None]) for sound in (quiet, loud))
    assert quiet_db == pytest.approx(-43, abs=0.1)
    assert loud_db == pytest.approx(-20 + 17 / 4, abs=0.3)


def test_the_compressor_does_not_notice_block_borders() -> None:
    sound = NOISE[0]
    whole, pieces = Compressor(-20, 4, 0.02), Compressor(-20, 4, 0.02)
    joined = np.concatenate([pieces.run(sound[:777]), pieces.run(sound[777:])])
    assert np.allclose(whole.run(sound), joined, atol=1e-6)
