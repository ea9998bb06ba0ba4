"""Formats and parses names of musical keys: "F# minor", "Bbm", "降E大调"."""

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
    **dict.fromkeys(("", "major", "maj", "dur", "大调", "大調"), Mode.MAJOR),
    **dict.fromkeys(("m", "minor", "min", "moll", "小调", "小調"), Mode.MINOR),
}
_KEY = re.compile(
    r"(?P<before>[升降]?)\s*(?P<letter>[a-g])\s*-?(?P<after>#|♯|♭|b|sharp|flat|)"
    r"[\s-]*(?P<mode>major|maj|dur|minor|min|moll|m|大[调調]|小[调調]|)"
)
_NAME = r"[A-Ga-g]\s?-?(?:[#♯♭b]|sharp|flat)?"
_KINDS_OF_SCALE = "(?:自然|和声|和聲|旋律)?"
_MODE = "(?i:major|minor|maj|min|m)"
_KEYS_IN_TEXT = (
    rf"(?i:\bkey(?:\s+signature)?(?:\s+of|\s+is|\s+in)?\s*[:=]?\s*)(?P<named>{_NAME}[\s-]*{_MODE}?)(?![A-Za-z])",
    (
        r"(?:[调調]性?|主音)\s*(?:[:：=]|是|为|為)?\s*"
        rf"(?P<told>[升降]?[A-Ga-g][#♯♭b]?\s*(?:{_MODE}(?![A-Za-z])|[大小][调調])?)(?![A-Za-z])"
    ),
    r"(?<!\d)1\s*=\s*(?P<do>[#♯♭b降升]?\s?[A-G][#♯♭b]?)(?![A-Za-z])",
    rf"(?P<chinese>[升降]?[A-Ga-g][#♯♭b]?)\s*{_KINDS_OF_SCALE}(?P<scale>[大小][调調])",
    r"(?<![A-Za-z])(?P<bare>[升降]?[A-G][#♯♭b]?)[调調](?![性式])",
    r"(?<![A-Za-z])(?P<english>[A-G](?:[#♯♭b]|[\s-]*(?i:sharp|flat))?[\s-]*(?i:major|minor|maj|min)\b)",
    r"(?<![A-Za-z])(?P<small>(?:[b-g](?:[#♯♭b]|[\s-]*(?:sharp|flat))?|a(?:[#♯♭]|[\s-]*(?:sharp|flat)))[\s-]+(?:major|minor))\b",
    r"(?<![A-Za-z])(?P<german>[A-Ga-g](?:[#♯♭b])?[\s-](?i:dur|moll))\b",
    (
        r"(?<![A-Za-z])(?<=in )(?P<lower>[a-g](?:[#♯♭b]|[\s-]*(?:sharp|flat))?[\s-]+(?:major|minor))"
        r"(?=\s*(?:[,.;，。]|$))"
    ),
    r"(?<![A-Za-z])(?<!I )(?P<minor>[A-G][#♯♭b]?m)(?![A-Za-z])",
    r"\bin\s+(?P<plain>[A-G][#♯♭b]?)(?=\s*(?:[,.;，。]|$))",
)
"""Patterns of a key in a longer text; their named groups, joined, are the name of the key."""

_KEYS = tuple(re.compile(pattern) for pattern in _KEYS_IN_TEXT)


@dataclass(frozen=True, slots=True)
class Key:
    """A musical key: its mode, and the distance of its tonic from that of C major or A minor in semitones, -5 to 6."""

    mode: Mode
    transpose: int

    @property
    def tonic(self) -> int:
        """Pitch class of the tonic, 0 (C) to 11 (B)."""
        return (_TONICS[self.mode] + self.transpose) % 12

    @property
    def name(self) -> str:
        """Name of the key in words, such as "C major" or "F# minor"."""
        return f"{_NAMES[self.mode][self.tonic]} {self.mode}"

    @property
    def pitch_names(self) -> tuple[str, ...]:
        """Names of the twelve pitch classes from C to B, spelled with the sharps or flats of the key; C major and A
        minor mix both.
        """
        relative_major = self.transpose % 12
        if relative_major in _SHARP_MAJORS:
            return _SHARPS
        return _FLATS if relative_major in _FLAT_MAJORS else _NAMES[self.mode]


def parse_key(text: str) -> Key:
    """Parse the name of a key; a letter alone is a major key. Raises InvalidParams (field "key") for any other text."""
    match = _KEY.fullmatch(_plain(text))
    if match is None or (match["before"] and match["after"]):
        raise InvalidParams(
            Violation("key", f"{text[:40]!r} is not a musical key: write it like 'C major' or 'F# minor'")
        )
    mode = _MODES[match["mode"]]
    pitch_class = _NATURALS[match["letter"]] + _SIGNS[match["before"]] + _SIGNS[match["after"]]
    return Key(mode, (pitch_class - _TONICS[mode] - LOWEST_TRANSPOSE) % 12 + LOWEST_TRANSPOSE)


def find_key(text: str) -> Key | None:
    """Return the first key that a text names, as in "in F# minor", "key: Am", "降E大调", "1=D"; `None` if it names
    none.
    """
    match = _found(unicodedata.normalize("NFKC", text))
    return _key_of(match) if match else None


def without_key(text: str) -> str:
    """Return the text with the name of the key that `find_key` finds replaced by a space."""
    normal = unicodedata.normalize("NFKC", text)
    match = _found(normal)
    return f"{normal[: match.start()]} {normal[match.end() :]}" if match else text


def _found(text: str) -> re.Match[str] | None:
    """Return the first match of the regular expression `_KEYS` in a text that is the name of a key."""
    matches = (match for pattern in _KEYS for match in pattern.finditer(text) if _key_of(match) is not None)
    return min(matches, key=lambda match: (match.start(), -match.end()), default=None)


def _key_of(match: re.Match[str]) -> Key | None:
    """Return the key that a match of the regular expression `_KEYS` names; `None` if it is not a key."""
    groups = {name: text for name, text in match.groupdict().items() if text}
    written = "".join(groups.values())
    if "do" in groups and written[0] in "#♯♭b":
        written = f"{'升' if written[0] in '#♯' else '降'}{written[1:].strip()}"
    try:
        return parse_key(written)
    except InvalidParams:
        return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
