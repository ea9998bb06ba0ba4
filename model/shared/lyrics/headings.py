"""Finds section tags and headings in a line: in brackets of any kind, marked up as headings, or bare names of
sections.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

from model.shared.lyrics import repeats, singers
from model.shared.lyrics.characters import HANZI
from model.shared.lyrics.names import STRONG
from model.shared.lyrics.singers import Singer
from model.shared.lyrics.tags import Heading, Remark, Repetition, Tag, is_strong, read_tag

Piece: TypeAlias = Tag | str
"""A tag in a line, or a text of words."""

_DOUBLED = re.compile(r"([\[［【{<}\]］】>])\1+")
_NESTED = re.compile(r"\[([^\[\]]{1,40})\[([^\[\]]{1,40})\]\]?")
_LONGEST_HEADING = 80
_TAG = re.compile(r"[\[［【〔〖]([^\[\]［］【】〔〕〖〗]*)[\]］】〕〗]")
_OPEN, _CLOSE = "[［【〔〖", "]］】〕〗"
_MARKED = "a-züÜ"
_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ"
_READING = re.compile(
    rf"(?:[{_MARKED}:]{{1,6}}[0-5]|"
    rf"[{_MARKED}]{{0,5}}[{_TONED}][{_MARKED}]{{0,5}})(?:[\s'-]*(?:[{_MARKED}:]{{1,6}}[0-5]|"
    rf"[{_MARKED}]{{0,5}}[{_TONED}][{_MARKED}]{{0,5}}))*",
    re.IGNORECASE,
)
_ENCLOSED = re.compile(r"[(（{「『《〈<“\"]\s*([^()（）{}「」『』《》〈〉<>“”\"]{1,60})\s*[)）}」』》〉>”\"]\s*[:：]?")
_ENCLOSED_TAG_AND_WORDS = re.compile(r"[(（{]\s*([^()（）{}]{1,30})\s*[)）}]\s*[:：]?\s*(\S.*)")
_NAME_AND_WORDS = re.compile(rf"((?:{'|'.join(sorted(STRONG))})\s?\d{{0,2}})\s+([{HANZI}].*)", re.IGNORECASE)
_DIRECTED = re.compile(r"[(（]\s*([^()（）]{1,30}?)\s*[)）]\s*(\S.*)")
_DIRECTED_BEHIND = re.compile(r"(.*\S)\s*[(（]\s*([^()（）]{1,30}?)\s*[)）]")
_ENCLOSED_TWICE = re.compile(r"[(（]\s*([^()（）]{1,40}?)\s*[(（]([^()（）]{1,40})[)）]\s*[)）]")
_CLOCK_BESIDE = re.compile(
    r"^\d{1,2}:\d{2}\s+(?=\D)|(?<=\S)\s*[(（]\s*\d{1,2}:\d{2}(?:\s*[-–—~]\s*\d{1,2}:\d{2})?\s*[)）]$"
)
_SUNG_BY = re.compile(r"[(（]\s*([男女合][声聲生]?|男女合?|合唱|齐唱)\s*[)）]\s*[:：]?")
_PART = re.compile(
    r"[a-d]\d|[a-d]\s*[段节節部](?:落|分)?|第?\s*[一二三四五六七八九十\d]+\s*[段节節]|\d\s*절|"
    r"(?:rap|说唱|說唱|合唱|独白|獨白)\s*(?:部分|段落?)|"
    r"(?:beat|bass)\s+drop",
    re.IGNORECASE,
)
_MISSPELT = re.compile(r"(?:v[ers]{2,4}[ces]{1,2}e?|ch?[oru]{2,4}s{1,2}|brid?[gde]{1,3}e)\s*\d?", re.IGNORECASE)
_PLAYERS = (
    r"(?:(?:electric|acoustic|lead|bass|short|long)\s+)?(?:guitar|piano|sax|saxophone|drums?|bass|violin|cello|"
    r"synth|keys?|keyboards?|strings?|trumpet|flute|"
    r"harmonica|organ|brass|horns?|instrumental|music(?:al)?)"
)
_BESIDE_TAG = re.compile(
    rf"//.*|[(（][^()（）]*(?:\b(?:{_PLAYERS}|vocals?|voice|soft|softly|slow|whispered|spoken|powerful|acoustic|"
    r"energetic|choir|beat)\b|轻声|吉他|钢琴|人声|弦乐)[^()（）]*[)）]",
    re.IGNORECASE,
)
"""Regular expression for directions on how to sing or play a section, in the line of its tag."""
_COLON = re.compile(r"(.{1,40}?)\s*[:：]\s*(.*)")
_DASHED = re.compile(r"\W*[-–—=~*#]\s*(\w[^-–—=~*#]{0,38}?)\s*[-–—=~*#]\W*")
_REPEAT = re.compile(r"repeat\s", re.IGNORECASE)
_PLAYED = re.compile(
    rf"{_PLAYERS}\s+(?:solo|interlude|intro|outro|break)|"
    r"(?:电|木|電)?(?:吉他|钢琴|鋼琴|贝斯|萨克斯|小提琴|大提琴|二胡|古筝|笛子|弦乐|键盘|鼓)(?:独奏|獨奏|间奏|"
    r"間奏|前奏|尾奏|\s*solo)|music|音乐|音樂",
    re.IGNORECASE,
)
_DIRECTION = re.compile(
    r"(?:(?:very|more|getting|slightly)\s+)?(?:whisper(?:ed|ing|s)|spoken(?: word)?|soft(?:ly|er)|loud(?:ly|er)|"
    r"quiet(?:ly|er)|slow(?:ly|er)|faster|applause|cheering|laugh(?:s|ing|ter)|sigh(?:s|ing)|breath(?:es|ing)|"
    r"echo(?:es|ing|ed)|ad-?\s?libs?|humming|hums|whistl(?:es|ing)|fad(?:es|ing)(?: (?:out|in|away))?|fade (?:out|in)|"
    r"key change|modulation|a ?cappella|scream(?:s|ing|ed)|shout(?:s|ing|ed)|clap(?:s|ping)|harmony|harmonies|"
    r"falsetto|crescendo|decrescendo|ritardando|instruments? only|no vocals?)(?:\s+(?:softly|slowly|quietly|voice))?|"
    r"轻声|輕聲|低声|小声|渐弱|漸弱|渐强|漸強|渐慢|淡出|淡入|笑声|叹气|停顿|转调|轉調|清唱|哼唱|口哨|掌声|欢呼声|旁白|真声|假声",
    re.IGNORECASE,
)


def pieces(text: str) -> Iterator[Piece]:
    """Split a line that is not blank into its tags and its words, in order; words have no surrounding spaces and are
    never empty.
    """
    text = _NESTED.sub(r"[\1(\2)]", _DOUBLED.sub(r"\1", text))
    tag = _whole_line(text) if len(text) <= _LONGEST_HEADING else None
    if tag is not None:
        yield tag
        return
    if _has_any_bracket(text):
        yield from _bracketed(text)
        return
    yield from _opened(text)


def _has_any_bracket(text: str) -> bool:
    return any(sign in text for sign in _OPEN + _CLOSE)


def has_brackets(text: str) -> bool:
    """Return True if a line begins with an opening bracket of a tag."""
    return text[:1] in _OPEN


def _whole_line(text: str) -> Tag | None:
    """Return the tag of a line that as a whole is a tag without square brackets; `None` for any other line."""
    if times := repeats.times_of_text(text):
        return Repetition(times, repeats.is_counted(text))
    text = _CLOCK_BESIDE.sub("", text) or text
    if match := _ENCLOSED_TWICE.fullmatch(text):
        return _enclosed(f"{match[1]} - {match[2]}", in_quotes=False)
    if match := _ENCLOSED.fullmatch(text):
        return _enclosed(match[1], in_quotes=text[0] not in "(（{<")
    if match := _DASHED.fullmatch(text):
        heading = read_tag(match[1])
        return heading if isinstance(heading, Heading) and heading.exact else None
    colon = _COLON.fullmatch(text)
    found = None if (colon and colon[2]) or _has_any_bracket(text) else read_tag(text)
    if not isinstance(found, Heading):
        return None
    if is_strong(found, text) or _PLAYED.fullmatch(text) or _REPEAT.match(text):
        return found
    if colon and _tells(colon[1]):
        return found
    return None


def _enclosed(content: str, *, in_quotes: bool) -> Tag | None:
    found = read_tag(content)
    if in_quotes:
        return found if isinstance(found, Heading) and is_strong(found, content) else None
    if (singer := singers.singer_of(content)) is not None:
        return singer
    if isinstance(found, Heading):
        return found if found.exact or _tells(content) else None
    if isinstance(found, Remark):
        return found if _DIRECTION.fullmatch(content) or _PLAYED.fullmatch(content) else None
    return found


def _tells(text: str) -> bool:
    """Return True if a text in brackets or before a colon is a section heading: it has or misspells the name of a
    section, says that an instrument plays, or has the number or letter of a part.
    """
    return bool(_names(text) or _PLAYED.fullmatch(text) or _PART.fullmatch(text) or _MISSPELT.fullmatch(text))


def _names(text: str) -> bool:
    """Return True if a text contains the name of a section."""
    return bool(STRONG & set(re.findall(r"[a-z]+", text.lower()))) or any(n in text for n in STRONG if not n.isascii())


def _opened(text: str) -> Iterator[Piece]:
    """Split a line into a heading and the words after it ("副歌：风吹过来"); without a heading, the line is yielded as
    words.
    """
    for pattern in (_COLON, _ENCLOSED_TAG_AND_WORDS, _NAME_AND_WORDS):
        match = pattern.fullmatch(text)
        found = read_tag(match[1]) if match else None
        if match is None or not isinstance(found, Heading) or singers.singer_of(match[1]):
            continue
        if is_strong(found, match[1]) or (found.exact and not (match[2] and match[1].isascii())):
            yield found
            if match[2]:
                yield match[2]
            return
    yield from _by_singers(text)


def _by_singers(text: str) -> Iterator[Piece]:
    """Split a line at the singers' marks in it ("（女）潮水（男）退去了"), and yield singers and words in order."""
    parts = [part.strip() for part in _SUNG_BY.split(text)]
    words, marks = parts[::2], parts[1::2]
    if len(marks) < 2:
        yield from _directed(text)
        return
    behind = bool(words[0]) and not words[-1]
    marked = list(zip(marks, words if behind else words[1:], strict=False))
    for piece in (*([] if behind else words[:1]), *(piece for mark, part in marked for piece in (mark, part))):
        if piece:
            yield singers.singer_of(piece) or piece


def _directed(text: str) -> Iterator[Piece]:
    """Split a line into its words and a stage direction in round brackets before or after them, and yield both in
    order; a line without a stage direction is yielded whole.
    """
    before, behind = _DIRECTED.fullmatch(text), _DIRECTED_BEHIND.fullmatch(text)
    if before and _DIRECTION.fullmatch(before[1]):
        yield from (Remark(before[1]), before[2])
    elif behind and _DIRECTION.fullmatch(behind[2]) and behind[2] not in behind[1]:
        yield from (behind[1], Remark(behind[2]))
    else:
        yield text


def _bracketed(text: str) -> Iterator[Piece]:
    start, paired = 0, False
    for match in _TAG.finditer(text):
        paired = True
        if _is_reading(match):
            continue
        yield from _words(text[start : match.start()])
        if match[1].strip():
            closing = match[1].lstrip().startswith("/")
            yield Remark(match[1]) if closing else read_tag(match[1])
        start = match.end()
    yield from _words(text[start:]) if paired else _unpaired(text)


def _is_reading(match: re.Match[str]) -> bool:
    """Return True if brackets contain the pronunciation of the character before them ("行[hang2]")."""
    before = match.string[match.start() - 1 : match.start()]
    return bool(re.match(f"[{HANZI}]", before)) and _READING.fullmatch(match[1].strip()) is not None


def _unpaired(text: str) -> Iterator[Piece]:
    """Split a line with an unpaired bracket: yields a tag if the line without the bracket is one, otherwise words."""
    half = text.strip(_OPEN + _CLOSE + " ")
    found = read_tag(half)
    if (isinstance(found, Heading) and found.exact) or isinstance(found, Singer):
        yield found
    elif text[0] in _OPEN or text[-1] in _CLOSE:
        yield from _words(half)
    else:
        yield from _opened(text)


def _words(text: str) -> Iterator[Piece]:
    words = re.sub(r"^\s*(?:[:：]|[-–—]\s)\s*|\s+;\s*$", "", text).strip()
    if _BESIDE_TAG.fullmatch(words):
        yield Remark(words.strip("()（）/ "))
        return
    if times := repeats.times_of_text(words):
        yield Repetition(times, repeats.is_counted(words))
    elif words:
        yield words
