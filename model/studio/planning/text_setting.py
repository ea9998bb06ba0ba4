"""Computes how many bars the words need at a tempo: divides lines into phrases and limits the syllables per second."""

import unicodedata
from collections.abc import Sequence
from enum import IntEnum

from model.song import LyricLine

MAX_PHRASE_SYLLABLES = 16
MAX_SYLLABLES_PER_SECOND = 7.0
SLOW_BAR_SECONDS = 3.3
"""Length of a bar, in seconds, from which on one bar holds as many syllables as two bars of faster songs."""

_BREATH_BARS = 0.25
_EASY_PER_SECOND = 5.0
_EASY_PER_BAR = 8
_SLOW_BAR_SYLLABLES = 9
_CLOSE_PER_SECOND = 5.5
_TIGHT_PER_BAR = 12
_SLOW_PER_SECOND = 2.5


class Ease(IntEnum):
    """Amount of time that the words of a section get: as little as possible (tight), little (close), comfortable
    (easy), or always two bars and more for a line (wide).
    """

    TIGHT = 0
    CLOSE = 1
    EASY = 2
    WIDE = 3


def phrase_lengths(line: LyricLine) -> tuple[int, ...]:
    """Return the number of syllables of each phrase of a line; a phrase has at most `MAX_PHRASE_SYLLABLES`.

    A long line is cut near its middle, at punctuation or a space where one is near, and never inside a Latin word
    unless that word alone is too long.
    """
    count = len(line.syllables)
    return (count,) if count <= MAX_PHRASE_SYLLABLES else _halved(_gap_strengths(line), 0, count)


def line_bars(lines: Sequence[LyricLine], bar_seconds: float, ease: Ease) -> tuple[int, ...]:
    """Return the number of bars of each line of a section, so that no line exceeds `MAX_SYLLABLES_PER_SECOND` at tempi
    up to 180 beats per minute.

    `EASY` gives a line two bars; one bar if every line of the section can be sung slowly enough in one, or is short and
    the song slow; four bars if a line is too fast in two. `CLOSE` gives every line one bar if every line can be sung in
    one. `TIGHT` gives each line as few bars as it needs. `WIDE` is `EASY` without lines of one bar, for a section
    beside others whose lines need two.
    """
    lengths = [phrase_lengths(line) for line in lines]
    everything = [count for counts in lengths for count in counts]
    if ease is Ease.TIGHT:
        return tuple(sum(_tight_bars(count, bar_seconds) for count in counts) for counts in lengths)
    fits_one = _close_in_one_bar if ease is Ease.CLOSE else _slow_in_one_bar
    if ease is not Ease.WIDE and all(fits_one(count, bar_seconds) for count in everything):
        return tuple(len(counts) for counts in lengths)
    return tuple(_wide_bars(counts, bar_seconds, ease) for counts in lengths)


def _rate(count: int, bars: int, bar_seconds: float) -> float:
    """Return the syllables per second of `count` syllables sung in `bars` bars, with a breath at the end."""
    return count / ((bars - _BREATH_BARS) * bar_seconds)


def _tight_bars(count: int, bar_seconds: float) -> int:
    one = count <= _TIGHT_PER_BAR and _rate(count, 1, bar_seconds) <= MAX_SYLLABLES_PER_SECOND
    return 1 if one else 2


def most_in_one_bar(bar_seconds: float) -> int:
    """Return the largest number of syllables that can be sung in one bar of `bar_seconds` seconds.

    The number of bars that the words need is the same at all tempi with the same result.
    """
    return max((count for count in range(1, _TIGHT_PER_BAR + 1) if _tight_bars(count, bar_seconds) == 1), default=0)


def _slow_in_one_bar(count: int, bar_seconds: float) -> bool:
    if bar_seconds >= SLOW_BAR_SECONDS:
        return count <= _SLOW_BAR_SYLLABLES
    return count < _EASY_PER_BAR and _rate(count, 1, bar_seconds) <= _SLOW_PER_SECOND


def _close_in_one_bar(count: int, bar_seconds: float) -> bool:
    return count <= _EASY_PER_BAR and _rate(count, 1, bar_seconds) <= _CLOSE_PER_SECOND


def _wide_bars(counts: tuple[int, ...], bar_seconds: float, ease: Ease) -> int:
    hurried = len(counts) == 1 and _rate(counts[0], 2, bar_seconds) > _EASY_PER_SECOND
    return 4 if hurried and ease >= Ease.EASY else 2 * len(counts)


def _gap_strengths(line: LyricLine) -> list[int]:
    """Return for each syllable how suitable the gap before it is for dividing a line: 3 at punctuation, 2 at a space, 1
    at a word start, 0 inside a word.
    """
    strengths, position = [], 0
    for syllable in line.syllables:
        start = line.text.index(syllable.text, position)
        gap = line.text[position:start]
        position = start + len(syllable.text)
        word_start = syllable.starts_word or syllable.tone > 0
        strengths.append(_gap_strength(gap, chinese=syllable.tone > 0) or int(word_start))
    return strengths


def _gap_strength(gap: str, chinese: bool) -> int:
    if any(unicodedata.category(character)[0] == "P" for character in gap):
        return 3
    return 2 if chinese and gap else 0


def _halved(strengths: list[int], first: int, last: int) -> tuple[int, ...]:
    if last - first <= MAX_PHRASE_SYLLABLES:
        return (last - first,)
    middle = (first + last) / 2
    quarter = (last - first) / 4
    places = [i for i in range(first + 1, last) if abs(i - middle) <= quarter]
    cut = max(places, key=lambda i: (strengths[i], -abs(i - middle)))
    return _halved(strengths, first, cut) + _halved(strengths, cut, last)
