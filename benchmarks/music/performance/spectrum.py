"""Measures the timbre of a voice: movement of the spectrum in vowels, harmonics against noise, level above 1 kHz."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import parselmouth
import soxr
import torch
from torchaudio.functional import melscale_fbanks

from benchmarks.music.performance.recorded_song import FLOOR_HERTZ, Floats, RecordedSong, middle

_RATE, _FFT, _HOP, _BANDS = 16_000, 1024, 160, 40
_SHORTEST_SECONDS = 0.3
_MEL = melscale_fbanks(_FFT // 2 + 1, 0.0, 8000.0, _BANDS, _RATE, norm="slaney", mel_scale="slaney").double().numpy()


@dataclass(frozen=True, slots=True)
class Vowel:
    """A sung vowel without its edges: the change of its spectrum in dB per 10 ms, and its harmonics-to-noise ratio in
    dB.
    """

    movement: float
    harmonicity: float


def vowels(song: RecordedSong) -> list[Vowel]:
    """Return the vowels, with their measures, of all syllables of at least 0.3 s that only one voice sings. Only the
    part from a quarter to four fifths of a syllable is measured.
    """
    found = []
    for _, (start, end) in song.solo_syllables():
        sound = song.between(start + 0.25 * (end - start), start + 0.8 * (end - start))
        if end - start < _SHORTEST_SECONDS or np.abs(sound).max() < 0.003:
            continue
        low = soxr.resample(sound, song.rate_hertz, _RATE)
        found.append(Vowel(_movement(low), _harmonicity(sound, song.rate_hertz)))
    return found


def _movement(sound: Floats) -> float:
    """Return how fast the spectrum of a vowel changes: the median over time of the mean change of 40 mel bands in 10
    ms.
    """
    wave = torch.from_numpy(sound)
    spectra = torch.stft(wave, _FFT, _HOP, window=torch.hann_window(_FFT, dtype=wave.dtype), return_complex=True)
    power = (spectra.abs() ** 2).numpy().T @ _MEL
    return float(np.median(np.abs(np.diff(10 * np.log10(power + 1e-9), axis=0)).mean(1)))


def _harmonicity(sound: Floats, rate_hertz: int) -> float:
    values = parselmouth.Sound(sound, rate_hertz).to_harmonicity_cc(0.01, FLOOR_HERTZ, 0.1, 1.0).values
    voiced = values[values > -100]
    return float(voiced.mean()) if len(voiced) else float("nan")


def alpha_ratio(song: RecordedSong) -> float:
    """Return the alpha ratio in dB, the power in 1 to 5 kHz over that in 50 Hz to 1 kHz, of all syllables that one
    voice sings.
    """
    sounds = [song.between(*span) for _, span in song.solo_syllables()]
    low = soxr.resample(np.concatenate(sounds), song.rate_hertz, _RATE)
    power = np.abs(np.fft.rfft(low)) ** 2
    hertz = np.fft.rfftfreq(len(low), 1 / _RATE)
    above, below = ((hertz >= a) & (hertz < b) for a, b in ((1000, 5000), (50, 1000)))
    return float(10 * np.log10(power[above].sum() / power[below].sum()))


def figures(songs: Sequence[RecordedSong]) -> dict[str, float]:
    """Return statistics by name: the medians of movement and harmonics-to-noise ratio over all vowels, the lowest ratio
    of a song, the mean alpha ratio of each style, and the greatest difference of two styles.
    """
    measured = {song.name: vowels(song) for song in songs}
    every = [vowel for found in measured.values() for vowel in found]
    alphas = {}
    for style in dict.fromkeys(song.style for song in songs):
        alphas[style] = float(np.mean([alpha_ratio(song) for song in songs if song.style == style]))
    by_song = [middle([v.harmonicity for v in found]) for found in measured.values()]
    return {
        "movement in vowels, dB/10 ms": middle([vowel.movement for vowel in every]),
        "harmonics to noise, dB": middle([vowel.harmonicity for vowel in every]),
        "harmonics to noise, lowest song, dB": min(by_song),
        "alpha ratio, spread of styles, dB": max(alphas.values()) - min(alphas.values()),
        **{f"alpha ratio, {style}, dB": value for style, value in alphas.items()},
    }
