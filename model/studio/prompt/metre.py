"""Finds the metre that a prompt names, in English or Chinese: three or four beats in a bar, or a metre that is not
supported.
"""

import re
from dataclasses import dataclass

from model.studio.notation.score import BEATS_PER_BAR, WALTZ_BEATS_PER_BAR
from model.studio.prompt.mentions import negated

WALTZ_WORDS = "waltz, waltzes, 圆舞曲, 圓舞曲, 华尔兹, 华尔滋, 華爾茲"
_WALTZ = r"(?<![a-z])waltz(?:es)?(?![a-z])|[圆圓]舞曲?|华尔[兹滋]|華爾茲"
_THREE = re.compile(
    r"(?:time signature(?: of|:| is)? ?|in )?(?<![\d/])3/4(?![\d/])"
    r"(?: time(?: signature)?| met(?:er|re)| beat|节[拍奏]|節[拍奏]|拍子?)?"
    r"|(?<![a-z])(?:three four(?: time)?|three quarter time|triple (?:time|met(?:er|re)))(?![a-z])"
    r"|四分之三拍子?|四三拍子?|三四拍子?|(?<![\d./])3拍子?|(?<![十百])三拍子?"
    rf"|(?P<waltz>{_WALTZ})"
)
_OTHER = re.compile(r"(?<![\d/])(?!4/4)\d{1,2}/(?:2|4|8|16)(?![\d/])")


@dataclass(frozen=True, slots=True)
class Metre:
    """The metre (beats in a bar) that a prompt asks for.

    Attributes:
        beats_per_bar: 4 or 3.
        text: the words that name the metre; empty if the prompt names none.
        rest: the prompt without these words.
        waltz: True if the prompt says "waltz".
        note: a remark for the caller if the metre is not supported; otherwise `None`.
    """

    beats_per_bar: int
    text: str
    rest: str
    waltz: bool = False
    note: str | None = None


def find_metre(text: str) -> Metre:
    """Return the metre that a normalised prompt names (lower case, spaces for dashes); four beats in a bar if the
    prompt names no metre.
    """
    wanted = [match for match in _THREE.finditer(text) if not negated(text, match.start())]
    if wanted:
        waltz = any(match["waltz"] for match in wanted)
        return Metre(WALTZ_BEATS_PER_BAR, wanted[0].group().strip(), _THREE.sub(" ", text), waltz)
    other = _OTHER.search(text)
    note = f"prompt: a metre of {other.group()} is not played; played in 4/4" if other else None
    return Metre(BEATS_PER_BAR, "", text, note=note)
