"""Resamples sound from the engine's sample rate to the delivered one."""

import numpy as np
import soxr

from model.song import Window


def resampled_count(samples: int, source_rate_hertz: int, target_rate_hertz: int) -> int:
    """Return the number of samples that a `Resampler` returns in total for `samples` input samples.

    The number is the input number times the ratio of the rates, rounded to the nearest integer. Ties are rounded as
    soxr does, so the formula here has the same form as soxr's.
    """
    return int(samples / (source_rate_hertz / target_rate_hertz) + 0.5)


class Resampler:
    """Streaming resampling of stereo sound with soxr (LGPL), quality "HQ".

    The library is soxr, because the server's process does not import torch, which torchaudio needs. The resampled
    stream is bit for bit equal to that of resampling the whole song at once. It costs about 2 ms per second of sound,
    runs without the interpreter's lock, and is 20 ms behind the input. With equal rates the sound is returned
    unchanged.
    """

    def __init__(self, source_rate_hertz: int, target_rate_hertz: int) -> None:
        same = source_rate_hertz == target_rate_hertz
        self._stream = None if same else soxr.ResampleStream(source_rate_hertz, target_rate_hertz, 2, "float32", "HQ")

    def feed(self, window: Window) -> Window:
        """Resample the next window, float32 [2, samples], and return the resampled sound that is ready, possibly
        none.
        """
        return self._resample(window, last=False)

    def finish(self) -> Window:
        """Return the remaining samples, float32 [2, samples]. With them the total number of returned samples is
        `resampled_count` of the input.
        """
        return self._resample(np.zeros((2, 0), np.float32), last=True)

    def _resample(self, window: Window, last: bool) -> Window:
        if self._stream is None:
            return window
        return np.asarray(self._stream.resample_chunk(np.ascontiguousarray(window.T), last=last), np.float32).T
