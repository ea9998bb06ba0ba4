"""Computes the vibrato of sung notes. Some long notes have vibrato, with a late onset and growing amplitude, different
for each note.

Rates and extents are near those of Prame, "Measurements of the vibrato rate of ten singers" (1994) and "Vibrato extent
and intonation in professional Western lyric singing" (1997): 5 to 7 Hz, faster towards the end of a note.
"""

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.performance.manner import Manner

Curve = NDArray[np.float64]

FROM_SECONDS = 0.5
"""Length in seconds of the shortest note that may have vibrato."""

_SPREAD_HERTZ, _HASTE_HERTZ = 0.75, 0.4
_RANGE_HERTZ = (4.3, 7.0)
_EXTENT_RANGE = (0.55, 1.45)
_DELAY_SHARE = (0.18, 0.4)
_LONGEST_DELAY_SECONDS = 0.6
_GROWTH_SECONDS = 0.45
_END_SECONDS = 0.06
_LAST_POWER, _USUAL_POWER = 0.6, 1.15


def vibrato(time: Curve, length: float, last: bool, manner: Manner, generator: np.random.Generator) -> Curve:
    """Return the pitch deviation of the vibrato, in cents, at `time` seconds into a note of `length` seconds; zeros for
    a note without vibrato.

    The `last` note of a line has vibrato more often. Every note draws the same number of values from the generator.
    """
    wish, rate, extent, delay, unrest = generator.random(5)
    if length < FROM_SECONDS or wish > manner.vibrato ** (_LAST_POWER if last else _USUAL_POWER):
        return np.zeros(len(time))
    begin = min((_DELAY_SHARE[0] + (_DELAY_SHARE[1] - _DELAY_SHARE[0]) * delay) * length, _LONGEST_DELAY_SECONDS)
    since = np.maximum(time - begin, 0.0)
    hertz = np.clip(manner.vibrato_hertz + _SPREAD_HERTZ * 3**0.5 * (2 * rate - 1), *_RANGE_HERTZ)
    uneven = 0.25 * np.sin(2 * np.pi * (0.9 * since + unrest))
    rates = hertz + _HASTE_HERTZ * (since / max(length - begin, 0.1) - 0.5) + uneven
    turns = np.cumsum(rates * (since > 0)) * FRAME_SECONDS
    cents = manner.vibrato_cents * (_EXTENT_RANGE[0] + (_EXTENT_RANGE[1] - _EXTENT_RANGE[0]) * extent)
    growth = np.clip(since / min(_GROWTH_SECONDS, 0.4 * length), 0, 1) * np.clip((length - time) / _END_SECONDS, 0, 1)
    out: Curve = cents * growth * np.sin(2 * np.pi * turns)
    return out
