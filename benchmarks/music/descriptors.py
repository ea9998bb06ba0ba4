"""Computes a dozen audio features (descriptors) of a song from its sound."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import find_peaks, stft

from benchmarks.music.listen import decibels

Stereo = NDArray[np.float32]
"""Stereo sound: float32 array of shape [2, samples]."""

_WINDOW, _HOP = 2048, 512
_MEDIAN_FRAMES, _MEDIAN_BINS = 17, 17
_LOW_HERTZ, _HIGH_HERTZ = 200.0, 4000.0
_CHROMA_HERTZ = (100.0, 2000.0)
_SLOWEST_BPM, _FASTEST_BPM = 60.0, 180.0
_PHRASE_SECONDS = 3.0
_NEAREST_ONSETS_FRAMES = 6
# Probe tone profiles: C. Krumhansl, "Cognitive foundations of musical pitch" (1990), table 2.1.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def describe(sound: Stereo, rate: int) -> Mapping[str, float]:
    """Return the audio features of a song by name; their units are in the names."""
    mono = sound.mean(axis=0)
    frequencies, _, spectrum = stft(mono, rate, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    power = np.abs(spectrum) ** 2
    flux = _flux(power)
    return {
        **_colour(power, frequencies),
        **_rhythm(flux, rate / _HOP),
        "percussive share": _percussive_share(power),
        **_tonality(power, frequencies),
        "loudness range dB": _loudness_range(mono, rate),
        "width dB": decibels(_rms(sound[0] - sound[1])) - decibels(_rms(sound[0] + sound[1])),
        "crest dB": decibels(float(np.abs(mono).max())) - decibels(_rms(mono)),
    }


def _rms(sound: NDArray[np.float32]) -> float:
    return float(np.sqrt((sound.astype(np.float64) ** 2).mean()))


def _colour(power: NDArray[np.float64], frequencies: NDArray[np.float64]) -> dict[str, float]:
    """Return features of the spectrum: centroid and spread in octaves above 55 Hz, flatness, and the levels of low and
    high bands relative to the middle.
    """
    mean = power.mean(axis=1)[1:]
    octaves = np.log2(frequencies[1:] / 55.0)
    amplitude = np.sqrt(mean)
    centroid = float(np.average(octaves, weights=amplitude))
    low, high = frequencies[1:] < _LOW_HERTZ, frequencies[1:] > _HIGH_HERTZ
    middle = mean[~low & ~high].sum()
    return {
        "centroid octaves": centroid,
        "bandwidth octaves": float(np.sqrt(np.average((octaves - centroid) ** 2, weights=amplitude))),
        "flatness dB": float(10 * np.mean(np.log10(mean + 1e-15)) - 10 * np.log10(mean.mean() + 1e-15)),
        "low dB": float(10 * np.log10(mean[low].sum() / middle)),
        "high dB": float(10 * np.log10(mean[high].sum() / middle)),
    }


def _flux(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spectral flux (growth of the log spectrum) per frame, whose peaks are note onsets."""
    level = np.log1p(1e5 * power)
    grown: NDArray[np.float64] = np.maximum(np.diff(level, axis=1), 0.0).mean(axis=0)
    return grown


def _rhythm(flux: NDArray[np.float64], frames_per_second: float) -> dict[str, float]:
    """Return the tempo (strongest period of the flux between 60 and 180 per minute), the strength of that period, and
    onsets per second.
    """
    steady = flux - flux.mean()
    lags = np.arange(int(60 / _FASTEST_BPM * frames_per_second), int(60 / _SLOWEST_BPM * frames_per_second) + 1)
    likeness = np.array([np.dot(steady[lag:], steady[:-lag]) for lag in lags]) / np.dot(steady, steady)
    best = int(likeness.argmax())
    peaks, _ = find_peaks(flux, distance=_NEAREST_ONSETS_FRAMES, height=flux.mean(), prominence=0.7 * flux.std())
    return {
        "tempo log2 bpm": float(np.log2(60.0 * frames_per_second / lags[best])),
        "pulse clearness": float(likeness[best]),
        "onsets per s": float(len(peaks) / len(flux) * frames_per_second),
    }


def _percussive_share(power: NDArray[np.float64]) -> float:
    """Return the share of energy in vertical structures of the spectrogram; median filtering after D. FitzGerald (DAFx
    2010).
    """
    part = np.sqrt(power[:, :: max(1, power.shape[1] // 1500)]) if power.shape[1] > 3000 else np.sqrt(power)
    held = median_filter(part, size=(1, _MEDIAN_FRAMES))
    struck = median_filter(part, size=(_MEDIAN_BINS, 1))
    mask = struck**2 / (struck**2 + held**2 + 1e-20)
    return float((mask * part**2).sum() / (part**2).sum())


def _tonality(power: NDArray[np.float64], frequencies: NDArray[np.float64]) -> dict[str, float]:
    """Return the fit of the best minor key minus that of the best major key, and how evenly the pitch classes are used:
    the entropy of their shares in bits, at most 3.6.
    """
    low, high = _CHROMA_HERTZ
    used = (frequencies > low) & (frequencies < high)
    classes = np.round(69 + 12 * np.log2(frequencies[used] / 440.0)).astype(int) % 12
    chroma = np.bincount(classes, weights=np.sqrt(power[used].mean(axis=1)), minlength=12)
    share = chroma / chroma.sum()
    fits = [max(float(np.corrcoef(np.roll(key, k), chroma)[0, 1]) for k in range(12)) for key in (_MINOR, _MAJOR)]
    return {"minor over major": fits[0] - fits[1], "chroma bits": float(-(share * np.log2(share + 1e-12)).sum())}


def _loudness_range(mono: NDArray[np.float32], rate: int) -> float:
    """Return the difference in dB between the 10th and 95th percentile of the levels of windows of 3 s."""
    width = int(_PHRASE_SECONDS * rate)
    levels = [decibels(_rms(mono[start : start + width])) for start in range(0, len(mono) - width + 1, width // 4)]
    return float(np.percentile(levels, 95) - np.percentile(levels, 10))
