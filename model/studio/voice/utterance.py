"""The recorded units that are joined to sing one syllable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sung syllable, put together from recorded Mandarin syllables, each named by its pinyin without tone (`ü` is
    `v`), or one English syllable, which is both onset and rhyme.

    Attributes:
        onset: lends its initial consonant; `None` if the syllable begins with its vowel.
        rhyme: lends vowels and nasal ending.
        codas: lend initial consonants, heard in order at the end of the syllable.
        before: lend initial consonants, heard in order before that of `onset`.
        held: of the rhyme, only what a long note stays on is used, without the glide before and the ending after it.
    """

    onset: str | None
    rhyme: str
    codas: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    held: bool = False
