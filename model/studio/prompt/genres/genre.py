"""Defines the data type of a genre: its names in prompts, its tempo range and its style."""

from dataclasses import dataclass

from model.studio.style import Groove, Instrument, Mode, Style, Track


@dataclass(frozen=True, slots=True)
class Genre:
    """A genre: its style, its range of tempi, and the words by which a prompt names it (Latin ones in lower case)."""

    words: tuple[str, ...]
    tempo_range_bpm: tuple[float, float]
    style: Style


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
    pentatonic: bool = False,
    chord_pace: float = 1.0,
    levels_db: dict[Track, float] | None = None,
    mix_db: float = 0.0,
    vocal_db: float = 0.0,
    tone_db: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    width_db: float = 0.0,
    interlude_db: float = 0.0,
) -> Genre:
    """Return a genre with the comma-separated names `words`; the tempo of its style is the middle of its tempo
    range.
    """
    tempo_bpm = sum(tempo_range_bpm) / 2
    instruments = tuple(players.items())
    style = Style(
        name,
        groove,
        mode,
        tempo_bpm,
        energy,
        density,
        swing,
        reverb,
        brightness,
        instruments,
        pentatonic=pentatonic,
        chord_pace=chord_pace,
        levels_db=tuple((levels_db or {}).items()),
        mix_db=mix_db,
        vocal_db=vocal_db,
        tone_db=tone_db,
        width_db=width_db,
        interlude_db=interlude_db,
    )
    return Genre(tuple(word.strip() for word in words.split(",")), tempo_range_bpm, style)
