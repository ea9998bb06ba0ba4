"""Pronounces English homographs, words with two pronunciations, by their neighbours in the line.

Phones are ARPAbet in lower case, as in `model.studio.voice.english`. The first rule of a word whose patterns match the
text before and after it gives its phones; the last rule of a word has no pattern and gives the most common
pronunciation in songs.
"""

import re
from collections.abc import Sequence
from types import MappingProxyType

_OBJECT = (
    r"^(?:me|you|us|him|her|them|it|this|that|the|a|an|my|your|our|his|their|every|all|apart|down|up|away|out|through|off"
    r"|into)\b"
)
_SUBJECT = (
    r"\b(?:i|we|you|they|to|will|can|could|would|should|must|gonna|wanna|let's|let|don't|won't|never|not|i'll|we'll)$"
)
_ARTICLE = (
    r"\b(?:a|an|the|my|your|our|his|her|their|this|that|these|those|no|any|some|every|of|what|old|new|broken|gold|in)$"
)
_BECOME = r"\b(?:go|goes|going|it's|it is|we're|they're|i'm)$"

_RULES: dict[str, Sequence[tuple[str, str, str]]] = {
    "wind": (
        (r"(?<!\bthe)(?<!\bthis)(?<!\ba)$", r"^(?:it|me|you|him|her|us|them|up|down|the clock|around)\b", "w ay n d"),
        ("", "", "w ih n d"),
    ),
    "winds": ((r"\b(?:road|river|path|trail|street|it|lane)$", "", "w ay n d z"), ("", "", "w ih n d z")),
    "winding": (("", "", "w ay n d ih ng"),),
    "tear": (("", _OBJECT, "t eh r"), (r"\b(?:wear and|to)$", "", "t eh r"), ("", "", "t ih r")),
    "tears": (
        (r"\b(?:it|he|she|that|this|love|time|which|who|what)$", _OBJECT, "t eh r z"),
        ("", r"^(?:me|you|us|him|them|it|apart)\b", "t eh r z"),
        ("", "", "t ih r z"),
    ),
    "tearing": (("", "", "t eh r ih ng"),),
    "live": (
        (_BECOME, "$", "l ay v"),
        (
            "",
            (
                r"^(?:music|shows?|band|from|tv|wires?|on air|on stage|concert|version|album|session|stream|broadcast"
                r"|audience|set|recording)\b"
            ),
            "l ay v",
        ),
        (r"\b(?:go|goes|going|playing|coming to you)$", "", "l ay v"),
        ("", "", "l ih v"),
    ),
    "lives": (
        (
            (
                r"\b(?:our|their|your|my|two|nine|many|all|of|these|those|both|other|past|saved?|hundred|thousand|million"
                r"|double|separate|different|several|secret|better)$"
            ),
            "",
            "l ay v z",
        ),
        ("", "", "l ih v z"),
    ),
    "lead": (
        (r"\b(?:as|of|like|from|made of|heavy|hot|molten)$", "", "l eh d"),
        ("", r"^(?:balloon|pipe|bullet|bullets)\b", "l eh d"),
        ("", "", "l iy d"),
    ),
    "close": (
        (
            "",
            r"^(?:the|your|my|our|his|their|her|this|that|these|those|it|every|all|down|off|and lock|behind)\b",
            "k l ow z",
        ),
        (
            r"\b(?:so|too|very|this|that|how|stay|hold|get|come|came|keep|up|stand|me|you|us|it|near|be|is|are|was|and)$",
            "",
            "k l ow s",
        ),
        (_SUBJECT, "$", "k l ow z"),
        ("", "", "k l ow s"),
    ),
    "use": (
        (r"\b(?:no|any|what's the|the|of|what|little|much|in|good|for|this|some|it's no|of no)$", "", "y uw s"),
        ("", "", "y uw z"),
    ),
    "used": (("", r"^to\b", "y uw s t"), ("", "", "y uw z d")),
    "excuse": ((_ARTICLE, "", "ih k s k y uw s"), (r"\bgood$", "", "ih k s k y uw s"), ("", "", "ih k s k y uw z")),
    "read": (
        (r"\b(?:have|has|had|i've|we've|you've|they've|he's|was|were|been|be|never)$", "", "r eh d"),
        ("", r"\b(?:yesterday|ago|last|once|then)\b", "r eh d"),
        (r"\b(?:yesterday|last night)\b.*$", "", "r eh d"),
        ("", "", "r iy d"),
    ),
    "bow": (
        ("", r"^(?:to|down|before|out|my|your|our|his|her|and pray)\b", "b aw"),
        (r"\b(?:take a|took a|last|final|one more|take your|took my)$", "", "b aw"),
        ("", "", "b ow"),
    ),
    "record": (
        (_ARTICLE, "", "r eh k er d"),
        (_SUBJECT, "", "r ih k ao r d"),
        ("", r"^(?:me|you|us|him|them|it|this|that|the|my|your|our|every)\b", "r ih k ao r d"),
        ("", "", "r eh k er d"),
    ),
    "desert": (
        (_ARTICLE, "", "d eh z er t"),
        ("", r"^(?:me|you|us|him|her|them|my|your|our)\b", "d ih z er t"),
        (_SUBJECT, "", "d ih z er t"),
        ("", "", "d eh z er t"),
    ),
    "bass": (("", "", "b ey s"),),
    "dove": (
        (r"\b(?:i|he|she|we|they|you|who)$", r"^(?:in|into|down|deep|right|off|under|straight|head)\b", "d ow v"),
        ("", "", "d ah v"),
    ),
    "wound": (("", r"^(?:up|around|down|tight|round|its|my way|so tight)\b", "w aw n d"), ("", "", "w uw n d")),
    "minute": (("", "", "m ih n ax t"),),
    "invalid": ((r"\ban$", r"^(?:$|who|in|child|man)", "ih n v ax l ax d"), ("", "", "ih n v ae l ah d")),
    "present": (
        (_SUBJECT, r"^(?:you|to|the|a|my|our|this|myself|him|her|them|it)\b", "p r ih z eh n t"),
        ("", "", "p r eh z ax n t"),
    ),
    "content": ((_ARTICLE, "", "k aa n t eh n t"), ("", "", "k ax n t eh n t")),
    "rebel": ((_SUBJECT, "", "r ih b eh l"), ("", r"^(?:against)\b", "r ih b eh l"), ("", "", "r eh b ax l")),
    "object": ((_SUBJECT, "", "ax b jh eh k t"), ("", "", "aa b jh eh k t")),
    "perfect": (("", "", "p er f ih k t"),),
    "refuse": (("", "", "r ih f y uw z"),),
    "abuse": ((_ARTICLE, "", "ax b y uw s"), ("", "", "ax b y uw z")),
    "separate": (
        (_SUBJECT, "", "s eh p er ey t"),
        ("", r"^(?:us|me|you|the|from)\b", "s eh p er ey t"),
        ("", "", "s eh p r ax t"),
    ),
    "intimate": (("", "", "ih n t ax m ax t"),),
    "polish": (("", "", "p aa l ih sh"),),
    "sow": (("", "", "s ow"),),
    "row": (("", "", "r ow"),),
    "project": ((_SUBJECT, "", "p r ax jh eh k t"), ("", "", "p r aa jh eh k t")),
    "conflict": (("", "", "k aa n f l ih k t"),),
    "permit": ((_ARTICLE, "", "p er m ih t"), ("", "", "p er m ih t")),
    "resume": (("", "", "r ih z uw m"),),
    "house": (("", "", "hh aw s"),),
    "does": (("", "", "d ah z"),),
    "beloved": (("", "", "b ih l ah v ih d"),),
    "entrance": (("", "", "eh n t r ax n s"),),
    "moderate": (("", "", "m aa d er ax t"),),
    "delicate": (("", "", "d eh l ih k ax t"),),
    "wicked": (("", "", "w ih k ih d"),),
    "naked": (("", "", "n ey k ih d"),),
}
_COMPILED = MappingProxyType(
    {
        word: tuple((re.compile(before), re.compile(after), tuple(phones.split())) for before, after, phones in rules)
        for word, rules in _RULES.items()
    }
)
_REACH = 60


def by_neighbours(word: str, before: str, after: str) -> tuple[str, ...] | None:
    """Return the phones of a homograph in lower case, by the text around it; `None` for any other word."""
    rules = _COMPILED.get(word)
    if rules is None:
        return None
    left, right = before[-_REACH:].lower().replace("’", "'").rstrip(), after[:_REACH].lower().replace("’", "'").lstrip()
    return next(phones for before_it, after_it, phones in rules if before_it.search(left) and after_it.search(right))
