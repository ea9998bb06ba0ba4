"""The stress of a syllable in speech, with which its note should agree."""

from enum import IntEnum


class Stress(IntEnum):
    """Weight of a syllable in speech; `PHRASE` is strong and begins a phrase after a comma or a space."""

    WEAK = -1
    PLAIN = 0
    STRONG = 1
    PHRASE = 2
