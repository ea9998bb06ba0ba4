"""Converts lines of lyrics to sung syllables: one for each Chinese character, one or more for each Latin word or
number.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from model.shared.chinese_numbers import NUMBER, in_chinese
from model.song import InvalidParams, Syllable, Violation
from model.studio.lyrics.chinese.mandarin import known_readings, read_mandarin, third_tones
from model.studio.lyrics.chinese.pinyin import pinyin_line, pinyin_tokens, syllables_of, without_given
from model.studio.lyrics.english_numbers import (
    ABBREVIATION,
    ORDINAL,
    SAID,
    SIGNS,
    SPELT,
    abbreviated,
    in_english,
    ordinal,
    spelt_word,
)
from model.studio.lyrics.latin import plain_letters, syllabify
from model.studio.voice.english import letter, pronounce
from model.studio.voice.repertoire import can_be_sung

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"
_WORD = (
    rf"(?<![{_LATIN}])['’](?:cause|cuz|til|em|round|bout|fore|neath|tis|twas|n)(?![{_LATIN}])['’]?"
    rf"|[{_LATIN}]+(?:['’`´][{_LATIN}]+)*(?:(?<=in)['’](?![{_LATIN}])|(?<=ol)['’](?![{_LATIN}]))?"
)
_FACE = r"<3(?!\d)|[:;]-?[)(DP](?![A-Za-z])"
_TOKENS = {
    chinese: re.compile(
        rf"(?P<hanzi>[{_HANZI}]+)|(?P<face>{_FACE})|(?P<spelt>{SPELT})|(?P<short>{ABBREVIATION})|(?P<ordinal>{ORDINAL})"
        rf"|(?P<number>{NUMBER if chinese else SAID})|(?P<latin>{_WORD})|(?P<other>.)",
        re.DOTALL | re.IGNORECASE,
    )
    for chinese in (False, True)
}
_CHINESE = re.compile(f"[{_HANZI}]")
_UNSUNG_SYMBOLS = frozenset("~～+＋=＝*^`´|<>＜＞$￥¥€£♪♫♩♬…°#@×÷©®™§¶•")
_SIGNS_IN_CHINESE = {"+": "jia1", "＋": "jia1", "=": "deng3 yu2", "＝": "deng3 yu2", "×": "cheng2 yi3", "÷": "chu2 yi3"}
_UNITS_IN_CHINESE = {"km": "公里", "kg": "公斤", "cm": "厘米", "mm": "毫米", "ml": "毫升"}
_AND = frozenset("&＆")
_MOST_WORDS = 2000
"""Largest number of English words for one number, more than any song has time for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A line of lyrics as it is displayed, with its sung syllables and the parts that cannot be sung.

    Attributes:
        syllables: the sung syllables in order; `text` holds their texts in the same order.
        skipped: letters and symbols that cannot be sung.
        text: the line without the pinyin readings in brackets that the caller has written.
        read: number of letters and digits, of any script, that are sung; a Chinese character is a letter.
        unread: number of letters and digits that are not sung, counted like `read`.
        notes: remarks for the caller on invalid readings in brackets.
    """

    syllables: tuple[Syllable, ...]
    skipped: frozenset[str] = frozenset()
    text: str = ""
    read: int = 0
    unread: int = 0
    notes: tuple[str, ...] = ()

    @property
    def mostly_read(self) -> bool:
        """True if at least half of the line's letters (Chinese characters are letters) and digits can be sung."""
        return self.read >= self.unread


def is_chinese(text: str) -> bool:
    """Return True if `text` has a Chinese character."""
    return _CHINESE.search(text) is not None


def count_chinese(text: str) -> int:
    """Return the number of Chinese characters in `text`."""
    return sum(1 for _ in _CHINESE.finditer(text))


def check_readable(readings: Sequence[Reading]) -> None:
    """Raise an error if less than half of the letters and digits of all lines can be sung; Chinese characters are
    letters.

    Raises:
        InvalidParams: less than half of them can be sung; field "lyrics".
    """
    read, unread = sum(reading.read for reading in readings), sum(reading.unread for reading in readings)
    if unread and read < unread:
        shown = " ".join(sorted(frozenset().union(*(reading.skipped for reading in readings)))[:12])
        reason = (
            f"{unread} of {read + unread} letters cannot be sung ({shown}); Chinese characters, pinyin and Latin "
            "letters can: write the words in these"
        )
        raise InvalidParams(Violation("lyrics", reason))


class TooManySyllables(Exception):
    """The lyrics have more syllables than fit into the longest song."""


def read_line(text: str, *, chinese: bool, most: int = 1 << 20) -> Reading:
    """Convert a line of lyrics to its sung syllables, at most `most`; numbers are read in Chinese if `chinese` is True,
    otherwise in English.

    In Mandarin the neutral tone is 5 and `ü` is spelt `v`. Punctuation is silent. A reading in brackets after a
    character, as in 行(háng) or 行[hang2], overrides the dictionary; a line of pinyin is sung as pinyin. Text that the
    voice cannot sing is skipped.

    Raises:
        TooManySyllables: the line has more than `most` syllables.
        EngineUnavailable: a shipped table is missing or damaged.
    """
    shown, given, notes = without_given(text, _HANZI, known_readings)
    found = _read_pinyin(shown) if pinyin_line(shown) else list(_read_tokens(shown, chinese, given, most))
    return _gathered(shown, found, notes)


def _read_tokens(
    shown: str, chinese: bool, given: Mapping[int, str], most: int
) -> Iterator[tuple[str, list[Syllable]]]:
    for match in _TOKENS[chinese].finditer(shown):
        spoken = list(islice(_read_token(match, chinese, given), most + 1))
        most -= len(spoken)
        if most < 0:
            raise TooManySyllables
        yield match.group(), spoken


def _gathered(shown: str, found: Sequence[tuple[str, list[Syllable]]], notes: tuple[str, ...]) -> Reading:
    """Build the `Reading` of the line `shown` from its tokens and the syllables of each token; tokens that the voice
    cannot sing are left out. `notes` are remarks for the caller on the line.
    """
    syllables: list[Syllable] = []
    skipped: list[str] = []
    for token, spoken in found:
        sung = [syllable for syllable in spoken if can_be_sung(syllable)]
        syllables += sung
        if not sung and not re.fullmatch(_FACE, token):
            skipped += [character for character in token if _is_unreadable(character)]
        elif (sung and (len(sung) < len(spoken))) or _CHINESE.match(token):
            kept = "".join(syllable.text for syllable in sung)
            skipped += [character for character in token if character not in kept and _is_unreadable(character)]
    letters = sum(unicodedata.category(character)[0] in "LN" for character in shown)
    unread = sum(unicodedata.category(character)[0] in "LN" for character in skipped)
    return Reading(tuple(syllables), frozenset(skipped), shown, letters - unread, unread, notes)


def _read_token(match: re.Match[str], chinese: bool, given: Mapping[int, str]) -> Iterator[Syllable]:
    token, before, after = match.group(), match.string[: match.start()], match.string[match.end() :]
    if match.lastgroup == "hanzi":
        here = {place - match.start(): reading for place, reading in given.items()}
        yield from _read_hanzi(token, {place: here[place] for place in here if 0 <= place < len(token)})
    elif match.lastgroup == "latin":
        yield from _read_word(token, chinese, before, after)
    elif match.lastgroup == "number" and chinese:
        yield from _read_number(token, before, after)
    elif token in _SIGNS_IN_CHINESE and chinese:
        if _between_figures(before, after):
            readings = _SIGNS_IN_CHINESE[token].split()
            yield from map(_mandarin, _shared(token, len(readings)), readings, readings)
    elif token in _AND and is_chinese(before.rstrip()[-1:]):
        yield _mandarin(token, "he2", "he2")
    elif words := _english_words(match, before, after):
        yield from _said(token, words)


def _english_words(match: re.Match[str], before: str, after: str) -> list[str]:
    """Return the English words for a token that is not a word, such as a number; empty if the token is silent. `before`
    and `after` are the text on both sides of the token.
    """
    token = match.group()
    if match.lastgroup == "number":
        return in_english(token, after)
    if match.lastgroup == "ordinal":
        return ordinal(token)
    if match.lastgroup == "spelt":
        return spelt_word(token)
    if match.lastgroup == "short":
        return abbreviated(token, after)
    if token in _AND or (token in SIGNS and _between_figures(before, after)):
        return [SIGNS[token]]
    return []


def _between_figures(before: str, after: str) -> bool:
    return before.rstrip()[-1:].isdigit() and after.lstrip()[:1].isdigit()


def _read_number(token: str, before: str, after: str) -> Iterator[Syllable]:
    unit = re.match(r"\s?([A-Za-z]{2})(?![A-Za-z])", after)
    after = _UNITS_IN_CHINESE.get(unit[1].lower(), after) if unit else after
    following = re.match(f"[{_HANZI}]{{1,4}}", after)
    tone = read_mandarin(following.group()).sung[0][-1:] if following else ""
    next_tone = int(tone) if tone.isdigit() else None
    lexical = in_chinese(token, before, after, connected=False)
    sung = in_chinese(token, before, after, next_tone=next_tone)
    yield from map(_mandarin, _shared(token, len(sung)), lexical, sung)


def _read_hanzi(run: str, given: Mapping[int, str]) -> Iterator[Syllable]:
    for character, lexical, sung in zip(run, *read_mandarin(run, given), strict=True):
        if sung[-1:].isdigit():
            yield _mandarin(character, lexical, sung)


def _read_pinyin(line: str) -> list[tuple[str, list[Syllable]]]:
    """Return the tokens of a line of pinyin, which may include Chinese characters, with their syllables in the tones of
    connected speech.
    """
    words = [(match, syllables_of(match.group()) or []) for match in pinyin_tokens(line)]
    spoken = (third_tones([syllable.reading for syllable in toned]) for _, toned in words)
    sung = iter(third_tones([reading for readings in spoken for reading in readings]))
    found: list[tuple[str, list[Syllable]]] = []
    end = 0
    for match, toned in words:
        found += _between_pinyin(line[end : match.start()])
        syllables = [_mandarin(syllable.written, syllable.reading, next(sung)) for syllable in toned]
        found.append((match.group(), [replace(one, starts_word=n == 0) for n, one in enumerate(syllables)]))
        end = match.end()
    return found + _between_pinyin(line[end:])


def _between_pinyin(text: str) -> list[tuple[str, list[Syllable]]]:
    return [(match.group(), list(_read_token(match, True, {}))) for match in _TOKENS[True].finditer(text)]


def _mandarin(written: str, lexical: str, sung: str) -> Syllable:
    """Return the sung syllable of a Chinese character. `lexical` is its pinyin in the dictionary tone, `sung` its
    pinyin in the tone of connected speech; they differ only in the tone digit.
    """
    return Syllable(written, sung[:-1], tone=int(lexical[-1]), sung_tone=int(sung[-1]))


def _read_word(word: str, chinese: bool, before: str, after: str) -> Iterator[Syllable]:
    if chinese and before.rstrip()[-1:].isdigit() and (unit := _UNITS_IN_CHINESE.get(word.lower())):
        readings = read_mandarin(unit)
        yield from map(_mandarin, _shared(word, len(unit)), readings.lexical, readings.sung)
        return
    letter_in_chinese = chinese and word == "A"
    spoken = (("ey",),) if letter_in_chinese else pronounce(_letters(word), before, after)
    pieces = _fitted(syllabify(word), len(spoken))
    for n, (piece, phones) in enumerate(zip(pieces, spoken, strict=True)):
        yield Syllable(piece, " ".join(phones), starts_word=n == 0)


def _said(token: str, words: Sequence[str]) -> Iterator[Syllable]:
    """Yield the sung syllables of a number or sign that is spoken as English `words`; words after the first
    `_MOST_WORDS` are left out.
    """
    words = words[:_MOST_WORDS]
    spoken = [phones for word in words for phones in (letter(word) if len(word) == 1 else pronounce(word))]
    for n, (piece, phones) in enumerate(zip(_shared(token, len(spoken)), spoken, strict=True)):
        yield Syllable(piece, " ".join(phones), starts_word=n == 0)


def _letters(word: str) -> str:
    """Return a word reduced to plain letters and apostrophes, in capitals if it is written in capitals."""
    spelt = re.sub("[’`´]", "'", word).replace("ß", "ss")
    plain = "".join(c for c in plain_letters(spelt) if c.isascii() and (c.isalpha() or c == "'"))
    return plain.upper() if word.isupper() else plain


def _fitted(pieces: Sequence[str], count: int) -> list[str]:
    """Return the syllables of a word as exactly `count` texts. If there are more syllables, the last ones are joined;
    if there are fewer, the word is divided into texts of nearly equal length.
    """
    if len(pieces) < count:
        return _shared("".join(pieces), count)
    return [*pieces[: count - 1], "".join(pieces[count - 1 :])]


def _shared(written: str, count: int) -> list[str]:
    """Divide the text `written` into `count` texts of nearly equal length; the last ones are empty if there are too few
    letters.
    """
    edges = [-(-part * len(written) // count) for part in range(count + 1)]
    return [written[a:b] for a, b in pairwise(edges)]


def _is_unreadable(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNS" and character not in _UNSUNG_SYMBOLS
