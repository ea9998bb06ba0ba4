"""Encodes the conditions of the score network for each beat, as indices into tables whose last index means
"unknown".
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import torch
from torch import Tensor


class TokenKind(IntEnum):
    """Section kinds that the training annotations support."""

    VERSE = 0
    PRE_CHORUS = 1
    CHORUS = 2
    BRIDGE = 3
    INSTRUMENTAL = 4
    UNKNOWN = 5


class Style(IntEnum):
    """Kinds of song that the training collections hold."""

    POP = 0
    STANDARD = 1
    UNKNOWN = 2


class Hint(IntEnum):
    """Constraint on the rhythm at one sixteenth step."""

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
"""Density is counted over this many bars, the usual length of a sung line."""

_REGISTER_FLOOR = 54


def position_index(bars: int) -> int:
    """Return the table index of a bar's distance from the start or the end of its phrase."""
    return min(bars, POSITIONS - 2)


def density_index(notes_per_bar: float) -> int:
    """Return the table index of a melody density."""
    return min(round(notes_per_bar), DENSITIES - 2)


def register_index(mean_pitch: float) -> int:
    """Return the table index of a mean MIDI pitch in C major / A minor; one index spans two semitones."""
    return min(max(int((mean_pitch - _REGISTER_FLOOR) // 2), 0), REGISTERS - 2)


def tempo_index(tempo_bpm: float) -> int:
    """Return the table index of a tempo."""
    return min(max(int((tempo_bpm - 50) // 18), 0), TEMPOS - 2)


UNKNOWN_POSITION = POSITIONS - 1
UNKNOWN_DENSITY = DENSITIES - 1
UNKNOWN_REGISTER = REGISTERS - 1
UNKNOWN_MODE = MODES - 1
UNKNOWN_TEMPO = TEMPOS - 1


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of a batch, all int64.

    Per beat [batch, beats]: `beat` in the bar, `bar` from the start and `left` bars to the end of the phrase, `kind`,
    `density` and `register`. Per sixteenth [batch, beats, 4]: `hint`. Per song [batch]: `mode`, `tempo`, `style`.
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
        """Return the same positions in the bar and phrase with all other conditions unknown: the unconditional input of
        guidance.
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


def stack_conditions(rows: list[Conditions]) -> Conditions:
    """Combine several batches of equal length to one."""
    return Conditions(*(torch.cat([getattr(row, field.name) for row in rows]) for field in fields(Conditions)))
