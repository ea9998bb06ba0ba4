"""Stress of a syllable in speech, which its note should agree with."""

from enum import IntEnum


class Stress(IntEnum):
    """Weight of a syllable in speech; `PHRASE` is strong and begins what follows a comma or a space."""

    WEAK = -1
    PLAIN = 0
    STRONG = 1
    PHRASE = 2
