"""Loudness of spectral envelopes, by which recordings of the voice are brought to one level."""

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import band_hertz

VOWEL_LEVEL_DB = -20.0
"""Loudness in dB of the held part of every vowel, as computed by `loudness_db` from its envelope."""


def loudness_db(envelope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the loudness in dB, [frames], of spectral envelopes [frames, BANDS] in dB of power per hertz.

    Bands are weighted by their width, and above 1.5 kHz by 4 dB, as ITU-R BS.1770 does for the acoustic effect of the
    head.
    """
    hertz = band_hertz()
    weights = np.gradient(hertz) * np.where(hertz > 1500, 10**0.4, 1.0) * (hertz > 80)
    out: NDArray[np.float64] = 10 * np.log10((10 ** (envelope / 10)) @ weights)
    return out
