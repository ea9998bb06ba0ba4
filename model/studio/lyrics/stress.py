"""Estimates the stress of the syllables of a line: function words are weak, the first syllables of words are strong,
phrases begin after punctuation.
"""

import unicodedata
from collections.abc import Iterable, Iterator

from pypinyin.seg.mmseg import seg

from model.song import LyricLine
from model.studio.lyrics.chinese.simplified import simplified
from model.studio.notation.stress import Stress

_WEAK_CHARACTERS = frozenset("的了着地得过吗呢吧啊呀哦嘛就也都还又把被在和与跟而之")
_ENGLISH = (
    "a an the of to in on at by for from with and or but as is are was were be been am i'm it it's its that this you "
    "me my your our their his her we us they he she i do does did will would can could so if than then there"
)
_WEAK_WORDS = frozenset(_ENGLISH.split())
_NEUTRAL = 5


def stresses(line: LyricLine) -> tuple[Stress, ...]:
    """Return the estimated stress of each syllable of a line."""
    starts = _word_starts(line)
    weights: list[Stress] = []
    position = 0
    for number, syllable in enumerate(line.syllables):
        start = line.text.index(syllable.text, position)
        opens = bool(number) and _is_pause(line.text[position:start], chinese=syllable.tone > 0)
        position = start + len(syllable.text)
        if _is_weak(line, number):
            weights.append(Stress.WEAK)
        elif opens:
            weights.append(Stress.PHRASE)
        else:
            begins = syllable.starts_word if syllable.tone == 0 else start in starts
            weights.append(Stress.STRONG if begins else Stress.PLAIN)
    return tuple(weights)


def _is_pause(gap: str, *, chinese: bool) -> bool:
    return any(unicodedata.category(character)[0] == "P" for character in gap) or (chinese and bool(gap))


def _is_weak(line: LyricLine, number: int) -> bool:
    syllable = line.syllables[number]
    if syllable.tone:
        return syllable.sung_tone == _NEUTRAL or syllable.text in _WEAK_CHARACTERS
    return _word_at(line, number) in _WEAK_WORDS


def _word_at(line: LyricLine, number: int) -> str:
    """Return the Latin word that syllable `number` of a line belongs to, in lower case; empty for a Chinese
    character.
    """
    first = number
    while first and not line.syllables[first].starts_word:
        first -= 1
    parts = [line.syllables[first].text]
    for syllable in line.syllables[first + 1 :]:
        if syllable.starts_word or syllable.tone:
            break
        parts.append(syllable.text)
    return "".join(parts).lower()


def _word_starts(line: LyricLine) -> frozenset[int]:
    """Return the indices of the characters in a line at which a Chinese word begins."""
    if not any(syllable.tone for syllable in line.syllables):
        return frozenset()
    return frozenset(_starts(seg.cut(simplified(line.text))))


def _starts(words: Iterable[str]) -> Iterator[int]:
    place = 0
    for word in words:
        yield place
        place += len(word)
