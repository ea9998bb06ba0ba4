"""Converts the reading of a syllable (pinyin or English phones) to the recorded units that are joined to sing the
syllable.
"""

from functools import cache
from types import MappingProxyType

from model.song import Syllable
from model.studio.voice.english_voice.names import apart, named
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
"""Mandarin syllables that are joined from parts of recorded syllables."""


@cache
def utterance_of(syllable: Syllable) -> Utterance:
    """Return the recorded units that are joined to sing a syllable.

    Mandarin readings are pinyin without tone; every reading of the pinyin dictionary has units. English readings are
    phones ("l ah v"), which have no tone, and are one unit of the English voice.

    Raises:
        KeyError: the reading is neither Mandarin nor English.
    """
    if syllable.tone:
        return _mandarin(syllable.reading)
    return _english(syllable.reading)


def _mandarin(reading: str) -> Utterance:
    if reading in _UNRECORDED:
        return _UNRECORDED[reading]
    starts_open = reading[0] in _MANDARIN_VOWELS or reading[0] in _GLIDES
    return Utterance(None if starts_open else reading, reading)


def _english(reading: str) -> Utterance:
    unit = named(reading)
    before, _, _ = apart(unit)
    return Utterance(unit if before else None, unit)
