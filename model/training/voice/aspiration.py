"""Finds recorded syllables that lack the aspiration of their initial consonant, and other syllables whose consonant can
replace it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.training.voice.syllables import initial_of

_ASPIRATED_SECONDS = {**dict.fromkeys(("p", "t", "k"), 0.07), **dict.fromkeys(("c", "ch", "q"), 0.085)}
"""Length in seconds from which on a recorded consonant counts as aspirated, by its initial. Aspirated stops last about
80 ms, others about 20 (Chao and Chen, "A cross-linguistic study of voice onset time in stop consonant productions",
2008).
"""


def lenders(seconds: Mapping[str, float], vowels: Mapping[str, NDArray[np.float64]]) -> dict[str, str]:
    """Return, for each syllable recorded without aspiration ("pang" like "bang"), a syllable with the same initial
    whose consonant replaces its own.

    `seconds` is the length of each syllable's consonant, `vowels` the spectrum of its vowel, [BANDS] in dB. The
    syllable with the most similar vowel and a consonant that is long enough is chosen.

    Raises:
        ValueError: no consonant of an initial is long enough.
    """
    out = {}
    for name in seconds:
        if not is_aspirated(name, seconds[name]):
            able = [n for n in seconds if initial_of(n) == initial_of(name) and is_aspirated(n, seconds[n])]
            if not able:
                raise ValueError(
                    f"no recording of {initial_of(name)} is long enough to be aspirated: add recordings of that initial"
                )
            out[name] = min(able, key=lambda other: float(np.std(vowels[name] - vowels[other])))
    return out


def is_aspirated(name: str, seconds: float) -> bool:
    """Return True if a consonant of length `seconds` is long enough for the aspiration of its initial, or if that
    initial has no aspiration.
    """
    return seconds >= _ASPIRATED_SECONDS.get(initial_of(name), 0.0)
