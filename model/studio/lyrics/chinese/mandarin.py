"""Converts Chinese characters to pinyin readings that depend on the words around them, and applies tone sandhi."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pypinyin import Style, lazy_pinyin, pinyin
from pypinyin.seg.mmseg import seg

from model.studio.lyrics.chinese.polyphones import corrected
from model.studio.lyrics.chinese.simplified import simplified

_NUMERALS = frozenset("第零〇一二三四五六七八九十百千万亿初")
_MULTIPLES = frozenset("百千万亿")
_ENDS_WITH_ONE = frozenset("唯统之专期周")
_QIAN = re.compile("干(?=[坤隆])")
_AS_SIMPLIFIED = frozenset("著乾沒")
"""Traditional characters that get the readings of their simplified forms, because the dictionary lacks their own."""

_BEFORE_SANDHI = {("一", "yi2"): "yi1", ("一", "yi4"): "yi1", ("不", "bu2"): "bu4", ("了", "liao2"): "liao3"}
"""Lexical readings of characters for which the dictionaries give readings after tone sandhi in some words."""

_NOTHING_GIVEN: Mapping[int, str] = MappingProxyType({})
_PARTICLE_ZHE = re.compile(r"著(?![名作者称稱述])(?<![名显顯土原巨论論]著)")


class MandarinReadings(NamedTuple):
    """Pinyin readings of a string of Chinese characters, each with a tone digit: 5 for the neutral tone, and `v` for ü.

    A reading is an empty string for a character that is not in the dictionary.

    Attributes:
        lexical: the reading of each character with its dictionary tone.
        sung: the reading of each character with its tone in connected speech, after tone sandhi.
    """

    lexical: list[str]
    sung: list[str]


def load() -> None:
    """Open the dictionaries of Chinese readings now, before the first request.

    Raises:
        EngineUnavailable: the table of characters is missing or damaged.
    """
    read_mandarin("聽歌")


def known_readings(character: str) -> frozenset[str]:
    """Return all readings of a character in the dictionary, each with a tone digit; empty for a character that is not
    in the dictionary.
    """
    own = pinyin([character], style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)
    return frozenset(reading for reading in own[0] if _is_reading(reading))


def read_mandarin(run: str, given: Mapping[int, str] = _NOTHING_GIVEN) -> MandarinReadings:
    """Return the pinyin reading of each character of `run`, a string of Chinese characters. `given` maps positions in
    `run` to readings that replace those of the dictionary.

    Third tones, 一 and 不 change before other tones as Chao describes ("A Grammar of Spoken Chinese", 1968, section
    1.3.4): of consecutive third tones those within words change first, then the remaining ones from the end.
    """
    spelt = _QIAN.sub("乾", simplified(_PARTICLE_ZHE.sub("着", run)))
    words = list(seg.cut(spelt))
    readings = corrected(words, _looked_up(words))
    for place, (character, plain) in enumerate(zip(run, spelt, strict=True)):
        if character != plain and character not in _AS_SIMPLIFIED:
            readings[place] = _own_reading(character, readings[place])
        readings[place] = given.get(place, readings[place])
    lexical, sung = list(map(_lexical, spelt, readings)), _connected(spelt, words, readings)
    for place, reading in given.items():
        lexical[place] = sung[place] = reading
    return MandarinReadings(lexical, sung)


def _looked_up(words: Sequence[str]) -> list[str]:
    found = lazy_pinyin(list(words), style=Style.TONE3, neutral_tone_with_five=True)
    return [part for item in found for part in ([item] if _is_reading(item) else [""] * len(item.rstrip("5")))]


def _is_reading(item: str) -> bool:
    """Return True if an item from the pinyin dictionary is pinyin, not an unknown character with a tone digit."""
    return item.isascii() and item[-1:].isdigit()


def _own_reading(character: str, reading: str) -> str:
    """Return a reading of a traditional character, given the dictionary's `reading` of its simplified form.

    The result is `reading` if the traditional character also has that reading or the tone is neutral, otherwise the
    first reading of the traditional character.
    """
    own = [*pinyin([character], style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0]]
    if not own or not _is_reading(own[0]) or reading in own or reading.endswith("5"):
        return reading
    return own[0]


def _lexical(character: str, reading: str) -> str:
    """Return the reading of a character with its dictionary tone, given the dictionary's `reading`, which already
    follows tone sandhi in some words.
    """
    return _BEFORE_SANDHI.get((character, reading), reading)


def _connected(run: str, words: Sequence[str], readings: list[str]) -> list[str]:
    for first, last in _spans(words):
        readings[first:last] = third_tones(readings[first:last])
    readings = third_tones(readings)
    return [_one_and_not(run, readings, place) for place in range(len(run))]


def _spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    first = 0
    for word in words:
        yield first, first + len(word)
        first += len(word)


def third_tones(readings: Sequence[str]) -> list[str]:
    """Apply third-tone sandhi: return the readings with each third tone that stands before another third tone changed
    to a second tone.

    The change goes from the last reading to the first, so of a sequence of third tones every second one changes.
    """
    spoken = list(readings)
    for place in range(len(spoken) - 2, -1, -1):
        if spoken[place].endswith("3") and spoken[place + 1].endswith("3"):
            spoken[place] = spoken[place][:-1] + "2"
    return spoken


def _one_and_not(run: str, readings: Sequence[str], place: int) -> str:
    """Return the reading of the character at index `place` after tone sandhi: the tones of 一 and 不 depend on the tone
    of the next character; other readings stay.
    """
    reading, following = readings[place], "".join(readings[place + 1 : place + 2])
    falling = following.endswith("4")
    if run[place] == "不" and reading == "bu4":
        return "bu2" if falling else "bu4"
    if run[place] != "一" or reading != "yi1" or not following:
        return reading
    before, after = run[place - 1] if place else "", run[place + 1]
    if before in _NUMERALS | _ENDS_WITH_ONE or after in _NUMERALS - _MULTIPLES:
        return reading
    return "yi2" if falling else "yi4"
