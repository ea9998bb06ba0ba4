"""Training songs (melody, chords and structure on one grid, in C major or A minor), and their file format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.studio.composing.conditions import (
    LINE_BARS,
    UNKNOWN_POSITION,
    UNKNOWN_REGISTER,
    Style,
    TokenKind,
    density_index,
    position_index,
    register_index,
)
from model.studio.composing.tokens import FIRST_PITCH, HOLD, LOWEST, REST, Classes, pitch_class_index
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR

_UNLABELLED_BARS = 8


@dataclass(frozen=True, slots=True)
class Phrase:
    """A labelled phrase of a training song: its kind and its length in bars."""

    kind: TokenKind
    bars: int


@dataclass(frozen=True, slots=True)
class TrainingSong:
    """One training song: `melody` classes [bars * 16], `chords` classes [bars * 4], and its phrases in order.

    A song without annotated structure has one phrase of kind `UNKNOWN`.
    """

    name: str
    style: Style
    minor: bool
    tempo_bpm: float
    melody: Classes
    chords: Classes
    phrases: tuple[Phrase, ...]

    @property
    def bars(self) -> int:
        """Length of the song in bars."""
        return len(self.chords) // BEATS_PER_BAR


def place_melody(notes: Iterable[tuple[int | None, int]], transpose: int, bars: int) -> Classes:
    """Return the melody classes [bars * 16] of notes, given as pairs of a pitch (`None` for a rest) and a length in
    sixteenths. The melody is transposed by `transpose` semitones, and by octaves to the middle of the range.

    Raises:
        ValueError: there are fewer than 40 notes.
    """
    notes = list(notes)
    pitches = [pitch for pitch, _ in notes if pitch is not None]
    if len(pitches) < 40:
        raise ValueError("the melody has too few notes, so the song is left out")
    octaves = round((66 - float(np.median(pitches)) - transpose) / 12) * 12
    classes = np.full(bars * STEPS_PER_BAR, REST, dtype=np.int64)
    start = 0
    for pitch, length in notes:
        if pitch is not None and start < len(classes):
            classes[start : start + length] = HOLD
            classes[start] = pitch_class_index(pitch + transpose + octaves)
        start += length
    return classes


def home_transpose(tonic: int, minor: bool) -> int:
    """Return the number of semitones, -6 to 5, by which a key must be transposed to become C major or A minor."""
    return ((9 if minor else 0) - tonic + 6) % 12 - 6


def save_songs(path: Path, songs: Sequence[TrainingSong]) -> None:
    """Write training songs to one compressed npz file."""
    phrases = [(index, phrase.kind, phrase.bars) for index, song in enumerate(songs) for phrase in song.phrases]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        name=np.array([song.name for song in songs]),
        facts=np.array([(song.style, song.minor, song.bars) for song in songs], dtype=np.int64),
        tempo_bpm=np.array([song.tempo_bpm for song in songs]),
        melody=np.concatenate([song.melody for song in songs]).astype(np.int8),
        chords=np.concatenate([song.chords for song in songs]).astype(np.int8),
        phrases=np.array(phrases, dtype=np.int64),
    )


def load_songs(path: Path) -> list[TrainingSong]:
    """Read and return the training songs in a file that `save_songs` wrote."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    songs: list[TrainingSong] = []
    first_bar = 0
    for index, (style, minor, bars) in enumerate(arrays["facts"].tolist()):
        rows = arrays["phrases"][arrays["phrases"][:, 0] == index]
        melody = arrays["melody"][first_bar * STEPS_PER_BAR : (first_bar + bars) * STEPS_PER_BAR]
        chords = arrays["chords"][first_bar * BEATS_PER_BAR : (first_bar + bars) * BEATS_PER_BAR]
        songs.append(
            TrainingSong(
                name=str(arrays["name"][index]),
                style=Style(style),
                minor=bool(minor),
                tempo_bpm=float(arrays["tempo_bpm"][index]),
                melody=melody.astype(np.int64),
                chords=chords.astype(np.int64),
                phrases=tuple(Phrase(TokenKind(kind), length) for _, kind, length in rows.tolist()),
            )
        )
        first_bar += bars
    return songs


@dataclass(frozen=True, slots=True)
class BarFacts:
    """Conditions of the score network for every bar of a song: section kind, bar in the phrase, bars left in it, note
    density and register. Each is an array [bars] of embedding indices.
    """

    kind: Classes
    bar: Classes
    left: Classes
    density: Classes
    register: Classes


def bar_facts(song: TrainingSong) -> BarFacts:
    """Return the conditions for the score network in each bar of a song, computed from its phrases and melody."""
    rows: list[tuple[int, int, int, int, int]] = []
    for phrase in song.phrases:
        if phrase.kind is TokenKind.UNKNOWN:
            for first in range(0, phrase.bars, _UNLABELLED_BARS):
                bars = min(_UNLABELLED_BARS, phrase.bars - first)
                rows += [
                    (kind, UNKNOWN_POSITION, UNKNOWN_POSITION, density, register)
                    for kind, _, _, density, register in _phrase_facts(song, phrase.kind, len(rows), bars)
                ]
        else:
            rows += _phrase_facts(song, phrase.kind, len(rows), phrase.bars)
    table = np.array(rows, dtype=np.int64)
    return BarFacts(*(table[:, column] for column in range(5)))


def _phrase_facts(song: TrainingSong, kind: TokenKind, first: int, bars: int) -> list[tuple[int, int, int, int, int]]:
    classes = song.melody[first * STEPS_PER_BAR : (first + bars) * STEPS_PER_BAR].reshape(bars, STEPS_PER_BAR)
    onsets = classes >= FIRST_PITCH
    register = UNKNOWN_REGISTER
    if onsets.any():
        register = register_index(float(classes[onsets].mean()) - FIRST_PITCH + LOWEST)
    rows = []
    for bar in range(bars):
        line = onsets[bar - bar % LINE_BARS :][:LINE_BARS]
        density = density_index(float(line.sum()) / len(line))
        rows.append((int(kind), position_index(bar), position_index(bars - 1 - bar), density, register))
    return rows
