"""Encodes the inputs that condition the score network (section kind, note density, register, tempo ...) as integer
indices into embedding tables; the last index of each table means "unknown".
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import torch
from torch import Tensor


class TokenKind(IntEnum):
    """The kinds of section (verse, chorus ...) in the annotations of the training songs; a conditioning input of the
    score network.
    """

    VERSE = 0
    PRE_CHORUS = 1
    CHORUS = 2
    BRIDGE = 3
    INSTRUMENTAL = 4
    UNKNOWN = 5


class Style(IntEnum):
    """The kinds of song in the training collections (pop songs, jazz standards); a conditioning input of the score
    network.
    """

    POP = 0
    STANDARD = 1
    UNKNOWN = 2


class Hint(IntEnum):
    """The rhythm that is requested of the score network at one sixteenth step: a rest, a held note, a note onset, or
    unknown.
    """

    UNKNOWN = 0
    REST = 1
    HOLD = 2
    ONSET = 3


POSITIONS = 17
DENSITIES = 12
REGISTERS = 13
MODES = 3
TEMPOS = 6
LINE_BARS = 2
"""Number of bars over which the note density is counted, the usual length of a sung line."""

_REGISTER_FLOOR = 54


def position_index(bars: int) -> int:
    """Return the embedding index for a position in a phrase: the number of bars from its start or to its end. Long
    distances share one index.
    """
    return min(bars, POSITIONS - 2)


def density_index(notes_per_bar: float) -> int:
    """Return the embedding index for a melody density in notes per bar."""
    return min(round(notes_per_bar), DENSITIES - 2)


def register_index(mean_pitch: float) -> int:
    """Return the embedding index for a mean melody pitch (MIDI number in C major / A minor); one index spans two
    semitones.
    """
    return min(max(int((mean_pitch - _REGISTER_FLOOR) // 2), 0), REGISTERS - 2)


def tempo_index(tempo_bpm: float) -> int:
    """Return the embedding index for a tempo in beats per minute; one index spans 18 beats per minute."""
    return min(max(int((tempo_bpm - 50) // 18), 0), TEMPOS - 2)


UNKNOWN_POSITION = POSITIONS - 1
UNKNOWN_DENSITY = DENSITIES - 1
UNKNOWN_REGISTER = REGISTERS - 1
UNKNOWN_MODE = MODES - 1
UNKNOWN_TEMPO = TEMPOS - 1


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditioning inputs of the score network for a batch, as embedding indices (int64).

    Per beat [batch, beats]: `beat` is the position in the bar, `bar` counts the bars from the start of the phrase and
    `left` the bars to the end of the phrase, `kind` is the kind of section, `density` the notes per bar, `register` the
    mean pitch. Per sixteenth [batch, beats, 4]: `hint` requests a rhythm. Per song [batch]: `mode`, `tempo`, `style`.
    """

    beat: Tensor
    bar: Tensor
    left: Tensor
    kind: Tensor
    density: Tensor
    register: Tensor
    hint: Tensor
    mode: Tensor
    tempo: Tensor
    style: Tensor

    def unconditional(self) -> "Conditions":
        """Return the conditions for the unconditional prediction of classifier-free guidance: beat, position in the
        phrase and rhythm hints stay, all other inputs are set to "unknown".
        """
        return replace(
            self,
            kind=torch.full_like(self.kind, TokenKind.UNKNOWN),
            density=torch.full_like(self.density, UNKNOWN_DENSITY),
            register=torch.full_like(self.register, UNKNOWN_REGISTER),
            mode=torch.full_like(self.mode, UNKNOWN_MODE),
            tempo=torch.full_like(self.tempo, UNKNOWN_TEMPO),
            style=torch.full_like(self.style, Style.UNKNOWN),
        )
