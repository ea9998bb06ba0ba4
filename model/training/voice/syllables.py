"""Splits Mandarin syllables in pinyin into initial and final."""

INITIALS = ("zh", "ch", "sh", *tuple("bpmfdtnlgkhjqxrzcs"))
VOICED_INITIALS = ("m", "n", "l", "r")
GLIDES = ("y", "w")

_SPELT_SHORT = {"iu": "iou", "ui": "uei", "un": "uen"}
_AFTER_JQX = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}
_WHOLE = {"yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iou", "yan": "ian", "yin": "in", "yang": "iang"}
_WHOLE |= {"ying": "ing", "yong": "iong", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "wu": "u", "wa": "ua"}
_WHOLE |= {"wo": "uo", "wai": "uai", "wei": "uei", "wan": "uan", "wen": "uen", "wang": "uang", "weng": "ueng"}


def initial_of(syllable: str) -> str:
    """Return the initial consonant of a pinyin syllable; "" for a syllable without one, or with the glide y or w."""
    for initial in INITIALS:
        if syllable.startswith(initial) and syllable not in ("n", "ng", "m"):
            return initial
    return ""


def final_of(syllable: str) -> str:
    """Return the final of a pinyin syllable as pronounced: "xiu" ends in "iou", "yuan" is "van", "shi" ends in "-i"."""
    initial = initial_of(syllable)
    rest = syllable[len(initial) :]
    if not initial:
        return _WHOLE.get(syllable, syllable)
    if initial in ("j", "q", "x"):
        return _AFTER_JQX.get(rest, _SPELT_SHORT.get(rest, rest))
    if rest == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s"):
        return "-i"
    if rest == "o":
        return "uo"
    return _SPELT_SHORT.get(rest, rest)
