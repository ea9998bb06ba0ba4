"""Chooses the sequence of recorded frames for a sung vowel, and computes natural fluctuations of its spectrum."""

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.bank import Floats, Take
from model.studio.voice.envelope import BANDS

Path = NDArray[np.float64]

_ONGLIDE_FRAMES, _OFFGLIDE_FRAMES = 16, 40
_ONGLIDE_SHARE, _OFFGLIDE_SHARE = 0.45, 0.5
_ENGLISH_PACE = 0.3
"""Pace of the random movement in the held part of an English vowel, in frames of the recording per frame of sound. The
held part is short and lies between transitions, and a faster pace would blur the vowel.
"""

_ENDING_SHARE = 0.62
"""Largest share of a note for the end of an English vowel and the consonants after it."""

_WIDENED_FRAMES = 1
_PACE, _PACE_FRAMES = 1.6, 9
_UNREST_BANDS, _UNREST_FRAMES = 16, 7
_UNREST_DB = 1.0
_SHIMMER_DB = 0.2

_TO_BANDS = np.stack(
    [
        np.interp(np.linspace(0, _UNREST_BANDS - 1, BANDS), np.arange(_UNREST_BANDS), row)
        for row in np.eye(_UNREST_BANDS)
    ]
).astype(np.float32)


def vowel_path(take: Take, length: int, generator: np.random.Generator, *, held: bool = False) -> Path:
    """Return, for each of the `length` frames of a sung vowel, the position (a fractional frame) in the recorded take.

    Transitions into and out of the vowel keep the pace of speech, or are faster in a short note. Between the
    transitions the path moves to and fro in the steady part of the vowel. With `held` there are no transitions.
    """
    last = len(take.envelope) - 1
    begin, end = (0, 0) if held else (take.hold[0] - take.nucleus, last - take.hold[1])
    head = min(begin, _ONGLIDE_FRAMES, round(_ONGLIDE_SHARE * length))
    most = min(_OFFGLIDE_FRAMES, round(_OFFGLIDE_SHARE * length))
    tail = min(end, most if take.ending is None else round(_ENDING_SHARE * length))
    middle = _wandering(take, length - head - tail, generator)
    entry, leave = (middle[0], middle[-1]) if len(middle) else take.hold
    leaving = np.linspace(leave, last, tail) if take.ending is None else _closing(take, leave, tail)
    return np.concatenate([np.linspace(take.nucleus, entry, head, endpoint=False), middle, leaving])


def _closing(take: Take, leave: float, length: int) -> Path:
    """Return the path from frame `leave` of an English vowel through the final consonants of the syllable to the end of
    the take, in `length` frames.

    The end of the vowel and the consonants are shortened or stretched by the same factor.
    """
    last = len(take.envelope) - 1
    assert take.ending is not None
    consonants = round(length * (last + 1 - take.ending) / max(last + 1 - take.hold[1], 1))
    border = min(take.ending, last)
    vowel = np.linspace(leave, border, length - consonants, endpoint=consonants == 0)
    return np.concatenate([vowel, np.linspace(border, last, consonants)])


def _wandering(take: Take, length: int, generator: np.random.Generator) -> Path:
    """Return a random path of `length` frames through the steady part of a vowel: it begins at the start of that part,
    changes its pace, and turns back at both ends of the part.
    """
    low = max(take.hold[0] - _WIDENED_FRAMES, take.nucleus)
    high = max(min(take.hold[1] + _WIDENED_FRAMES, len(take.envelope) - 1), low + 1)
    steps = np.convolve(generator.standard_normal(length + _PACE_FRAMES), np.ones(_PACE_FRAMES), "valid")[:length]
    pace = _PACE if take.ending is None else _ENGLISH_PACE
    walk = take.hold[0] - low + np.cumsum(steps) * (pace / _PACE_FRAMES**0.5)
    folded = np.abs((walk + (high - low)) % (2 * (high - low)) - (high - low))
    return np.asarray(low + folded)


def unrest(frames: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return random fluctuations, in dB, of the spectral envelope [frames, BANDS] and of the level [frames]."""
    window = np.hanning(_UNREST_FRAMES + 2)[1:-1].astype(np.float32)
    window *= _UNREST_DB / np.sqrt((window**2).sum())
    noise = generator.standard_normal((frames + _UNREST_FRAMES - 1, _UNREST_BANDS), dtype=np.float32)
    smooth = np.zeros((frames, _UNREST_BANDS), np.float32)
    for shift, weight in enumerate(window):
        smooth += weight * noise[shift : shift + frames]
    level = _SHIMMER_DB * generator.standard_normal(frames, dtype=np.float32)
    return smooth @ _TO_BANDS, level
