"""Removes signs at the start of lines (comments, bullets, numbers), and splits lines at slashes."""

import re
from collections.abc import Sequence

from model.shared.lyrics.lines import Line, Notes, words_of
from model.shared.lyrics.repeats import has_signs
from model.shared.lyrics.tags import Heading, read_tag

_COMMENT = re.compile(r"(?:#{1,6}\s+|//+\s*|--\s+|/\*+\s*|;\s+|%\s+)(.*?)\s*(?:\*+/)?")
_BULLET = re.compile(r"^(?:(?:[-*+–]|- \[[ x]\])\s+(?=\S)|[•·‣◦▪▫●○■□◆◇★☆►▶→»♪♫♩♬✦✧]\s*(?=\S)|>\s?(?=\S))+")
_NOTE_SIGNS = re.compile(r"^[♪♫♩♬\s]+|[♪♫♩♬\s]+$")
_NUMBER = re.compile(
    r"^(?:(?:line\s*|l(?=\d))?[(（]?(\d{1,3})(?:\s*[.、)）:：|]\s*(?!\d)|\s+(?=\S))|([①-⑳])\s*|"
    r"第?([一二三四五六七八九十]{1,3})(?:、|句[:：]\s*))(?=\S)",
    re.IGNORECASE,
)
_STANZA_NUMBER = re.compile(r"(?:(\d{1,2})|(I{1,3}|IV|VI{0,3}))\s*[.、):：]")
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")
_NUMERALS = "零一二三四五六七八九十"
_RULE = re.compile(r"[-=_*~–—·.•#+\s]{3,}|[|]")
_SLASH = re.compile(r"\s*(?:/{1,2}|[／|｜\\])\s*")
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\d_]{2,}")
_FEWEST_WORDS = 3


def without_comments(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines; comments and horizontal rules become blank, and a comment that names a section becomes the
    section's tag. `notes` collects remarks for the caller.
    """
    kept = [Line(line.number, "" if _RULE.fullmatch(line.text) else _uncommented(line.text)) for line in lines]
    if not any(line.text for line in kept):  # if all lines are marked, the signs are not comment marks
        return [Line(line.number, _COMMENT.sub(r"\1", line.text)) for line in lines]
    comments = [old.text for old, new in zip(lines, kept, strict=True) if _COMMENT.fullmatch(old.text) and not new.text]
    if comments:
        notes.say("comments are not sung", *comments)
    return kept


def _uncommented(text: str) -> str:
    match = _COMMENT.fullmatch(text)
    if match is None:
        return text
    inside = match[1].strip("#*_- ")
    return f"[{inside.strip('[]')}]" if isinstance(read_tag(inside.strip("[]").rstrip(":： ")), Heading) else ""


def without_list_marks(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines without bullets, without music notes at the start and end of lines, and without the line numbers
    of a numbered text. `notes` collects remarks for the caller.
    """
    plain = [Line(line.number, _NOTE_SIGNS.sub("", _BULLET.sub("", line.text))) for line in lines]
    unnumbered = _unnumbered(_without_stanza_numbers(plain))
    if unnumbered != plain:
        notes.say("the numbers of lines are not sung")
    return unnumbered


def _without_stanza_numbers(lines: list[Line]) -> list[Line]:
    """Return the lines; a line that consists of a stanza number ("1.", "II.") becomes blank, if these numbers count up
    one by one.
    """
    found = [match for line in lines if (match := _STANZA_NUMBER.fullmatch(line.text))]
    numbers = [int(match[1]) if match[1] else _ROMAN.index(match[2].upper()) for match in found]
    if len(numbers) < 2 or numbers != list(range(1, len(numbers) + 1)):
        return lines
    return [Line(line.number, "" if _STANZA_NUMBER.fullmatch(line.text) else line.text) for line in lines]


def _unnumbered(lines: list[Line]) -> list[Line]:
    """Return the lines without line numbers, if at least two numbers count up one by one and nearly all lines have a
    number.
    """
    words = [line for line in words_of(lines) if line.text[0] not in "[［【〔"]
    found = [match for line in words if (match := _NUMBER.match(line.text))]
    if len(found) < 2 or len(found) < 0.7 * len(words) or not _counted([_number(match) for match in found]):
        return lines
    if any(match[0].strip().isdigit() for match in found) and len(found) < len(words):
        return lines
    return [Line(line.number, _NUMBER.sub("", line.text)) for line in lines]


def _number(match: re.Match[str]) -> int:
    if match[3]:
        tens, ten, ones = match[3].rpartition("十")
        return 10 * (_NUMERALS.index(tens[:1] or "一") if ten else 0) + (_NUMERALS.index(ones[0]) if ones else 0)
    return int(match[1]) if match[1] else ord(match[2]) - ord("①") + 1


def _counted(numbers: Sequence[int]) -> bool:
    """Return True if `numbers` count up one by one from 0 or 1; counting may start again at any number."""
    before = [0, *numbers[:-1]]
    return numbers[0] <= 1 and all(b == a + 1 or b == 1 for a, b in zip(before, numbers, strict=True) if b != 0)


def without_slashes(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines; a line is split at its slashes or bars if every phrase between them has at least three words,
    because they then stand for line ends. `notes` collects remarks for the caller.
    """
    cut: list[Line] = []
    for line in lines:
        phrases = [] if has_signs(line.text) else [phrase for phrase in _SLASH.split(line.text) if phrase]
        if len(phrases) > 1 and all(len(_WORDS.findall(phrase)) >= _FEWEST_WORDS for phrase in phrases):
            notes.say("slashes are taken as the ends of lines")
            cut += [Line(line.number, phrase) for phrase in phrases]
        else:
            cut.append(line)
    return cut
