"""Converts mono sound to stereo."""

import numpy as np

from model.song import Window
from server.audio.mastering.mastering import InvalidWindow


def as_stereo(window: Window, channels: int) -> Window:
    """Return a window of sound, shape [channels, samples], as stereo: mono is copied to both channels, stereo is
    returned as it is.

    `channels`, 1 or 2, is the number of channels of the engine that rendered the window.

    Raises:
        InvalidWindow: the engine is mono, but the window is not.
    """
    if channels != 1:
        return window
    if window.ndim != 2 or window.shape[0] != 1:
        raise InvalidWindow(
            f"the engine declares one channel and rendered a window of sound of shape {list(window.shape)}; the shape "
            "must be [1, samples]. This is a bug of the engine: please report it"
        )
    return np.repeat(window, 2, axis=0)
