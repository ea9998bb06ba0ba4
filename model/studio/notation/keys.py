"""Names of keys, read and written: "F# minor", "Bbm", "降E大调"."""

import re
import unicodedata
from dataclasses import dataclass

from model.song import InvalidParams, Violation
from model.studio.style import Mode

LOWEST_TRANSPOSE = -5

_NATURALS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_TONICS = {Mode.MAJOR: 0, Mode.MINOR: 9}
_NAMES = {
    Mode.MAJOR: ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    Mode.MINOR: ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_SHARP_MAJORS = frozenset({2, 4, 7, 9, 11})
_FLAT_MAJORS = frozenset({1, 3, 5, 8, 10})
_SIGNS = {"#": 1, "♯": 1, "sharp": 1, "升": 1, "b": -1, "♭": -1, "flat": -1, "降": -1, "": 0}
_MODES = {
    **dict.fromkeys(("", "major", "maj", "大调", "大調"), Mode.MAJOR),
    **dict.fromkeys(("m", "minor", "min", "小调", "小調"), Mode.MINOR),
}
_KEY = re.compile(
    r"(?P<before>[升降]?)\s*(?P<letter>[a-g])\s*-?(?P<after>#|♯|♭|b|sharp|flat|)"
    r"[\s-]*(?P<mode>major|maj|minor|min|m|大[调調]|小[调調]|)"
)
_KEY_IN_TEXT = re.compile(
    r"(?<![A-Za-z])[A-G](?:[#♯♭b]|[\s-]*(?:sharp|flat))?[\s-]+(?:major|minor)\b|[升降]?[A-Ga-g][#♯♭b]?\s*[大小][调調]"
)


@dataclass(frozen=True, slots=True)
class Key:
    """A mode and the semitones, -5 to 6, from C major or A minor up to it."""

    mode: Mode
    transpose: int

    @property
    def tonic(self) -> int:
        """Pitch class of the first degree, 0 (C) to 11 (B)."""
        return (_TONICS[self.mode] + self.transpose) % 12

    @property
    def name(self) -> str:
        """The key in words: "C major", "F# minor"."""
        return f"{_NAMES[self.mode][self.tonic]} {self.mode}"

    @property
    def pitch_names(self) -> tuple[str, ...]:
        """How the key writes the pitch classes from C to B: with its own signs; C major and A minor mix them."""
        relative_major = self.transpose % 12
        if relative_major in _SHARP_MAJORS:
            return _SHARPS
        return _FLATS if relative_major in _FLAT_MAJORS else _NAMES[self.mode]


def parse_key(text: str) -> Key:
    """Read a key; a bare letter is major. Raises InvalidParams (field "key") for anything else."""
    match = _KEY.fullmatch(_plain(text))
    if match is None or (match["before"] and match["after"]):
        raise InvalidParams(Violation("key", f"{text[:40]!r} is not a key; write it like 'C major' or 'F# minor'"))
    mode = _MODES[match["mode"]]
    pitch_class = _NATURALS[match["letter"]] + _SIGNS[match["before"]] + _SIGNS[match["after"]]
    return Key(mode, (pitch_class - _TONICS[mode] - LOWEST_TRANSPOSE) % 12 + LOWEST_TRANSPOSE)


def find_key(text: str) -> Key | None:
    """The first key that a longer text names with its mode (a capital letter in English), or `None`."""
    match = _KEY_IN_TEXT.search(unicodedata.normalize("NFKC", text))
    return parse_key(match.group()) if match else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
