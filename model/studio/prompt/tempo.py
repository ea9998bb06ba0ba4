"""Finds tempi in a prompt, in the common English and Chinese notations, such as "120 bpm" or "每分钟九十五拍"."""

import re
from dataclasses import dataclass

SLOWEST_BPM = 50.0
FASTEST_BPM = 180.0

_NUMBER = (
    r"(?P<{0}>\d{{1,4}}(?:\.\d+)?|[一二两]?百[零一二三四五六七八九十]{{0,4}}|[二三四五六七八九]十[一二三四五六七八九]?)"
)
_NUMERALS = "零一二三四五六七八九"
_SPAN = _NUMBER.format("low") + r"(?:\s?(?:to|~|到|至|\s)\s?" + _NUMBER.format("high") + ")?"
_BEATS = (
    r"(?:bpm|b\.p\.m\.?|beats? (?:per|a|each) minute|beats?/min(?:ute)?|拍每分[钟鐘]?|拍/分[钟鐘]?|拍(?!子|的)"
    r"|(?<=每分[钟鐘]..)[拍下])"
)
_IS = r"\s?(?:[:=]|of|is|at|around|about|approximately|approx\.?|ca\.?|set to|是|为|為|在|约|約|大[约約概]|等于)?\s?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:每分[钟鐘]|一分[钟鐘]){_IS}{_SPAN}\s?[拍下]",
        rf"(?<![\d./]){_SPAN}\s?{_BEATS}",
        rf"(?<![a-z])bpm{_IS}{_IS}{_SPAN}(?![\d/])",
        rf"(?<![a-z])(?:tempo|speed){_IS}{_IS}{_SPAN}(?![\d/])",
        rf"(?:速度|拍速|曲速|节[奏拍]|節[奏拍]){_IS}{_IS}{_SPAN}(?![\d/])",
        rf"(?:♩|♪|(?<![a-z])(?:q|quarter(?: note)?))\s?=\s?{_SPAN}(?!\d)",
    )
)


@dataclass(frozen=True, slots=True)
class NamedTempo:
    """A tempo that a prompt names in numbers, and its position in the text.

    Attributes:
        asked_bpm: the number in the prompt; the middle of the range if the prompt gives a range, such as "90-100 bpm".
        text: the words of the prompt that name the tempo.
        start: index of the first character of these words in the prompt.
        end: index after the last character of these words.
    """

    asked_bpm: float
    text: str
    start: int
    end: int

    @property
    def bpm(self) -> float:
        """The tempo nearest to the named one in the range that the engine can play, in beats per minute."""
        return min(max(self.asked_bpm, SLOWEST_BPM), FASTEST_BPM)

    @property
    def note(self) -> str | None:
        """A remark for the caller if the named tempo is outside of the playable range; otherwise `None`."""
        if self.bpm == self.asked_bpm:
            return None
        limits = f"{SLOWEST_BPM:g} to {FASTEST_BPM:g}"
        return f"prompt: a tempo of {self.asked_bpm:g} BPM is beyond {limits}; played at {self.bpm:g}"


def find_tempo(text: str) -> NamedTempo | None:
    """Return the first tempo that a normalised prompt (lower case, spaces for dashes) names; `None` if it names no
    tempo.
    """
    found = [match for pattern in _PATTERNS if (match := pattern.search(text))]
    if not found:
        return None
    match = min(found, key=lambda one: (one.start(), -one.end()))
    low = _number(match["low"])
    high = _number(match["high"]) if match["high"] else low
    return NamedTempo((low + high) / 2 if high >= low else low, match.group().strip(), match.start(), match.end())


def _number(written: str) -> float:
    """Parse a number in digits, or a Chinese numeral up to 299 such as 一百二十, 一百二 (120), 九十五."""
    if written[0].isdigit():
        return float(written)
    hundreds, hundred, rest = written.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    last = _NUMERALS.index(ones[-1]) if ones else 0
    short = hundred and not ten and len(ones) == 1  # 一百二 for 一百二十
    below = (10 * (_NUMERALS.index(tens[-1]) if tens else 1) if ten else 0) + last * (10 if short else 1)
    return float((100 * (1 if hundreds in {"", "一"} else 2) if hundred else 0) + below)


def without_tempo(text: str) -> str:
    """Return the normalised prompt with a space in place of the tempo that `find_tempo` finds."""
    tempo = find_tempo(text)
    return f"{text[: tempo.start]} {text[tempo.end :]}" if tempo else text
