"""Chooses among the takes (recordings) of a syllable by pitch, length, tone and the previous take; a take is seldom
used twice in a row.
"""

import math

import numpy as np

from model.studio.voice.bank import Take, VoiceBank

_PITCH_COST, _LENGTH_COST, _HOLD_COST, _TONE_COST, _JOIN_COST = 0.6, 0.5, 0.25, 0.2, 0.03
_AGAIN_COST = 0.7
_TONE_COSTS = {1: 0.0, 2: 0.3, 3: 0.6, 4: 0.3}
"""Cost of a take by its lexical tone: takes of the first tone are as steady as sung notes, takes of the third often
creak.
"""

_JOINED_BANDS = 46
_LONG_FRAMES = 80


class TakeChooser:
    """Chooses the take (recording) of each sung syllable, and remembers earlier choices so that takes alternate."""

    def __init__(self, bank: VoiceBank) -> None:
        self._bank = bank
        self._used: dict[str, int] = {}
        self._before: Take | None = None

    def choose(self, syllable: str, pitch: float, frames: int, tone: int, *, bound: bool) -> Take:
        """Return the take of `syllable` that suits a note best: a note of `frames` frames at MIDI pitch `pitch` with
        the sung tone `tone` (0 for none).

        `bound` is True if the voice continues from the previous syllable without a pause. Raises KeyError if the
        syllable has no take.
        """
        takes = self._bank.takes(syllable)
        before = self._before if bound else None
        costs = [_cost(take, pitch, frames, tone) + _join(before, take) for take in takes]
        if (last := self._used.get(syllable)) is not None:
            costs[last] += _AGAIN_COST
        best = costs.index(min(costs))
        self._used[syllable] = best
        self._before = takes[best]
        return takes[best]


def _cost(take: Take, pitch: float, frames: int, tone: int) -> float:
    octaves = abs((pitch - 69) / 12 - math.log2(take.hertz / 440))
    length = abs(math.log2(max(frames, 1) / (len(take.envelope) - take.nucleus)))
    hold = _HOLD_COST * min(frames / _LONG_FRAMES, 1.5) * math.log2(40 / (take.hold[1] - take.hold[0] + 1))
    wrong_tone = _TONE_COST * (tone != take.tone)
    return (
        _PITCH_COST * octaves + _LENGTH_COST * min(length, 1.5) + max(hold, 0.0) + wrong_tone + _TONE_COSTS[take.tone]
    )


def _join(before: Take | None, take: Take) -> float:
    if before is None or len(take.consonant):
        return 0.0
    gap = before.envelope[-1, :_JOINED_BANDS] - take.envelope[0, :_JOINED_BANDS]
    return _JOIN_COST * float(np.std(gap))
