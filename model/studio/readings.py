"""How a line of lyrics is read aloud: one syllable per Chinese character or digit, Latin words cut into syllables."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pypinyin import Style, lazy_pinyin

from model.engine import Syllable
from model.studio.latin import plain_letters, syllabify
from model.studio.voice.english import pronounce

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"
_WORD = f"[{_LATIN}]+(?:['’][{_LATIN}]+)*"
_TOKEN = re.compile(rf"(?P<hanzi>[{_HANZI}]+)|(?P<latin>{_WORD})|(?P<digit>\d)|(?P<other>.)", re.DOTALL)
_CHINESE = re.compile(f"[{_HANZI}]")
_UNSUNG_SYMBOLS = frozenset("~～+＋=＝*^`´|<>＜＞$￥♪♫♩♬…")

_CHINESE_DIGITS = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_ENGLISH_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_OVERRIDES = {
    "重来": "chong2 lai2",
    "重來": "chong2 lai2",
    "重複": "chong2 fu4",
    "都会": "dou1 hui4",
    "都會": "dou1 hui4",
    "大都会": "da4 du1 hui4",
    "大都會": "da4 du1 hui4",
    "音樂": "yin1 yue4",
    "落下": "luo4 xia4",
    "数星星": "shu3 xing1 xing1",
    "數星星": "shu3 xing1 xing1",
    "数着": "shu3 zhe5",
    "跑得": "pao3 de5",
    "飞得": "fei1 de5",
    "飛得": "fei1 de5",
    "走得": "zou3 de5",
    "爱得": "ai4 de5",
    "愛得": "ai4 de5",
    "变得": "bian4 de5",
    "變得": "bian4 de5",
    "笑得": "xiao4 de5",
    "哭得": "ku1 de5",
    "嗯": "en5",
}
"""Words of songs that the pinyin dictionary reads otherwise."""
_ADVERB = re.compile(r"(.)\1地")
_NUMERALS = frozenset("第零〇一二三四五六七八九十百千万萬初")
_DRY = re.compile("乾(?![坤隆])")
_PARTICLE_ZHE = re.compile(r"著(?![名作者称稱述])(?<![名显顯土原巨论論]著)")


@dataclass(frozen=True, slots=True)
class Reading:
    """The syllables of one line in order, and the letters and symbols that could not be sung."""

    syllables: tuple[Syllable, ...]
    skipped: frozenset[str] = frozenset()


def is_chinese(text: str) -> bool:
    """Whether `text` holds a Chinese character."""
    return _CHINESE.search(text) is not None


def count_chinese(text: str) -> int:
    """How many Chinese characters `text` holds."""
    return sum(1 for _ in _CHINESE.finditer(text))


def read_line(text: str, *, chinese: bool) -> Reading:
    """Read a line; its digits are read one by one, in Chinese where `chinese`, else in English.

    Mandarin tones are those of speech (tone sandhi applied), 5 is neutral; `ü` is spelt `v`. Punctuation is silent.
    """
    syllables: list[Syllable] = []
    skipped: set[str] = set()
    for match in _TOKEN.finditer(text):
        found = list(_read_token(match, chinese))
        syllables += found
        if not found:
            skipped.update(c for c in match.group() if _is_unreadable(c))
    return Reading(tuple(syllables), frozenset(skipped))


def _read_token(match: re.Match[str], chinese: bool) -> Iterator[Syllable]:
    token = match.group()
    if match.lastgroup == "hanzi":
        yield from _read_hanzi(token)
    elif match.lastgroup == "latin":
        yield from _read_word(token, chinese)
    elif match.lastgroup == "digit":
        starts_word = not (match.start() and match.string[match.start() - 1].isdigit())
        yield _read_digit(token, chinese, starts_word)


def _read_hanzi(run: str) -> Iterator[Syllable]:
    for character, reading in zip(run, _pinyin(run), strict=True):
        if reading[-1:].isdigit():
            yield Syllable(character, reading[:-1], int(reading[-1]))


def _pinyin(run: str) -> list[str]:
    """One reading with tone digit per character; the empty string where the dictionary has none."""
    spelt = _PARTICLE_ZHE.sub("着", run)
    found = lazy_pinyin(spelt, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)
    readings = [part for item in found for part in ([item] if item[-1:].isdigit() else [""] * len(item))]
    for phrase, spoken in _OVERRIDES.items():
        for match in re.finditer(phrase, spelt):
            readings[match.start() : match.end()] = spoken.split()
    for match in _ADVERB.finditer(spelt):
        readings[match.end() - 1] = "de5"
    for match in _DRY.finditer(spelt):
        readings[match.start()] = "gan1"
    return [_yi(spelt, readings, i) for i in range(len(readings))]


def _yi(run: str, readings: list[str], i: int) -> str:
    """The reading at `i`, where a lone 一 bends to the tone after it even inside words of the dictionary."""
    if run[i] != "一" or readings[i] != "yi1" or i + 1 == len(run):
        return readings[i]
    if run[i + 1] in _NUMERALS or (i and run[i - 1] in _NUMERALS):
        return readings[i]
    return "yi2" if readings[i + 1].endswith("4") else "yi4"


def _read_word(word: str, chinese: bool) -> Iterator[Syllable]:
    letter_in_chinese = chinese and word == "A"
    spoken = (("ey",),) if letter_in_chinese else pronounce(_letters(word))
    pieces = _spread(syllabify(word), min(len(spoken), len(word)))
    for n, (piece, phones) in enumerate(zip(pieces, spoken, strict=False)):
        yield Syllable(piece, " ".join(phones), starts_word=n == 0)


def _letters(word: str) -> str:
    """The word in plain letters and apostrophes, in capitals where it is all capitals."""
    plain = "".join(c for c in plain_letters(word.replace("’", "'")) if c.isascii() and (c.isalpha() or c == "'"))
    return plain.upper() if word.isupper() else plain


def _spread(pieces: tuple[str, ...], count: int) -> list[str]:
    """The pieces of a word as `count` of them: the last ones joined where they are more, long ones cut where fewer."""
    if count == sum(map(len, pieces)):
        return list("".join(pieces))
    spread = [*pieces[: count - 1], "".join(pieces[count - 1 :])] if len(pieces) > count else list(pieces)
    while len(spread) < count:
        longest = max(range(len(spread)), key=lambda i: len(spread[i]))
        half = -(-len(spread[longest]) // 2)
        spread[longest : longest + 1] = [spread[longest][:half], spread[longest][half:]]
    return spread


def _read_digit(digit: str, chinese: bool, starts_word: bool) -> Syllable:
    value = unicodedata.digit(digit)
    if chinese:
        return Syllable(digit, _CHINESE_DIGITS[value][:-1], int(_CHINESE_DIGITS[value][-1]))
    return Syllable(digit, " ".join(chain.from_iterable(pronounce(_ENGLISH_DIGITS[value]))), starts_word=starts_word)


def _is_unreadable(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNS" and character not in _UNSUNG_SYMBOLS
