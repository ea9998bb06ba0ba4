"""A look-ahead limiter that keeps the true peak of the sound under a ceiling."""

import numpy as np
from numpy.typing import NDArray

from model.song import Window

_OVERSAMPLING = 4
_TAPS = 20
_GROUP_SAMPLES = 10


class TruePeakLimiter:
    """Keeps the 4x oversampled peak of stereo sound below `ceiling` (linear, 1 is full scale).

    Blocks have a fixed size, a multiple of ten samples. Peaks are measured as in ITU-R BS.1770-4, annex 2, in groups of
    ten samples. The gain reduction that a group needs is held over the look-ahead before the group by a sliding
    maximum, and decays after it with the release time. The reduction is then smoothed by a window as long as the
    look-ahead, so at a peak it still is as large as the peak needs.
    """

    LOOK_AHEAD_SECONDS = 0.003
    RELEASE_SECONDS = 0.08

    def __init__(self, ceiling: float, sample_rate_hertz: int, block_samples: int) -> None:
        groups = block_samples // _GROUP_SAMPLES
        self._ceiling = ceiling
        self._spread = int(self.LOOK_AHEAD_SECONDS * sample_rate_hertz) // _GROUP_SAMPLES
        self._smoothing = np.hanning(self._spread + 2)[1:-1] / np.hanning(self._spread + 2).sum()
        release_groups = self.RELEASE_SECONDS * sample_rate_hertz / _GROUP_SAMPLES
        self._decay = np.exp(-np.arange(1, groups + 1) / release_groups)
        self._ramp = np.arange(1, _GROUP_SAMPLES + 1, dtype=np.float32) / _GROUP_SAMPLES
        self._filter = interpolator()
        # Interpolation raises a peak at most by this factor; 0.1 % are added for the rounding of float32 sums.
        self._highest_gain = 1.001 * max(1.0, float(np.abs(self._filter).sum(axis=1).max()))
        # Both buffers are reused, because allocating memory of this size takes longer than the computation.
        self._shifted = np.zeros((_TAPS, 2, block_samples), np.float32)
        self._between = np.zeros((len(self._filter), 2 * block_samples), np.float32)
        self._sound = np.zeros((2, self.delay_samples), np.float32)
        self._reductions = np.zeros(self._spread)
        self._held = np.zeros(self._spread)
        self._corner = 1.0
        self._gains = np.ones(block_samples, np.float32)

    @property
    def delay_samples(self) -> int:
        """Delay of the output behind the input, in samples per channel."""
        return self._spread * _GROUP_SAMPLES + _TAPS // 2

    @property
    def gains(self) -> NDArray[np.float32]:
        """Linear gain, at most 1, of each sample of the last block that `feed` returned."""
        return self._gains

    def feed(self, block: Window) -> Window:
        """Limit the next block, shape [2, block_samples]; return a block of the same length that is `delay_samples`
        late.
        """
        sound = np.concatenate([self._sound, block], axis=1)
        peaks = self._group_peaks(sound[:, -block.shape[1] - _TAPS + 1 :])
        self._gains = self._follow(1 - self._ceiling / np.maximum(peaks, self._ceiling))
        self._sound = sound[:, block.shape[1] :]
        return np.asarray(sound[:, : block.shape[1]] * self._gains, np.float32)

    def _group_peaks(self, sound: Window) -> NDArray[np.float64]:
        """Return the peak magnitude of each group of ten samples, over both channels and the points interpolated
        between samples; 0 if the peak is certainly below the ceiling.
        """
        if np.abs(sound).max() * self._highest_gain <= self._ceiling:
            return np.zeros(self._shifted.shape[2] // _GROUP_SAMPLES)
        for tap, shifted in enumerate(self._shifted):
            shifted[:] = sound[:, tap : tap + shifted.shape[1]]
        peaks = np.abs(sound[:, _TAPS // 2 - 1 : -_TAPS // 2]).max(axis=0)
        np.matmul(self._filter, self._shifted.reshape(_TAPS, -1), out=self._between)
        np.abs(self._between, out=self._between)
        np.maximum(peaks, self._between.reshape(-1, len(peaks)).max(axis=0), out=peaks)
        by_place = np.ascontiguousarray(peaks.reshape(-1, _GROUP_SAMPLES).T)  # NumPy is slow for short rows
        return np.asarray(by_place.max(axis=0), np.float64)

    def _follow(self, reductions: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the gain of every sample, from the gain reduction (0 none, 1 full) that each new group of samples
        needs.
        """
        known = np.concatenate([self._reductions, reductions])
        held = self._hold(sliding_maximum(known, self._spread + 1))
        smooth = np.convolve(np.concatenate([self._held[1:], held]), self._smoothing, "valid")
        corners = np.concatenate([[self._corner], 1 - smooth])
        self._reductions, self._held, self._corner = known[len(reductions) :], held[-self._spread :], float(corners[-1])
        steps = np.diff(corners)[:, None] * self._ramp
        return np.asarray(corners[:-1, None] + steps, np.float32).reshape(-1)

    def _hold(self, reductions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the largest gain reduction so far, decaying over time: y[n] = max(x[n], decay * y[n - 1])."""
        grown = np.concatenate([self._held[-1:], reductions / self._decay])
        return np.asarray(np.maximum.accumulate(grown)[1:] * self._decay)


def sliding_maximum(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the maximum of every `width` consecutive values, computed from the maxima of 1, 2, 4 and so on values."""
    maxima, covered = values, 1
    while covered < width:
        step = min(covered, width - covered)
        maxima, covered = np.maximum(maxima[:-step], maxima[step:]), covered + step
    return maxima


def interpolator() -> NDArray[np.float32]:
    """Return the coefficients, shape [3, taps], of a polyphase filter that interpolates three points between two
    neighbouring samples.
    """
    places = np.arange(_TAPS * _OVERSAMPLING + 1) - _TAPS * _OVERSAMPLING / 2
    prototype = np.sinc(places / _OVERSAMPLING) * np.kaiser(len(places), 5.0)
    prototype *= _OVERSAMPLING / prototype.sum()
    phases = [prototype[phase::_OVERSAMPLING][:_TAPS][::-1] for phase in range(1, _OVERSAMPLING)]
    return np.array(phases, np.float32)
