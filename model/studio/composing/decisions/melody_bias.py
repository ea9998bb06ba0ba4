"""Computes biases on the network's logits that forbid or prefer notes of a section's melody before any pitch is
chosen.
"""

import numpy as np
from numpy.typing import NDArray

from model.song import SectionKind
from model.studio.composing.conditions import Hint
from model.studio.composing.decisions.pitches import PITCH_CLASSES, scale
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import FIRST_PITCH, HOLD, LOWEST, MELODY_CLASSES, PITCHES, REST, Classes
from model.studio.notation.score import STEPS_PER_BEAT

FORBIDDEN = -1e4

_SUNG_RANGE = {SectionKind.VERSE: (55, 72), SectionKind.PRE_CHORUS: (56, 74)}
_SUNG_RANGE_ELSEWHERE = (58, 76)
"""Lowest and highest MIDI pitch of the sung melody in the kinds of section that `_SUNG_RANGE` lacks, such as choruses.
The whole range of a song is G3 to E5, less than two octaves.
"""

_PLAYED_RANGE = (57, 84)
_PENTATONIC = (0, 2, 4, 7, 9)
_OFF_PENTATONIC = -5.0
_OFF_SCALE = -1.5
_OPENING_OFF_SCALE = -5.0
_RECALLED_PITCH = 1.4


def class_bias(spec: SectionSpec, layout: TokenLayout, memory: Memory) -> NDArray[np.float32]:
    """Return the bias on the melody logits, [beats, 4, 39], from the range of the voice, the scale, the fixed rhythm,
    and an earlier melody of the same lines.
    """
    bias = np.zeros((*layout.melody.shape, MELODY_CLASSES), dtype=np.float32)
    section = bias[layout.section].reshape(-1, MELODY_CLASSES)
    sung = np.zeros(len(section), dtype=np.bool_)
    for start, stop in spec.line_spans():
        sung[start:stop] = True
    low, high = sung_range(spec)
    section[sung] = _outside(low - spec.transpose, high - spec.transpose)
    section[~sung] = _outside(*_PLAYED_RANGE)
    off_scale = _OFF_SCALE if memory.tail else _OPENING_OFF_SCALE
    section[:, FIRST_PITCH:] += off_scale * ~np.isin(PITCH_CLASSES, scale(spec.minor))
    section[:, FIRST_PITCH:] += pentatonic_bias(spec)
    section += _pull(spec, memory)
    section += _RHYTHM_BIAS[layout.hint[layout.section].reshape(-1)]
    bias[layout.section] = section.reshape(-1, STEPS_PER_BEAT, MELODY_CLASSES)
    bias[layout.left_out, :, FIRST_PITCH:] = FORBIDDEN
    return bias


def sung_range(spec: SectionSpec) -> tuple[int, int]:
    """Return the lowest and the highest MIDI pitch, as it sounds, that the melody of a section may have."""
    low, high = _SUNG_RANGE.get(spec.kind, _SUNG_RANGE_ELSEWHERE)
    return low, high - spec.headroom


def pentatonic_bias(spec: SectionSpec) -> NDArray[np.float32]:
    """Return the bias [37] against the pitches that a pentatonic melody leaves out (F and B in C major and A minor);
    zeros unless the section is pentatonic.
    """
    left_out = spec.pentatonic & ~np.isin(PITCH_CLASSES, _PENTATONIC)
    return np.asarray(_OFF_PENTATONIC * left_out, np.float32)


def _outside(low: int, high: int) -> NDArray[np.float32]:
    row = np.zeros(MELODY_CLASSES, dtype=np.float32)
    pitches = np.arange(LOWEST, LOWEST + PITCHES)
    row[FIRST_PITCH:][(pitches < low) | (pitches > high)] = FORBIDDEN
    return row


def _rhythm_bias() -> NDArray[np.float32]:
    table = np.zeros((len(Hint), MELODY_CLASSES), dtype=np.float32)
    table[Hint.REST], table[Hint.HOLD] = FORBIDDEN, FORBIDDEN
    table[Hint.REST, REST] = table[Hint.HOLD, HOLD] = 0
    table[Hint.ONSET, :FIRST_PITCH] = FORBIDDEN
    return table


_RHYTHM_BIAS = _rhythm_bias()


def _pull(spec: SectionSpec, memory: Memory) -> NDArray[np.float32]:
    """Return the bias [steps, 39] towards the pitch that the line at the same position had at the same place in an
    earlier section of this kind.
    """
    pull = np.zeros((spec.steps, MELODY_CLASSES), dtype=np.float32)
    recalled = memory.rendition(spec.kind)
    if recalled is None:
        return pull
    sounding = _sounding(np.array(recalled.melody))
    for (start, stop), (then_start, then_stop) in zip(spec.line_spans(), recalled.spans, strict=False):
        count = min(stop - start, then_stop - then_start)
        for step, value in enumerate(sounding[then_start : then_start + count].tolist(), start=start):
            if value >= FIRST_PITCH:
                pull[step, value] = _RECALLED_PITCH
    return pull


def _sounding(melody: Classes) -> Classes:
    """Return melody classes [steps] in which every hold is replaced by the pitch that it prolongs."""
    latest = np.maximum.accumulate(np.where(melody != HOLD, np.arange(len(melody)), 0))
    return melody[latest]
