"""Streaming audio effects (filter, compressor, de-esser, ensemble); the output does not depend on the block sizes."""

import math

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import linear_filter_on
from model.studio.sound.tones import Samples
from model.studio.sound.zones import SAMPLE_RATE_HERTZ

# A filter's state below this changes no float32 sample, neither of its decay nor of later sound.
_SILENT = 1e-50

_ENSEMBLE_DELAY_SECONDS = 0.014
_ENSEMBLE_DEPTH_SECONDS = 0.0035
_ENSEMBLE_HERTZ = 0.55
_ENSEMBLE_MEMORY = 1024
_ENSEMBLE_GRID = 128


class Filter:
    """A second-order IIR filter (biquad) over the last axis of its input."""

    def __init__(self, section: NDArray[np.float64], channels: tuple[int, ...]) -> None:
        """Set up the filter. `section` is one row of second-order coefficients; `channels` is the shape of the input
        before the last axis, () for mono.
        """
        self._zeros, self._poles = section.reshape(2, 3)
        self._state = np.zeros((*channels, 2))

    @property
    def is_silent(self) -> bool:
        """True if silent input would give silent output, because the filter's state has decayed."""
        return bool(np.abs(self._state).max() < _SILENT)

    def run(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block of sound, filtered; the filter's state continues from the previous block."""
        filtered, self._state = linear_filter_on(self._zeros, self._poles, sound, self._state)
        return np.asarray(filtered, np.float32)


class Compressor:
    """Dynamic range compressor: lowers the level of mono sound while its mean power, averaged over `seconds`, exceeds a
    threshold.
    """

    def __init__(self, threshold_db: float, ratio: float, seconds: float) -> None:
        """Set up the compressor: above `threshold_db` (RMS level in dBFS) each dB of input level adds only 1 / `ratio`
        dB of output level. `seconds` is the averaging time.
        """
        self._threshold = 10.0 ** (threshold_db / 10.0)
        self._exponent = -0.5 * (1.0 - 1.0 / ratio)
        keep = math.exp(-1.0 / (seconds * SAMPLE_RATE_HERTZ))
        self._mean = Filter(np.array([1.0 - keep, 0.0, 0.0, 1.0, -keep, 0.0]), ())

    @property
    def is_silent(self) -> bool:
        """True if silent input would give silent output, because the measured level has decayed."""
        return self._mean.is_silent

    def run(self, sound: Samples) -> Samples:
        """Return the next block of mono sound, compressed; the compressor's state continues from the previous block."""
        over = np.maximum(self._mean.run(sound * sound) / np.float32(self._threshold), np.float32(1.0))
        return np.asarray(sound * over**self._exponent, np.float32)


class DeEsser:
    """De-esser: lowers the high frequencies of a mono voice while their level exceeds a threshold, as in sibilants (s,
    sh).
    """

    def __init__(self, corner_hertz: float, threshold_db: float, ratio: float, seconds: float) -> None:
        """Set up the de-esser, which compresses only the frequencies above `corner_hertz` (a slope of 6 dB per octave);
        see `Compressor` for the threshold in dB, the ratio and the averaging time.
        """
        keep = math.exp(-2.0 * math.pi * corner_hertz / SAMPLE_RATE_HERTZ)
        self._lows = Filter(np.array([1.0 - keep, 0.0, 0.0, 1.0, -keep, 0.0]), ())
        self._compressor = Compressor(threshold_db, ratio, seconds)

    @property
    def is_silent(self) -> bool:
        """True if silent input would give silent output, because earlier sound has decayed."""
        return self._lows.is_silent and self._compressor.is_silent

    def run(self, sound: Samples) -> Samples:
        """Return the next block of mono sound with softer sibilants; the de-esser's state continues from the previous
        block.
        """
        lows = self._lows.run(sound)
        return np.asarray(lows + self._compressor.run(sound - lows), np.float32)


class Ensemble:
    """Chorus effect: the left and right channels get copies of a sound whose delays vary slowly, in opposite phase."""

    def __init__(self, phase: float) -> None:
        """Set up the ensemble; `phase` (0 to 1) is the initial phase of the modulation."""
        self._phase = phase
        self._memory = np.zeros(_ENSEMBLE_MEMORY, np.float32)

    def run(self, sound: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """Return the next block of stereo sound [2, samples], beginning at sample `start` of the song, with the chorus
        effect at about equal loudness.
        """
        line = np.concatenate([self._memory, sound.mean(axis=0)])
        self._memory = line[-_ENSEMBLE_MEMORY:]
        sides = [self._delayed(line, start, self._phase), self._delayed(line, start, self._phase + 0.31)]
        return np.float32(0.75) * (sound + np.float32(0.8) * np.stack(sides))

    def _delayed(self, line: Samples, start: int, phase: float) -> Samples:
        count = len(line) - _ENSEMBLE_MEMORY
        delay = _swinging_delay(start, count, phase)
        whole = delay.astype(np.intp)
        index = np.arange(_ENSEMBLE_MEMORY, len(line)) - whole
        later = line.take(index)
        return later + (line.take(index - 1) - later) * (delay - whole.astype(np.float32))


def _swinging_delay(start: int, count: int, phase: float) -> Samples:
    """Return the delay, in samples, of the chorus effect at each sample [start, start + count) of the song: a sine,
    approximated by short straight segments.
    """
    first = start // _ENSEMBLE_GRID
    points = np.arange(first, (start + count) // _ENSEMBLE_GRID + 2) * (_ENSEMBLE_GRID / SAMPLE_RATE_HERTZ)
    swing = np.sin(2.0 * np.pi * (_ENSEMBLE_HERTZ * points + phase))
    seconds = _ENSEMBLE_DELAY_SECONDS + _ENSEMBLE_DEPTH_SECONDS * swing
    corners = (seconds * SAMPLE_RATE_HERTZ).astype(np.float32)
    ramp = np.arange(_ENSEMBLE_GRID, dtype=np.float32) / _ENSEMBLE_GRID
    lines: Samples = (corners[:-1, None] + np.diff(corners)[:, None] * ramp).ravel()
    skipped = start - first * _ENSEMBLE_GRID
    return lines[skipped : skipped + count]
