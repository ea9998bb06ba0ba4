"""How a line of lyrics is read aloud: a syllable per Chinese character, several per Latin word or number."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from model.shared.chinese_numbers import NUMBER, in_chinese
from model.song import Syllable
from model.studio.lyrics.chinese.mandarin import read_mandarin
from model.studio.lyrics.english_numbers import ORDINAL, in_english, ordinal
from model.studio.lyrics.latin import plain_letters, syllabify
from model.studio.voice.english import pronounce

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"
_WORD = f"[{_LATIN}]+(?:['’][{_LATIN}]+)*"
_TOKEN = re.compile(
    rf"(?P<hanzi>[{_HANZI}]+)|(?P<latin>{_WORD})|(?P<ordinal>{ORDINAL})|(?P<number>{NUMBER})|(?P<other>.)", re.DOTALL
)
_CHINESE = re.compile(f"[{_HANZI}]")
_UNSUNG_SYMBOLS = frozenset("~～+＋=＝*^`´|<>＜＞$￥♪♫♩♬…")

_AND = frozenset("&＆")


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
    """Read a line; its numbers are said in Chinese where `chinese`, else in English.

    In Mandarin the neutral tone is 5 and `ü` is spelt `v`. Punctuation is silent.
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
    elif match.lastgroup == "number" and chinese:
        before, after = match.string[: match.start()], match.string[match.end() :]
        lexical, sung = (in_chinese(token, before, after, connected=connected) for connected in (False, True))
        yield from map(_mandarin, _shared(token, len(sung)), lexical, sung)
    elif match.lastgroup == "number":
        yield from _said(token, in_english(token))
    elif match.lastgroup == "ordinal":
        yield from _said(token, ordinal(token))
    elif token in _AND:
        chinese_before = is_chinese(match.string[: match.start()].rstrip()[-1:])
        yield from [_mandarin(token, "he2", "he2")] if chinese_before else _said(token, ["and"])


def _read_hanzi(run: str) -> Iterator[Syllable]:
    for character, lexical, sung in zip(run, *read_mandarin(run), strict=True):
        if sung[-1:].isdigit():
            yield _mandarin(character, lexical, sung)


def _mandarin(written: str, lexical: str, sung: str) -> Syllable:
    """The syllable of two readings with tone digits, which differ at most in them."""
    return Syllable(written, sung[:-1], tone=int(lexical[-1]), sung_tone=int(sung[-1]))


def _read_word(word: str, chinese: bool) -> Iterator[Syllable]:
    letter_in_chinese = chinese and word == "A"
    spoken = (("ey",),) if letter_in_chinese else pronounce(_letters(word))
    pieces = _fitted(syllabify(word), len(spoken))
    for n, (piece, phones) in enumerate(zip(pieces, spoken, strict=True)):
        yield Syllable(piece, " ".join(phones), starts_word=n == 0)


def _said(token: str, words: Sequence[str]) -> Iterator[Syllable]:
    """What is not written as a word, said in English words."""
    spoken = [phones for word in words for phones in pronounce(word)]
    for n, (piece, phones) in enumerate(zip(_shared(token, len(spoken)), spoken, strict=True)):
        yield Syllable(piece, " ".join(phones), starts_word=n == 0)


def _letters(word: str) -> str:
    """The word in plain letters and apostrophes, in capitals where it is all capitals."""
    plain = "".join(c for c in plain_letters(word.replace("’", "'")) if c.isascii() and (c.isalpha() or c == "'"))
    return plain.upper() if word.isupper() else plain


def _fitted(pieces: Sequence[str], count: int) -> list[str]:
    """The pieces of a word as `count` of them: the last joined where they are more, the word shared where fewer."""
    if len(pieces) < count:
        return _shared("".join(pieces), count)
    return [*pieces[: count - 1], "".join(pieces[count - 1 :])]


def _shared(written: str, count: int) -> list[str]:
    """What is written, in `count` parts of equal length or one sign less; the later of too many are empty."""
    edges = [-(-part * len(written) // count) for part in range(count + 1)]
    return [written[a:b] for a, b in pairwise(edges)]


def _is_unreadable(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNS" and character not in _UNSUNG_SYMBOLS
