import numpy as np
import pytest

from model.studio.voice.envelope import BANDS, band_hertz
from model.studio.voice.synthesis import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HERTZ,
    Clip,
    Throat,
    VoiceFrames,
    VoiceSound,
    pulse_times,
    split_noise,
)

FRAMES = 400


def _frames(f0_hertz: float = 220.0, *, noise: float = 0.3, clips: tuple[Clip, ...] = ()) -> VoiceFrames:
    envelope = np.tile(-20 - 12 * np.log2(np.maximum(band_hertz(), 200) / 200), (FRAMES, 1)).astype(np.float32)
    harmonic, breath = split_noise(envelope, np.full((FRAMES, 6), noise, np.float32))
    return VoiceFrames(np.full(FRAMES, f0_hertz), harmonic, breath, clips)


def _spectrum(sound: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(sound[24_000:72_000] * np.hanning(48_000)))


@pytest.mark.parametrize("piece", [777, 4_800, 48_000])
def test_the_sound_does_not_depend_on_how_it_is_cut(piece: int) -> None:
    sound = VoiceSound(Throat(), _frames(clips=(Clip(10_000, np.ones(500, np.float32)),)), seed=1)
    whole = sound.render(0, sound.samples)
    pieces = [sound.render(at, min(at + piece, sound.samples)) for at in range(0, sound.samples, piece)]
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-5)


@pytest.mark.parametrize("f0_hertz", [98.7, 220.0, 531.4])
def test_harmonics_stand_at_multiples_of_the_fundamental(f0_hertz: float) -> None:
    spectrum = _spectrum(VoiceSound(Throat(), _frames(f0_hertz, noise=0.0), seed=1).render(0, 96_000))
    for harmonic in (1, 2, 3):
        around = spectrum[round((harmonic - 0.4) * f0_hertz) : round((harmonic + 0.4) * f0_hertz)]
        assert np.argmax(around) + round((harmonic - 0.4) * f0_hertz) == pytest.approx(harmonic * f0_hertz, abs=1.0)
        assert around.max() > 30 * np.median(around)


def test_noise_fills_the_gaps_between_harmonics() -> None:
    def gap(noise: float) -> float:
        spectrum = _spectrum(VoiceSound(Throat(), _frames(noise=noise), seed=1).render(0, 96_000))
        return float(np.median(spectrum[2_000:4_000]))

    assert gap(0.9) > 5 * gap(0.05)


def test_splitting_keeps_the_power() -> None:
    envelope = np.full((3, BANDS), -30.0, np.float32)
    harmonic, breath = split_noise(envelope, np.full((3, 6), 0.4, np.float32))
    assert np.allclose(10 ** (harmonic / 10) + 10 ** (breath / 10), 10**-3, rtol=1e-3)


def test_a_longer_throat_lowers_the_resonances() -> None:
    bump = np.exp(-((np.arange(BANDS) - 30) ** 2) / 8.0).astype(np.float32) * 40 - 80
    frames = VoiceFrames(
        np.full(FRAMES, 100.0), np.tile(bump, (FRAMES, 1)), np.full((FRAMES, BANDS), -120.0, np.float32)
    )
    peaks = [np.argmax(_spectrum(VoiceSound(Throat(f), frames, 1).render(0, 96_000))) for f in (1.0, 0.8)]
    assert peaks[1] / peaks[0] == pytest.approx(0.8, abs=0.05)


def test_pulses_follow_the_fundamental() -> None:
    times = pulse_times(np.concatenate([np.full(200, 100.0), np.full(200, 200.0)]))
    assert np.allclose(np.diff(times[times < 0.95]), 0.01, atol=1e-6)
    assert np.allclose(np.diff(times[times > 1.05]), 0.005, atol=1e-6)


def test_a_clip_sounds_where_it_is_put() -> None:
    silent = np.full((FRAMES, BANDS), -120.0, np.float32)
    frames = VoiceFrames(np.full(FRAMES, 200.0), silent, silent, (Clip(1_000, np.ones(10, np.float32)),))
    sound = VoiceSound(Throat(), frames, 1).render(900, 1_100)
    assert np.flatnonzero(sound).tolist() == list(range(100, 110))
    assert FRAME_SAMPLES * 200 == SAMPLE_RATE_HERTZ
