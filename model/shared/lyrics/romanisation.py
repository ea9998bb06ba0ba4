"""Removes lines of pinyin that transcribe a neighbouring Chinese line."""

import re
from itertools import pairwise

from model.shared.lyrics.characters import HANZI
from model.shared.lyrics.lines import Line, Notes, words_of

_CHARACTER = re.compile(f"[{HANZI}]")
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f']+")
_TONED = re.compile(r"[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]|[a-z][1-5]\b")
_FEWEST_SHARE = 0.6


def without_romanisation(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines; a line of pinyin above or below a Chinese line becomes blank, if most Chinese lines have such a
    line. `notes` collects remarks for the caller.
    """
    words = words_of(lines)
    chinese = [line for line in words if _CHARACTER.search(line.text)]
    pairs = list(pairwise(words))
    for beside in (pairs, [(below, above) for above, below in pairs]):
        found = [latin for hanzi, latin in beside if _spells(latin.text, hanzi.text)]
        if len(found) > 1 and len(found) >= _FEWEST_SHARE * len(chinese):
            notes.say("pinyin beside Chinese lines is not sung")
            return [Line(line.number, "") if any(line is one for one in found) else line for line in lines]
    return lines


def _spells(latin: str, hanzi: str) -> bool:
    """Return True if the line `latin` is pinyin with tones and has about as many syllables as the line `hanzi` has
    characters.
    """
    if not _TONED.search(latin) or _CHARACTER.search(latin):
        return False
    vowels = len(re.findall(r"[aeiouüāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+", latin.lower()))
    counts = {len(_LATIN.findall(latin)), vowels}
    return any(abs(count - len(_CHARACTER.findall(hanzi))) <= 1 for count in counts)
