"""Defines the data type for the recorded units that are joined to sing one syllable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Utterance:
    """The recorded units of one sung syllable: parts of recorded Mandarin syllables, each named by its pinyin without
    tone (`ü` is `v`), or one English syllable, which is then both `onset` and `rhyme`.

    Attributes:
        onset: recorded syllable whose initial consonant is used; `None` if the sung syllable begins with its vowel.
        rhyme: recorded syllable whose vowels and nasal ending are used.
        codas: recorded syllables whose initial consonants end the sung syllable, in order.
        before: recorded syllables whose initial consonants come before that of `onset`, in order.
        held: True if only the steady part of the rhyme is used, without the glide before the steady part and the ending
            after it.
    """

    onset: str | None
    rhyme: str
    codas: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    held: bool = False
