"""Measures one note of an instrument: its loudness, and its deviation from the written pitch."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import lfilter

from model.studio.sound.zones import SAMPLE_RATE_HERTZ

Stereo: TypeAlias = NDArray[np.float32]

_LOUDNESS_SECONDS = 0.4
_ATTACK_SECONDS = 0.12
_SPECTRUM_SIZE = 2**18
_REACH_CENTS = 60.0
_HARMONICS = 4


def momentary_lufs(sound: Stereo) -> float:
    """Return the loudness of the loudest 400 ms of `sound` [2, samples] at 48 kHz (ITU-R BS.1770-4, without gating)."""
    shelf = ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585])
    highpass = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    weighted = lfilter(*highpass, lfilter(*shelf, sound.astype(np.float64)))
    energy = np.cumsum(np.concatenate([[0.0], np.square(weighted).sum(axis=0)]))
    span = min(sound.shape[1], int(_LOUDNESS_SECONDS * SAMPLE_RATE_HERTZ))
    loudest = float(np.max(energy[span:] - energy[:-span])) / span
    return -0.691 + 10.0 * math.log10(loudest + 1e-12)


def cents_off(sound: Stereo, pitch: int) -> float:
    """Return the deviation in cents, at most 60, of a note [2, samples] at 48 kHz from MIDI `pitch`; positive is sharp.

    The deviation is computed from the centre of energy around each of the first harmonics after the attack; lower and
    stronger harmonics have more weight.
    """
    steady = sound.mean(axis=0)[int(_ATTACK_SECONDS * SAMPLE_RATE_HERTZ) :]
    power = np.square(np.abs(fft.rfft(steady * np.hanning(len(steady)), _SPECTRUM_SIZE)))
    fundamental_hertz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    offsets, weights = [], []
    for harmonic in range(1, _HARMONICS + 1):
        bins = _bins_around(fundamental_hertz * harmonic)
        near = np.square(power[bins])
        cents = 1200.0 * np.log2(bins * SAMPLE_RATE_HERTZ / _SPECTRUM_SIZE / (fundamental_hertz * harmonic))
        offsets.append(float(np.average(cents, weights=near + 1e-30)))
        weights.append(math.sqrt(float(power[bins].sum())) / harmonic**2)
    return float(np.average(offsets, weights=weights))


def _bins_around(hertz: float) -> np.ndarray:
    edges = [
        hertz * 2.0 ** (cents / 1200.0) * _SPECTRUM_SIZE / SAMPLE_RATE_HERTZ for cents in (-_REACH_CENTS, _REACH_CENTS)
    ]
    return np.arange(math.floor(edges[0]), math.ceil(edges[1]) + 1)
