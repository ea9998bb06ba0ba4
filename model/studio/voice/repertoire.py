"""Lists the syllables that the recorded voice can sing, from the voice's table of contents, without reading the
recordings.
"""

import json
from functools import cache

from model.engine import EngineUnavailable
from model.song import Syllable
from model.studio.voice.english_voice import units
from model.studio.voice.english_voice.names import is_english
from model.studio.voice.pronouncing import UNRECORDED, utterance_of
from model.studio.voice.recorded import SHIPPED, TABLE_NAME


def load() -> None:
    """Open the table of recorded syllables now, before the first request; the English units are opened when they are
    first sung.

    Raises:
        EngineUnavailable: the table is missing or damaged, or a file of the English units is missing.
    """
    recorded()
    units.check()


@cache
def recorded() -> frozenset[str]:
    """Return every recorded syllable, as pinyin without tone (`ü` is `v`).

    Raises:
        EngineUnavailable: the table of the voice is missing or damaged.
    """
    try:
        return frozenset(json.loads((SHIPPED / TABLE_NAME).read_text(encoding="utf-8"))["takes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(
            f"the voice of the studio engine cannot be opened: the file {TABLE_NAME} is damaged ({error}); restore "
            "model/studio/voice/recordings from the repository"
        ) from error


@cache
def mandarin_syllables() -> frozenset[str]:
    """Return every Mandarin syllable that can be sung, as pinyin without tone."""
    return recorded() | UNRECORDED


@cache
def can_be_sung(syllable: Syllable) -> bool:
    """Return True if the voice has every recorded unit that the reading of a syllable needs."""
    if syllable.tone and syllable.reading not in mandarin_syllables():
        return False
    try:
        utterance = utterance_of(syllable)
    except KeyError:
        return False
    units = (utterance.onset, utterance.rhyme, *utterance.codas, *utterance.before)
    return all(is_english(unit) or unit in recorded() for unit in units if unit is not None)
