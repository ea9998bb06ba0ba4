"""Tests of notes that are derived from the recording of a note at another pitch."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyworld imports what setuptools warns about
    pytest.importorskip("pyworld", reason="the extra `train` is not installed")

from model.training.instruments.derived_keys import LoopedSound, derived_key, encoded

RATE_HERTZ = 32_000
LOOP = (16_000, 40_000)


def _note(hertz: float, seconds: float) -> np.ndarray:
    """Return the sound of a note with six harmonics, whose level rises for a quarter of a second."""
    times = np.arange(round(seconds * RATE_HERTZ)) / RATE_HERTZ
    harmonics = sum(np.sin(2 * np.pi * hertz * k * times) / k**2 for k in range(1, 7))
    return np.asarray(0.3 * np.minimum(times / 0.25, 1.0) * harmonics)


def _hertz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**19))
    return float(np.argmax(spectrum)) * RATE_HERTZ / 2**19


@pytest.mark.parametrize("pitch", [60, 76, 81])
def test_a_derived_key_has_its_pitch_and_the_pace_of_the_recording(pitch: int) -> None:
    recorded = LoopedSound(_note(440.0, 1.25), RATE_HERTZ, LOOP)
    derived = derived_key(recorded, 69.0, pitch)
    assert derived.loop == LOOP
    assert _hertz(derived.sound[8_000:]) == pytest.approx(440.0 * 2 ** ((pitch - 69) / 12), rel=0.003)
    levels = [np.std(derived.sound[at : at + 1_600]) for at in (1_600, 12_800)]
    assert 0.15 < levels[0] / levels[1] < 0.6


def test_the_loop_goes_on_without_a_step() -> None:
    derived = derived_key(LoopedSound(_note(440.0, 1.25), RATE_HERTZ, LOOP), 69.0, 64.0)
    start, end = derived.loop
    seam = np.concatenate([derived.sound[end - 800 : end], derived.sound[start : start + 800]])
    steps, usual = np.abs(np.diff(seam)), np.abs(np.diff(derived.sound[start:end]))
    assert steps[790:810].max() <= 1.1 * usual.max()


def test_an_encoded_sound_gives_the_same_bytes_again() -> None:
    sound = _note(440.0, 1.0)
    assert encoded(sound, RATE_HERTZ) == encoded(sound, RATE_HERTZ)
