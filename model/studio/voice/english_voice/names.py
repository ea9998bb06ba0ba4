"""Converts between English syllables and their names in the recorded voice; a name is a slash and the phones ("/l ah
v").
"""

from model.studio.voice.english import PHONE_CODES, VOWELS

_MARK = "/"


def named(reading: str) -> str:
    """Return the name, in the recorded voice, of the English syllable with the phones `reading`: "/l ah v" for "l ah
    v".
    """
    return _MARK + reading


def is_english(unit: str) -> bool:
    """Return True if `unit`, the name of a recorded syllable, is that of an English syllable."""
    return unit.startswith(_MARK)


def apart(unit: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Divide the name of an English syllable into the consonants before its vowel, the vowel, and the consonants after
    it.

    Raises:
        KeyError: the syllable has an unknown phone, or not exactly one vowel.
    """
    phones = tuple(unit.removeprefix(_MARK).split())
    vowels = [place for place, phone in enumerate(phones) if phone in VOWELS]
    if len(vowels) != 1 or not PHONE_CODES.keys() >= set(phones):
        raise KeyError(f"{unit!r} is no English syllable: it needs exactly one vowel, and phones of the dictionary")
    return phones[: vowels[0]], phones[vowels[0]], phones[vowels[0] + 1 :]
