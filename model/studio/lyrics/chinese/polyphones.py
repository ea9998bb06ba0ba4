"""Corrects readings of Chinese characters in lyrics that the pinyin dictionary gets wrong."""

from collections.abc import Iterator, Sequence

from pypinyin.constants import PHRASES_DICT

from model.studio.lyrics.chinese.contexts import lone_reading, reading_in_context
from model.studio.lyrics.chinese.particles import follows_adverb, reading_of_particle
from model.studio.lyrics.chinese.words import reading_in_word

_PARTICLES = frozenset("地得")
_SHORTEST_IDIOM = 4


class _Idioms:
    """The dictionary's Chinese words of at least four characters, as a read-only set."""

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and len(word) >= _SHORTEST_IDIOM and word in PHRASES_DICT


_IDIOMS = _Idioms()


def corrected(words: Sequence[str], readings: Sequence[str]) -> list[str]:
    """Return the corrected pinyin readings of a line, one for each character.

    `words` are the line divided into words, `readings` the pinyin dictionary's reading of each character. A reading
    comes from the first of these sources that has one: a word of the engine's own table, a rule on the neighbouring
    characters, a longer word of the dictionary, the character's usual reading.
    """
    line = "".join(words)
    return [
        _reading(line, place, lone) or reading
        for place, (lone, reading) in enumerate(zip(_lone(words), readings, strict=True))
    ]


def _reading(line: str, place: int, lone: bool) -> str | None:
    character = line[place]
    if character == "地" and follows_adverb(line, place, _IDIOMS):
        return "de5"
    if found := reading_in_word(line, place):
        return found
    if character in _PARTICLES:
        return reading_of_particle(line, place, lone)
    return reading_in_context(line, place) or (lone_reading(character) if lone else None)


def _lone(words: Sequence[str]) -> Iterator[bool]:
    """Yield True for each character of a line that is a word by itself, otherwise False."""
    for word in words:
        yield from [len(word) == 1] * len(word)
