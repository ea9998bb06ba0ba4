"""Defines the drums and cymbals of a drum kit, and the marks of drum tablature: `X` is an accented hit, `x` a normal
hit, `o` a soft hit, `g` a ghost note.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TypeAlias


class Piece(IntEnum):
    """A drum or cymbal of the kit; the value is its General MIDI percussion key."""

    KICK = 36
    RIM = 37
    SNARE = 38
    CLAP = 39
    FLOOR_TOM = 41
    CLOSED_HAT = 42
    PEDAL_HAT = 44
    LOW_TOM = 45
    OPEN_HAT = 46
    MID_TOM = 47
    CRASH = 49
    HIGH_TOM = 50
    RIDE = 51
    TAMBOURINE = 54
    MARACAS = 70
    TRIANGLE = 81


STROKE_WEIGHTS: Mapping[str, float] = MappingProxyType({"X": 1.12, "x": 1.0, "o": 0.78, "g": 0.5})

Pattern: TypeAlias = Mapping[Piece, str]
Patterns: TypeAlias = tuple[Pattern, ...]
