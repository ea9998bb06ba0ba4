"""What one note says, in pieces of the recorded voice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sung syllable, put together from recorded Mandarin syllables, each named by its pinyin without tone (`ü` is
    `v`).

    `onset` lends its initial consonant and is `None` where the syllable begins with its vowel; `rhyme` lends vowels and
    nasal ending; the initial consonants of `codas` are heard, in order, at the end of the syllable.
    """

    onset: str | None
    rhyme: str
    codas: tuple[str, ...] = ()
