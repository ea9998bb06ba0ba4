"""Defines the degrees of stress of a syllable in speech, which the melody should follow."""

from enum import IntEnum


class Stress(IntEnum):
    """Stress of a syllable in speech: weak, plain or strong; `PHRASE` is strong and begins a phrase after a comma or a
    space.
    """

    WEAK = -1
    PLAIN = 0
    STRONG = 1
    PHRASE = 2
