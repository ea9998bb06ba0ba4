"""Names of English syllables among the units of the voice: a stroke before their phones ("/l ah v")."""

from model.studio.voice.english import PHONE_CODES, VOWELS

_MARK = "/"


def named(reading: str) -> str:
    """Return the name of the syllable with a reading such as "l ah v"."""
    return _MARK + reading


def is_english(unit: str) -> bool:
    """Return True if a unit is an English syllable."""
    return unit.startswith(_MARK)


def apart(unit: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the consonants before the vowel of an English syllable, its vowel, and the consonants after it.

    Raises:
        KeyError: the syllable has a phone that English lacks, or not one vowel.
    """
    phones = tuple(unit.removeprefix(_MARK).split())
    vowels = [place for place, phone in enumerate(phones) if phone in VOWELS]
    if len(vowels) != 1 or not PHONE_CODES.keys() >= set(phones):
        raise KeyError(unit)
    return phones[: vowels[0]], phones[vowels[0]], phones[vowels[0] + 1 :]
