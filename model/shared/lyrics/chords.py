"""Removes chord symbols, tablature and the directives of chord sheets (ChordPro) from lyrics."""

import re
from itertools import pairwise

from model.shared.lyrics.lines import Line, Notes

_CHORD = (
    r"[A-G][#b♯♭]?(?:maj|min|m|M|dim|aug|sus|add|alt|ø|°|Δ|\+|-)?(?:2|4|5|6|7|9|11|13)?(?:(?:maj|sus|add|no|b|#|♭|♯|/)\d{1,2}){0,3}"
    r"(?:\([^()\s]{1,6}\))?(?:/[A-G][#b♯♭]?)?"
)
_NAME = re.compile(_CHORD)
_IN_BRACKETS = re.compile(rf"\[\s*({_CHORD}|N\.?C\.?)\s*\]")
_IN_ROUND_BRACKETS = re.compile(rf"[({{]\s*({_CHORD})\s*[)}}]")
_OPENING_CHORD = re.compile(rf"^[\[(]\s*({_CHORD})\s*[\])]\s*([^\W\d])")
_LABELLED = re.compile(r"([^:：]{1,20})[:：]\s*(.+)")
_BAR_SIGN = re.compile(r"\|+:?|:\|*|/|-|–|—|%|\.|N\.?C\.?|\(?[x×]\d+\)?|\d/\d")
_TABLATURE = re.compile(r"^[eEBGDAd]?\s?\|[-\dhpbrx/\\~|sv().*]{6,}$")
_CHORD_WORDS = re.compile(
    r"(?:chords?|和弦|吉他谱|指法|capo|变调夹)\s*[:：].*|capo\s*\d.*|standard tuning|N\.?C\.?", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"\{\s*([a-z_]{1,20})\s*(?:[:：]\s*([^{}]*))?\}", re.IGNORECASE)
_SHORT = {"soc": "chorus", "sov": "verse", "sob": "bridge", "sot": "tab", "sog": "grid"}
_COMMENTS = frozenset({"c", "ci", "cb", "comment", "comment_italic", "comment_box", "highlight"})
_METADATA = frozenset(
    [
        "t",
        "title",
        "st",
        "subtitle",
        "artist",
        "composer",
        "lyricist",
        "copyright",
        "album",
        "year",
        "key",
        "time",
        "tempo",
        "duration",
        "capo",
        "meta",
        "define",
        "chord",
        "new_page",
        "np",
        "new_song",
        "ns",
        "column_break",
        "colb",
        "columns",
        "col",
        "textfont",
        "textsize",
        "chordfont",
        "chordsize",
    ]
)


def without_chords(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines without chord symbols in brackets; a line that consists only of chords or tablature becomes
    blank. `notes` collects remarks for the caller.
    """
    lines = [Line(line.number, _DIRECTIVE.sub(_tag, line.text)) for line in lines]
    often = _often(lines)
    if often:
        lines = [Line(line.number, _OPENING_CHORD.sub(r"\2", line.text)) for line in lines]
    certain = often or any(_plainly_chords(line.text) or _has_certain_bracket(line.text) for line in lines)
    found = [Line(line.number, _without(line.text, certain=certain)) for line in lines]
    if often or any(old.text != new.text for old, new in zip(lines, found, strict=True)):
        notes.say("chord names are left out")
    return found


def _often(lines: list[Line]) -> bool:
    """Return True if at least two lines begin with or consist of a chord symbol in brackets, and at least one of these
    symbols cannot be the name of a section.
    """
    lone = [names[0] for line in lines if len(names := _chords(line.text)) == 1]
    opening = [match[1] for line in lines if (match := _OPENING_CHORD.match(line.text))]
    return any(len(names) > 1 and any(len(name) > 1 or name in "EFG" for name in names) for names in (lone, opening))


def _tag(match: re.Match[str]) -> str:
    """Return the section tag for a directive of a chord sheet, such as {start_of_chorus}."""
    if _NAME.fullmatch(match[1]):
        return match[0]
    name, value = match[1].lower(), (match[2] or "").strip()
    if name in _METADATA or name.startswith(("end_of_", "eo")):
        return ""
    if name in _COMMENTS:
        return f"[{value}]"
    part = _SHORT.get(name) or name.removeprefix("start_of_")
    return f"[{value if value and part != name else part}]" if part else ""


def _has_certain_bracket(text: str) -> bool:
    found = _IN_BRACKETS.findall(text) or _IN_ROUND_BRACKETS.findall(text)
    return len(found) > 1 or (text[:1] == "[" and any(len(name) > 1 for name in found))


def _without(text: str, *, certain: bool) -> str:
    if _TABLATURE.match(text) or _CHORD_WORDS.fullmatch(text) or _plainly_chords(text) or (certain and _chords(text)):
        return ""
    if (label := _LABELLED.fullmatch(text)) and _plainly_chords(label[2]):
        return f"{label[1]}:"
    if not certain:
        return text
    rounded = _IN_ROUND_BRACKETS.findall(text)
    if len(rounded) > 1 and any(len(name) > 1 for name in rounded):
        text = _IN_ROUND_BRACKETS.sub("", text)
    return _IN_BRACKETS.sub("", text).strip()


def _plainly_chords(text: str) -> bool:
    """Return True if a line consists of chord symbols and cannot be words; letters in alphabetical order ("A B C")
    count as words.
    """
    names = _chords(text)
    if len(names) < 2:
        return bool(names) and len(names[0]) > 2
    return "  " in text or "|" in text or any(len(name) > 1 for name in names)


def _chords(text: str) -> list[str]:
    """Return the chord symbols of a line if it consists only of chord symbols; an empty list for any other line."""
    tokens = [token for token in re.split(r"[\s|]+", text) if token and not _BAR_SIGN.fullmatch(token)]
    if not tokens or not all(map(_NAME.fullmatch, tokens)):
        return []
    alphabetical = len(tokens) > 2 and all(
        ord(b[0]) == ord(a[0]) + 1 and len(a) == len(b) == 1 for a, b in pairwise(tokens)
    )
    return [] if alphabetical else tokens
