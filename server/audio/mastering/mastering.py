"""Masters the sound of a song while the song is still being made."""

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import butterworth_high_pass
from model.song import Window
from server.audio.mastering.compressor import HOPS_PER_SECOND, GlueCompressor
from server.audio.mastering.filters import Samples, StreamFilter, k_weighting
from server.audio.mastering.limiter import TruePeakLimiter
from server.audio.mastering.loudness import BLOCKS_PER_SECOND, Leveller, amplitude_of, energy_of

CHANNELS = 2
RUMBLE_HERTZ = 25.0
CEILING_DBTP = -2.6
"""True-peak ceiling of the mastered sound in dBTP. MP3 at 192 kbit/s raises peaks by up to about 1.4 dB, so peaks of
the decoded sound stay under -1 dBTP.
"""

LOUDEST = 1000.0
_HOPS_PER_BLOCK = HOPS_PER_SECOND // BLOCKS_PER_SECOND


class InvalidWindow(ValueError):
    """Error: the engine rendered an invalid window of sound: wrong shape, NaN, or samples beyond `LOUDEST` times full
    scale. This is a bug of the engine.
    """


class Mastering:
    """Mastering chain of one song: high-pass, loudness levelling, glue compression and true-peak limiting.

    The output does not depend on how a song is cut into windows, because gains are computed for blocks of 100 ms
    counted from the song's first sample. The song is neither lengthened nor shifted in time. The output is up to one
    block and the limiter's look-ahead of 3 ms behind the input until more sound is fed or `finish` is called.
    """

    def __init__(self, sample_rate_hertz: int, target_lufs: float) -> None:
        if sample_rate_hertz % HOPS_PER_SECOND:
            raise ValueError(
                f"mastering does not support a sample rate of {sample_rate_hertz} Hz: use a multiple of "
                f"{HOPS_PER_SECOND} Hz"
            )
        self._block_samples = sample_rate_hertz // BLOCKS_PER_SECOND
        self._rumble = StreamFilter(butterworth_high_pass(RUMBLE_HERTZ, sample_rate_hertz), CHANNELS)
        self._ear = StreamFilter(k_weighting(sample_rate_hertz), CHANNELS)
        self._leveller = Leveller(target_lufs)
        self._compressor = GlueCompressor(energy_of(Leveller.EXPECTED_LUFS))
        self._limiter = TruePeakLimiter(amplitude_of(CEILING_DBTP), sample_rate_hertz, self._block_samples)
        self._ramp = np.arange(1, self._hop_samples + 1) / self._hop_samples
        self._level_db = self._leveller.gain_db
        self._gain = amplitude_of(self._level_db)
        self._pending = np.zeros((CHANNELS, 0), np.float32)
        self._early_samples = self._limiter.delay_samples
        self._owed_samples = 0

    @property
    def _hop_samples(self) -> int:
        return self._block_samples // _HOPS_PER_BLOCK

    def feed(self, window: Window) -> Window:
        """Master the next window, float32 [2, samples], and return the mastered sound that is ready, possibly none.

        Raises:
            InvalidWindow: the window is not stereo sound.
        """
        check(window)
        self._owed_samples += window.shape[1]
        return self._take(window)

    def finish(self) -> Window:
        """Return the song's mastered sound that `feed` has not returned yet, float32 [2, samples]. In total as many
        samples are returned as were fed.
        """
        rest = self._limiter.delay_samples
        padding = -(self._pending.shape[1] + rest) % self._block_samples
        return self._take(np.zeros((CHANNELS, rest + padding), np.float32))

    def _take(self, window: Window) -> Window:
        pending = np.concatenate([self._pending, window], axis=1)
        whole = pending.shape[1] // self._block_samples * self._block_samples
        self._pending = pending[:, whole:]
        if not whole:
            return np.zeros((CHANNELS, 0), np.float32)
        return self._trim(self._master(pending[:, :whole]))

    def _trim(self, sound: Window) -> Window:
        """Return `sound` without the limiter's delay at the song's beginning and without the padding after its end."""
        skipped = min(self._early_samples, sound.shape[1])
        self._early_samples -= skipped
        sound = sound[:, skipped : skipped + self._owed_samples]
        self._owed_samples -= sound.shape[1]
        return sound

    def _master(self, sound: Window) -> Window:
        clean = self._rumble.feed(sound.astype(np.float64))
        energies = self._hop_energies(self._ear.feed(clean))
        blocks = np.split(clean.astype(np.float32), len(energies), axis=1)
        return np.concatenate([self._master_block(*pair) for pair in zip(blocks, energies, strict=True)], axis=1)

    def _master_block(self, block: Window, energies: NDArray[np.float64]) -> Window:
        compression = np.array([self._compressor.add(energy) for energy in energies.tolist()])
        level_db = np.linspace(self._level_db, self._leveller.gain_db, len(energies) + 1)[1:]
        self._level_db = self._leveller.gain_db
        limited = self._limiter.feed(block * self._envelope(compression * 10 ** (level_db / 20)))
        # The leveller measures the sound after compressor and limiter, and so compensates for their gain reduction.
        kept = np.square(self._limiter.gains.reshape(len(energies), -1)).mean(axis=1)
        self._leveller.add(float((energies * compression**2 * kept).mean()))
        return limited

    def _hop_energies(self, samples: Samples) -> NDArray[np.float64]:
        """Return the K-weighted mean square of each hop (10 ms), summed over the channels, shape [blocks, hops]."""
        hops = samples.reshape(CHANNELS, -1, self._hop_samples)
        energies = np.einsum("chn,chn->h", hops, hops) / self._hop_samples
        return np.asarray(energies.reshape(-1, _HOPS_PER_BLOCK))

    def _envelope(self, gains: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the gain of every sample, linearly interpolated between the gains at the ends of the hops."""
        corners = np.concatenate([[self._gain], gains])
        self._gain = float(gains[-1])
        return np.asarray(corners[:-1, None] + np.diff(corners)[:, None] * self._ramp, np.float32).reshape(-1)


def check(window: Window) -> None:
    """Raise `InvalidWindow` unless `window` is float32 stereo sound, shape [2, samples], within `LOUDEST` (full scale
    is 1).
    """
    if window.ndim != 2 or window.shape[0] != CHANNELS or window.dtype != np.float32:
        raise InvalidWindow(
            f"the engine rendered a window of sound of type {window.dtype} and shape {list(window.shape)}; it must be "
            "float32 [2, samples]. This is a bug of the engine: please report it"
        )
    within = np.abs(window) <= LOUDEST
    if not within.all():
        channel, sample = np.argwhere(~within)[0].tolist()
        raise InvalidWindow(
            f"the engine rendered a window of sound in which sample {sample} of channel {channel} is "
            f"{window[channel, sample]}, beyond {LOUDEST:g} times full scale. This is a bug of the engine: please "
            "report it"
        )
