"""Defines the data type of a genre: its names in prompts, its tempo range and its style."""

from dataclasses import dataclass
from typing import TypedDict, Unpack

from model.studio.style import Groove, Instrument, Mode, Style, Track


@dataclass(frozen=True, slots=True)
class Genre:
    """A musical genre: its style, its range of tempi in beats per minute, and the words by which a prompt names it
    (Latin words in lower case).
    """

    words: tuple[str, ...]
    tempo_range_bpm: tuple[float, float]
    style: Style


class Special(TypedDict, total=False):
    """The fields of `Style` that most genres leave at their defaults."""

    pentatonic: bool
    chord_pace: float
    mix_db: float
    vocal_db: float
    tone_db: tuple[float, float, float, float]
    width_db: float
    contrast: float
    interlude_db: float


def genre(
    name: str,
    words: str,
    groove: Groove,
    tempo_range_bpm: tuple[float, float],
    *,
    energy: float,
    density: float,
    reverb: float,
    brightness: float,
    players: dict[Track, Instrument],
    mode: Mode = Mode.MAJOR,
    swing: float = 0.0,
    levels_db: dict[Track, float] | None = None,
    **special: Unpack[Special],
) -> Genre:
    """Return a genre with the comma-separated names `words`; the parameters of `Style` are passed on. The tempo of the
    genre's style is the middle of its tempo range.
    """
    style = Style(
        name,
        groove,
        mode,
        sum(tempo_range_bpm) / 2,
        energy,
        density,
        swing,
        reverb,
        brightness,
        tuple(players.items()),
        levels_db=tuple((levels_db or {}).items()),
        **special,
    )
    return Genre(tuple(word.strip() for word in words.split(",")), tempo_range_bpm, style)
