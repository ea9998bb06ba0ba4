"""Extracts the melody of sound as a MusicGen melody model reads it: the strongest pitch class at each moment."""

import numpy as np
from numpy.typing import NDArray

from model.musicgen.networks.config import ChromaConfig
from model.shared.fourier import rfft

Classes = NDArray[np.int64]
"""Pitch classes, one for each moment, 0 for C."""

_CENTRE_OCTAVE, _OCTAVES = 5.0, 2.0
_TUNING_HERTZ, _LOWEST_A = 440.0, 16


def classes_of_sound(sound: NDArray[np.float32], config: ChromaConfig) -> Classes:
    """Return the strongest pitch class, 0 to 11 from C, for every `config.hop` samples of the mono sound [samples];
    silence has class 0, as in the training data.
    """
    short = max(0, config.window - len(sound))
    sound = np.pad(sound, (short // 2, short - short // 2))
    padded = np.pad(sound, config.window // 2, mode="reflect")
    # A periodic Hann window of unit energy, as in the training data.
    window = np.hanning(config.window + 1)[:-1].astype(np.float32)
    window /= np.sqrt((window**2).sum())
    filters = _filters(config)
    starts = range(0, len(padded) - config.window + 1, config.hop)
    found = [_class(filters, padded[start : start + config.window] * window) for start in starts]
    return np.array(found, np.int64)


def _class(filters: NDArray[np.float32], samples: NDArray[np.float32]) -> int:
    return int(np.argmax(filters @ np.abs(rfft(samples)).astype(np.float32) ** 2))


def _filters(config: ChromaConfig) -> NDArray[np.float32]:
    """Return the chroma filters [classes, frequencies]: the weight of each frequency bin in each pitch class.

    A class has Gaussian bumps around its octaves, each as wide as a frequency bin; the weights are greatest near the
    fifth octave (Ellis, "Chroma feature analysis and synthesis", 2007).
    """
    count = config.classes
    hertz = np.arange(1, config.window) * config.sample_rate / config.window
    places = count * np.log2(hertz / (_TUNING_HERTZ / _LOWEST_A))
    # The bin of 0 Hz has no octave; it is placed one and a half octaves below the first bin, with a broad bump.
    places = np.concatenate([[places[0] - 1.5 * count], places])
    widths = np.concatenate([np.maximum(np.diff(places), 1.0), [1.0]])
    half = round(count / 2)
    distance = np.remainder(places[None] - np.arange(count)[:, None] + half + 10 * count, count) - half
    bumps = np.exp(-0.5 * (2 * distance / widths) ** 2)
    bumps /= np.sqrt((bumps**2).sum(0, keepdims=True))
    bumps *= np.exp(-0.5 * ((places / count - _CENTRE_OCTAVE) / _OCTAVES) ** 2)
    # So far class 0 is A; the rotation makes it C.
    turned = np.roll(bumps, -3 * (count // 12), axis=0)
    return np.ascontiguousarray(turned[:, : config.window // 2 + 1], np.float32)
