"""Maps readings of syllables to the recorded units of the Mandarin voice; English phones are mapped to the most similar
units.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from model.song import Syllable
from model.studio.voice.english import VOWELS
from model.studio.voice.utterance import Utterance

_MANDARIN_VOWELS = frozenset("aeo")
_GLIDES = frozenset("yw")
_UNRECORDED = MappingProxyType(
    {
        "n": Utterance("na", "en"),
        "ng": Utterance(None, "eng"),
        "m": Utterance("mu", "en"),
        "hm": Utterance("hen", "hen"),
        "hng": Utterance("heng", "heng"),
        "ê": Utterance(None, "ye", held=True),
        "yo": Utterance(None, "you"),
        "nia": Utterance("nie", "jia"),
        "len": Utterance("le", "gen"),
        "wong": Utterance(None, "weng"),
        "din": Utterance("di", "jin"),
        "biang": Utterance("bie", "liang"),
        "bong": Utterance("bo", "dong"),
    }
)
"""Mandarin syllables without a recording, mostly interjections and dialect."""

UNRECORDED = frozenset(_UNRECORDED)
"""Mandarin syllables that are put together from recorded ones."""

_ONSETS = MappingProxyType(
    {
        **{phone: f"{phone}a" for phone in ("b", "d", "g", "p", "t", "k", "f", "m", "n", "l", "s")},
        "v": "fa",
        "th": "sa",
        "dh": "da",
        "z": "za",
        "sh": "sha",
        "zh": "ren",
        "r": "ren",
        "hh": "ha",
        "ch": "cha",
        "jh": "zha",
    }
)
"""The recorded syllable that begins most like an English consonant."""

_RHYMES = MappingProxyType(
    {
        "aa": ("a", True),
        "ae": ("yan", True),
        "ah": ("a", True),
        "ao": ("wo", True),
        "aw": ("ao", False),
        "ay": ("ai", False),
        "eh": ("ye", True),
        "er": ("er", True),
        "ey": ("ei", False),
        "ih": ("yi", True),
        "iy": ("yi", False),
        "ow": ("ou", False),
        "oy": ("wei", False),
        "uh": ("wu", True),
        "uw": ("wu", False),
    }
)
"""The recorded syllable whose vowel is most like an English one, and whether only its steady part is."""

_NASAL_RHYMES: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        ("aa", "n"): "an",
        ("ae", "n"): "an",
        ("ah", "n"): "en",
        ("eh", "n"): "en",
        ("ih", "n"): "yin",
        ("iy", "n"): "yin",
        ("ao", "n"): "ang",
        ("aa", "ng"): "ang",
        ("ae", "ng"): "ang",
        ("ao", "ng"): "ang",
        ("ah", "ng"): "eng",
        ("eh", "ng"): "eng",
        ("ih", "ng"): "ying",
        ("iy", "ng"): "ying",
    }
)
_GLIDED_RHYMES = MappingProxyType(
    {
        ("w", "aa"): "wa",
        ("w", "ae"): "wa",
        ("w", "ah"): "wa",
        ("w", "ao"): "wo",
        ("w", "ow"): "wo",
        ("w", "ay"): "wai",
        ("w", "ey"): "wei",
        ("w", "eh"): "wei",
        ("w", "iy"): "wei",
        ("w", "ih"): "wei",
        ("w", "er"): "wo",
        ("w", "uh"): "wu",
        ("w", "uw"): "wu",
        ("w", "aw"): "wa",
        ("w", "oy"): "wei",
        ("y", "aa"): "ya",
        ("y", "ae"): "ye",
        ("y", "ah"): "ya",
        ("y", "eh"): "ye",
        ("y", "aw"): "yao",
        ("y", "ow"): "you",
        ("y", "ao"): "yao",
        ("y", "uw"): "you",
        ("y", "uh"): "you",
        ("y", "er"): "ye",
        ("y", "iy"): "yi",
        ("y", "ih"): "yi",
        ("y", "ey"): "ye",
        ("y", "ay"): "yai",
        ("y", "oy"): "you",
    }
)
_GLIDED_NASAL_RHYMES: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        ("w", "ah", "n"): "wan",
        ("w", "aa", "n"): "wan",
        ("w", "ao", "n"): "wan",
        ("w", "eh", "n"): "wen",
        ("w", "ih", "n"): "wen",
        ("w", "ao", "ng"): "wang",
        ("w", "aa", "ng"): "wang",
        ("y", "ah", "ng"): "yang",
        ("y", "ae", "ng"): "yang",
        ("y", "aa", "n"): "yan",
        ("y", "ae", "n"): "yan",
    }
)
_CODAS = MappingProxyType(
    {
        "p": "pa",
        "b": "ba",
        "t": "ta",
        "d": "da",
        "k": "ka",
        "g": "ga",
        "f": "fa",
        "v": "fa",
        "s": "si",
        "z": "zi",
        "sh": "shi",
        "zh": "zhi",
        "ch": "chi",
        "jh": "zhi",
        "th": "si",
        "dh": "da",
        "m": "ma",
        "n": "na",
        "ng": "na",
        "l": "la",
        "r": "ri",
    }
)
_MAX_CODAS = 3


@cache
def utterance_of(syllable: Syllable) -> Utterance:
    """Return the recorded units that are joined to sing a syllable.

    Mandarin readings are pinyin without tone; every reading of the pinyin dictionary has units. English readings are
    phones ("l ah v") without a tone. They are sung with the most similar consonants and vowels of Mandarin, so English
    has a Chinese accent: "v" begins as "f", "th" as "s" or "d", and short vowels are the steady parts of longer ones.

    Raises:
        KeyError: the reading is neither Mandarin nor English.
    """
    if syllable.tone:
        return _mandarin(syllable.reading)
    return _english(syllable.reading.split())


def _mandarin(reading: str) -> Utterance:
    if reading in _UNRECORDED:
        return _UNRECORDED[reading]
    starts_open = reading[0] in _MANDARIN_VOWELS or reading[0] in _GLIDES
    return Utterance(None if starts_open else reading, reading)


def _english(phones: Sequence[str]) -> Utterance:
    nucleus = next(i for i, phone in enumerate(phones) if phone in VOWELS)
    opening, vowel, ending = list(phones[:nucleus]), phones[nucleus], list(phones[nucleus + 1 :])
    glide = opening.pop() if opening and opening[-1] in _GLIDES else None
    rhyme, held, used = _rhyme(glide, vowel, ending[:1])
    consonants = [_ONSETS[phone] for phone in opening if phone in _ONSETS]
    return Utterance(
        onset=consonants[-1] if consonants else None,
        rhyme=rhyme,
        codas=tuple(_CODAS[phone] for phone in ending[used:] if phone in _CODAS)[:_MAX_CODAS],
        before=tuple(consonants[:-1]),
        held=held,
    )


def _rhyme(glide: str | None, vowel: str, ending: Sequence[str]) -> tuple[str, bool, int]:
    """Return the Mandarin rhyme for an English vowel with its glide and final consonants, True if only the rhyme's
    steady part is sung, and the number of consonants after the vowel.
    """
    if glide and (piece := _GLIDED_NASAL_RHYMES.get((glide, vowel, *ending))):
        return piece, False, 1
    if glide:
        return _GLIDED_RHYMES[glide, vowel], False, 0
    if piece := _NASAL_RHYMES.get((vowel, *ending)):
        return piece, False, 1
    name, held = _RHYMES[vowel]
    return name, held, 0
