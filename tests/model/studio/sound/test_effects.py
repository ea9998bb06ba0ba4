import numpy as np
import pytest

from model.studio.sound.effects import Compressor, DeEsser, Ensemble
from model.studio.sound.equaliser import Equaliser, bandpass, bell, high_shelf, highpass, low_shelf

NOISE = np.random.default_rng(1).standard_normal((2, 20_000)).astype(np.float32)


def _tone(hertz: float) -> np.ndarray:
    return np.tile(np.sin(np.arange(48_000) * 2 * np.pi * hertz / 48_000), (2, 1)).astype(np.float32)


def _level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.square(sound[:, 12_000:]).mean()))


def _equaliser() -> Equaliser:
    return Equaliser(highpass(130), high_shelf(3000, -4), channels=2)


def _raised_db(stage: np.ndarray, *hertz: float) -> list[float]:
    """Return the gain in dB of an equaliser with the filter coefficients `stage`, at each of the given frequencies in
    hertz.
    """
    return [_level_db(Equaliser(stage, channels=2).run(_tone(each))) - _level_db(_tone(each)) for each in hertz]


def test_an_equaliser_does_not_notice_block_borders() -> None:
    pieces = _equaliser()
    joined = np.concatenate([pieces.run(NOISE[:, :777]), pieces.run(NOISE[:, 777:])], axis=1)
    assert np.array_equal(_equaliser().run(NOISE), joined)


def test_an_equaliser_is_silent_before_any_sound_and_after_it_has_rung_out() -> None:
    equaliser, silence = _equaliser(), np.zeros((2, 12_000), np.float32)
    standing = [equaliser.is_silent]
    for block in (NOISE, silence):
        equaliser.run(block)
        standing.append(equaliser.is_silent)
    assert standing == [True, False, True]
    assert not equaliser.run(silence).any()


def test_filters_raise_and_lower_what_they_are_for() -> None:
    low, middle = _raised_db(highpass(130), 40, 1000)
    assert middle - low > 18
    assert _raised_db(high_shelf(3000, 5), 200, 15_000) == pytest.approx([0, 5], abs=0.2)
    assert _raised_db(low_shelf(300, -3), 40, 5000) == pytest.approx([-3, 0], abs=0.2)
    assert _raised_db(bell(3000, 4, 1.0), 100, 3000, 20_000) == pytest.approx([0, 4, 0], abs=0.3)
    edge, centre = _raised_db(bandpass(3000, 0.7), 100, 3000)
    assert centre == pytest.approx(0, abs=0.1)
    assert edge < -20


def test_filters_without_gain_change_nothing() -> None:
    flat, mixed = (low_shelf(100, 0), bell(600, 0, 0.7), high_shelf(6000, 0)), (bell(600, 0, 0.7), highpass(130))
    sound = _tone(440)
    assert Equaliser(*flat, channels=2).run(sound) is sound
    assert np.array_equal(Equaliser(*mixed, channels=2).run(sound), Equaliser(highpass(130), channels=2).run(sound))


def test_the_ensemble_does_not_notice_block_borders() -> None:
    pieces = Ensemble(0.4)
    joined = np.concatenate([pieces.run(NOISE[:, :777], 0), pieces.run(NOISE[:, 777:], 777)], axis=1)
    assert np.allclose(Ensemble(0.4).run(NOISE, 0), joined, atol=1e-6)


def test_the_ensemble_makes_a_centred_sound_wide() -> None:
    left, right = Ensemble(0.0).run(np.tile(NOISE[:1], (2, 1)), 0)
    assert np.corrcoef(left, right)[0, 1] < 0.9


def test_the_de_esser_turns_down_loud_highs_alone() -> None:
    hiss, vowel, soft_hiss = _tone(9000)[0], _tone(400)[0], _tone(9000)[0] * 0.01
    changes = [
        _level_db(DeEsser(5500, -30, 3, 0.004).run(s)[None]) - _level_db(s[None]) for s in (hiss, vowel, soft_hiss)
    ]
    assert changes[0] < -4
    assert changes[1:] == pytest.approx([0, 0], abs=0.3)


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
