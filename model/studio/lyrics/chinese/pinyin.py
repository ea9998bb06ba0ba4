"""Parses pinyin that the caller writes in lyrics: readings in brackets as in 行(háng) or 行[hang2], and whole lines of
pinyin.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from model.studio.voice.repertoire import mandarin_syllables

_LONGEST_WORD = 40
_MARKS = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
_TONED_LETTERS = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ"
_LETTERS = f"A-Za-z{_TONED_LETTERS}{_TONED_LETTERS.upper()}üÜêÊ:"
_WORD = rf"[{_LETTERS}0-9]{{1,{_LONGEST_WORD}}}"
_GIVEN = rf"[(（\[［【]\s?(?P<given>{_WORD}(?:[\s'’·-]{_WORD}){{0,7}})\s?[)）\]］】]"
_MEANT = re.compile(rf"[{_LETTERS}]*(?:\d|[{_TONED_LETTERS}][{_LETTERS}]*)", re.IGNORECASE)
"""A pattern for a single word with a tone, which can only be a pinyin reading."""

_TOKEN = re.compile(rf"[{_LETTERS}]+(?:['’][{_LETTERS}]+)*[0-5]?(?:[{_LETTERS}]+[0-5])*")
_LATIN = re.compile(r"[^\W\d_]", re.UNICODE)
_LONGEST_SYLLABLE = 6
_FEWEST_BARE = 3
_ENGLISH_WORDS = (
    "a o e la na da ba ha ma ya wo yo ye hey he she me men long sang ran pan fan man bang gang song so to you "
    "die lie pie sun run fun ban tan dang hang den pen pin bin min nan wan can ta ti di lo li lu mi fa ai ao "
    "an en hong kong chin cheng hi ho hm ng m n no go mo po bo sha cha chi pa tai bai mai dai lei hai sai bye "
    "rang pang tang lang wang one more are chose dance line bone date"
)
_ENGLISH_TOO = frozenset(_ENGLISH_WORDS.split())
"""Mandarin syllables that are also English words or sounds."""


class Toned(NamedTuple):
    """A pinyin syllable as `written` in the lyrics, its `reading` with a tone digit (5 if no tone is written), and
    `toned`, True if a tone is written.
    """

    written: str
    reading: str
    toned: bool


class Given(NamedTuple):
    """A line of lyrics without its pinyin readings in brackets, those readings by character index, and remarks for the
    caller on invalid readings.
    """

    shown: str
    readings: Mapping[int, str]
    notes: tuple[str, ...] = ()


def without_given(text: str, hanzi: str, known: Callable[[str], frozenset[str]]) -> Given:
    """Split a line of lyrics into its text and the pinyin readings in brackets after its Chinese characters.

    Args:
        text: a line of lyrics.
        hanzi: Chinese characters as the inside of a regular expression's character class.
        known: function that returns the readings of a character in the dictionary, each with a tone digit. A reading in
            brackets without a tone must equal one of these apart from the tone.
    """
    if not any(bracket in text for bracket in "(（[［【"):
        return Given(text, {})
    given: dict[int, str] = {}
    wrong: list[str] = []
    shown, end = "", 0
    for match in re.finditer(rf"(?P<run>[{hanzi}]+)\s?{_GIVEN}", text):
        readings = _given(match["run"], match["given"], known)
        if readings:
            shown += text[end : match.end("run")]
            given.update({len(shown) - len(readings) + n: reading for n, reading in enumerate(readings)})
            end = match.end()
        elif _MEANT.fullmatch(match["given"]):
            shown += text[end : match.end("run")]
            wrong.append(f"({match['given']}) is not a pinyin syllable; write it like háng or hang2")
            end = match.end()
    return Given(shown + text[end:], given, tuple(wrong))


def pinyin_line(text: str) -> bool:
    """Return True if all words of a line in Latin letters are pinyin.

    At least half of the words must have tones; or the words must be at least three single syllables, of which at most a
    quarter are English words.
    """
    tokens = [match.group() for match in _TOKEN.finditer(text)]
    if not tokens or len(_LATIN.findall("".join(tokens))) < sum(c.isalpha() and ord(c) < 0x250 for c in text):
        return False
    if any(re.fullmatch(r"[A-Z]\d", token) for token in tokens):  # names such as A4 or O2
        return False
    read = [syllables_of(token) for token in tokens]
    if len(tokens) == 1 and read[0] and _is_french(tokens[0], read[0]):
        return False
    if not all(read):
        return False
    toned = sum(any(syllable.toned for syllable in found) for found in read if found)
    if toned:
        return 2 * toned >= len(tokens)
    own = sum(token.lower() not in _ENGLISH_TOO for token in tokens)
    single = all(len(found) == 1 for found in read if found)
    return single and len(tokens) >= _FEWEST_BARE and 4 * own >= 3 * len(tokens)


def _is_french(token: str, syllables: list[Toned]) -> bool:
    """Return True for a word such as "café" that could be pinyin: é is its only letter with a tone mark, and another
    syllable has no tone.
    """
    return set(token.lower()) & set(_TONED_LETTERS) == {"é"} and not all(one.toned for one in syllables)


def pinyin_tokens(text: str) -> Iterator[re.Match[str]]:
    """Return the words of a line of pinyin, as regular expression matches."""
    return _TOKEN.finditer(text)


def syllables_of(token: str) -> list[Toned] | None:
    """Return the syllables of a word of pinyin, such as nǐhǎo, wo3men5 or Xi'an; `None` for a word that is not
    pinyin.
    """
    if len(token) > _LONGEST_WORD:
        return None
    found: list[Toned] = []
    for part in re.split("(?<=['’])|(?<=[0-5])", token):
        if not part:
            continue
        cut = _cut(part)
        if cut is None:
            return None
        found += cut
    return found or None


@lru_cache(maxsize=4096)
def _cut(part: str) -> tuple[Toned, ...] | None:
    """Divide text, with at most one tone digit at its end, into pinyin syllables as long as possible; `None` if the
    text is not pinyin.
    """
    if part in "'’":
        return ()
    for size in range(min(_LONGEST_SYLLABLE + 2, len(part)), 0, -1):
        first = _toned(part[:size])
        rest = part[size:]
        if first is None or (rest and part[size - 1].isdigit()):
            continue
        if not rest:
            return (first,)
        if (after := _cut(rest)) is not None:
            return (first, *after)
    return None


def _toned(written: str) -> Toned | None:
    """Parse a single pinyin syllable with at most one tone mark or tone digit; `None` if the text is not pinyin."""
    tone, letters = "", ""
    for character in unicodedata.normalize("NFD", written.lower().replace("u:", "ü").strip("'’")):
        if character in _MARKS or character in "012345":
            if tone:
                return None
            tone = _MARKS.get(character) or character.replace("0", "5")
        elif character == "\u0308":
            letters = f"{letters[:-1]}v" if letters.endswith("u") else f"{letters}?"
        else:
            letters += character
    letters = re.sub("^(j|q|x|y)v", r"\1u", letters)
    letters = re.sub("^([ln])ue$", r"\1ve", letters)
    return Toned(written, letters + (tone or "5"), bool(tone)) if letters in mandarin_syllables() else None


def _given(run: str, written: str, known: Callable[[str], frozenset[str]]) -> list[str]:
    """Return the pinyin readings, with tone digits, that the bracket text `written` gives for the last characters of
    `run`; an empty list if the text is not valid pinyin for these characters.
    """
    found: list[Toned] = []
    for token in re.split(r"[\s·-]", written):
        toned = syllables_of(token)
        if toned is None:
            return []
        found += toned
    if len(found) > len(run):
        return []
    readings = [_of(character, one, known) for character, one in zip(run[-len(found) :], found, strict=True)]
    return [reading for reading in readings if reading] if all(readings) else []


def _of(character: str, syllable: Toned, known: Callable[[str], frozenset[str]]) -> str | None:
    """Return the reading of a character, with a tone digit, for a written pinyin syllable. A syllable without a tone
    gets the tone from the dictionary; `None` if the dictionary has no such reading of the character.
    """
    if syllable.toned:
        return syllable.reading
    tones = (reading for reading in sorted(known(character)) if reading[:-1] == syllable.reading[:-1])
    return next(tones, None)
