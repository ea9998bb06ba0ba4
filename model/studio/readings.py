"""How a line of lyrics is read aloud: one syllable per Chinese character or digit, Latin words cut into syllables."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from model.engine import Syllable
from model.studio.latin import plain_letters, syllabify
from model.studio.mandarin import read_mandarin
from model.studio.voice.english import pronounce

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"
_WORD = f"[{_LATIN}]+(?:['’][{_LATIN}]+)*"
_TOKEN = re.compile(rf"(?P<hanzi>[{_HANZI}]+)|(?P<latin>{_WORD})|(?P<digit>\d)|(?P<other>.)", re.DOTALL)
_CHINESE = re.compile(f"[{_HANZI}]")
_UNSUNG_SYMBOLS = frozenset("~～+＋=＝*^`´|<>＜＞$￥♪♫♩♬…")

_CHINESE_DIGITS = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_ENGLISH_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


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
    for character, reading in zip(run, read_mandarin(run), strict=True):
        if reading[-1:].isdigit():
            yield Syllable(character, reading[:-1], int(reading[-1]))


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
