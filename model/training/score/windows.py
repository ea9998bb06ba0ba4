"""Cuts random excerpts (windows) out of training songs, as batches for the score network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.studio.composing.conditions import (
    UNKNOWN_DENSITY,
    UNKNOWN_MODE,
    UNKNOWN_POSITION,
    UNKNOWN_REGISTER,
    UNKNOWN_TEMPO,
    Conditions,
    Hint,
    Style,
    TokenKind,
    tempo_index,
)
from model.studio.composing.network.condition_encoder import Known
from model.studio.composing.network.config import SLOTS
from model.studio.composing.tokens import FIRST_PITCH, HOLD, REST, Classes
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT
from model.training.score.songs import BarFacts, TrainingSong, bar_facts

BATCH_BARS = (8, 12, 16, 16, 20)
"""Lengths of windows in bars; every batch has one length, chosen at random."""

_NOTES_PER_BAR = 1.25
_WISHES_DROPPED = 0.12
_WISH_DROPPED = 0.2


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of equal length as a batch: melody and chord classes, conditions, and a mask of the classes that are
    given.
    """

    melody: Tensor
    chords: Tensor
    conditions: Conditions
    known: Known


@dataclass(frozen=True, slots=True)
class _Song:
    song: TrainingSong
    facts: BarFacts
    phrase_starts: NDArray[np.int64]


class Windows:
    """Draws random windows (excerpts) from training songs; three in five start with a phrase, the others at any bar."""

    def __init__(self, songs: Sequence[TrainingSong], seed: int) -> None:
        self._songs = [_Song(song, bar_facts(song), _starts(song)) for song in songs if song.bars > max(BATCH_BARS)]
        self._weights = np.array([entry.song.bars for entry in self._songs], dtype=np.float64) ** 0.5
        self._weights /= self._weights.sum()
        self._random = np.random.default_rng(seed)

    def batch(self, size: int, bars: int | None = None) -> Batch:
        """Return `size` random windows of `bars` bars (a random length if `None`). Random conditions are set to
        "unknown", and random classes are marked as given.
        """
        bars = bars or int(self._random.choice(BATCH_BARS))
        windows = [self._window(bars) for _ in range(size)]
        return collate([self._drop(window) for window in windows])

    def plain(self, size: int, bars: int) -> list["Window"]:
        """Return `size` random windows that start with a phrase, with all conditions and no given classes."""
        return [self._window(bars, at_phrase=True) for _ in range(size)]

    def _window(self, bars: int, *, at_phrase: bool = False) -> "Window":
        while True:
            entry = self._songs[int(self._random.choice(len(self._songs), p=self._weights))]
            starts = entry.phrase_starts[entry.phrase_starts + bars <= entry.song.bars]
            if len(starts) and (at_phrase or self._random.random() < 0.6):
                first = int(self._random.choice(starts))
            else:
                first = int(self._random.integers(0, entry.song.bars - bars + 1))
            window = cut(entry.song, entry.facts, first, bars)
            if (window.melody >= FIRST_PITCH).sum() >= _NOTES_PER_BAR * bars:
                return window

    def _drop(self, window: "Window") -> "Window":
        random = self._random
        beats = len(window.chords)
        hint = np.where(_hint_mask(random, beats)[:, None], window.hint, Hint.UNKNOWN)
        per_beat = window.per_beat.copy()
        per_song = window.per_song.copy()
        unknown = (UNKNOWN_POSITION, UNKNOWN_POSITION, TokenKind.UNKNOWN, UNKNOWN_DENSITY, UNKNOWN_REGISTER)
        per_song_unknown = (UNKNOWN_MODE, UNKNOWN_TEMPO, Style.UNKNOWN)
        if random.random() < _WISHES_DROPPED:
            per_beat[:, 2:] = unknown[2:]
            per_song[:] = per_song_unknown
        for column, value in enumerate(unknown):
            if random.random() < _WISH_DROPPED * (0.5 if column < 2 else 1.0):
                per_beat[:, column] = value
        for column, value in enumerate(per_song_unknown):
            if random.random() < _WISH_DROPPED:
                per_song[column] = value
        return replace(window, hint=hint, per_beat=per_beat, per_song=per_song, known=_known_mask(random, beats))


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a training song, as arrays for the score network.

    Its classes are `melody` [beats, 4] and `chords` [beats]; `hint` [beats, 4] is the given rhythm. `per_beat` [beats,
    5] has the conditions of each beat: bar in the phrase, bars left, section kind, note density, register. `per_song`
    [3] has mode, tempo and style; `known` [beats, 5] marks given classes.
    """

    melody: Classes
    chords: Classes
    hint: Classes
    per_beat: Classes
    per_song: Classes
    known: NDArray[np.float32]


def cut(song: TrainingSong, facts: BarFacts, first: int, bars: int) -> Window:
    """Return the window of `bars` bars of a song from bar `first` on, with all conditions and no given classes. `facts`
    are the conditions of the song's bars.
    """
    beats = slice(first * BEATS_PER_BAR, (first + bars) * BEATS_PER_BAR)
    melody = song.melody.reshape(-1, STEPS_PER_BEAT)[beats]
    hint = np.where(melody == REST, Hint.REST, np.where(melody == HOLD, Hint.HOLD, Hint.ONSET))
    columns = (facts.bar, facts.left, facts.kind, facts.density, facts.register)
    per_bar = np.stack([column[first : first + bars] for column in columns], -1)
    per_song = np.array([int(song.minor), tempo_index(song.tempo_bpm), song.style], dtype=np.int64)
    if song.style is Style.STANDARD:
        per_song[1] = UNKNOWN_TEMPO
    return Window(
        melody=melody,
        chords=song.chords[beats],
        hint=hint.astype(np.int64),
        per_beat=per_bar.repeat(BEATS_PER_BAR, 0),
        per_song=per_song,
        known=np.zeros((bars * BEATS_PER_BAR, SLOTS), dtype=np.float32),
    )


def collate(windows: Sequence[Window]) -> Batch:
    """Combine windows of equal length to one batch."""
    melody = torch.from_numpy(np.stack([w.melody for w in windows]))
    chords = torch.from_numpy(np.stack([w.chords for w in windows]))
    bar, left, kind, density, register = torch.from_numpy(np.stack([w.per_beat for w in windows])).unbind(-1)
    mode, tempo, style = torch.from_numpy(np.stack([w.per_song for w in windows])).unbind(-1)
    conditions = Conditions(
        beat=torch.arange(chords.shape[1]).remainder(BEATS_PER_BAR).expand_as(chords),
        bar=bar,
        left=left,
        kind=kind,
        density=density,
        register=register,
        hint=torch.from_numpy(np.stack([w.hint for w in windows])),
        mode=mode,
        tempo=tempo,
        style=style,
    )
    mask = torch.from_numpy(np.stack([w.known for w in windows]))
    return Batch(melody, chords, conditions, Known(melody, chords, mask))


def _starts(song: TrainingSong) -> NDArray[np.int64]:
    lengths = [phrase.bars for phrase in song.phrases]
    if len(lengths) == 1:
        return np.arange(0, song.bars, 4)
    return np.cumsum([0, *lengths[:-1]])


def _hint_mask(random: np.random.Generator, beats: int) -> NDArray[np.bool_]:
    """Draw a random mask [beats] of the beats whose rhythm is given as a condition: all (45 %), the last ones (15 %), a
    range (10 %), or none.
    """
    mask = np.zeros(beats, dtype=np.bool_)
    draw = random.random()
    if draw < 0.45:
        mask[:] = True
    elif draw < 0.6:
        mask[random.integers(0, beats) :] = True
    elif draw < 0.7:
        first = random.integers(0, beats)
        mask[first : first + random.integers(4, 33)] = True
    return mask


def _known_mask(random: np.random.Generator, beats: int) -> NDArray[np.float32]:
    """Draw a random mask [beats, 5] of given token classes: none (32 %), those of the first beats, the chords, the
    melody, ranges of beats, the melody of random beats (with or without all chords), or the first beats and all
    chords.
    """
    mask = np.zeros((beats, SLOTS), dtype=np.float32)
    draw = random.random()
    if 0.32 <= draw < 0.56:
        mask[: random.integers(1, beats // BEATS_PER_BAR - 2) * BEATS_PER_BAR] = 1
    elif 0.56 <= draw < 0.68:
        mask[:, STEPS_PER_BEAT] = 1
    elif 0.68 <= draw < 0.76:
        mask[:, :STEPS_PER_BEAT] = 1
    elif 0.76 <= draw < 0.86:
        for _ in range(random.integers(1, 4)):
            first = random.integers(0, beats - 6)
            mask[first : first + random.integers(6, 25)] = 1
    elif 0.86 <= draw < 0.92:
        mask[:, :STEPS_PER_BEAT] = random.random((beats, 1)) < random.uniform(0.2, 0.7)
        mask[:, STEPS_PER_BEAT] = random.random() < 0.7
    elif draw >= 0.92:
        mask[: random.integers(1, beats // BEATS_PER_BAR - 2) * BEATS_PER_BAR] = 1
        mask[:, STEPS_PER_BEAT] = 1
    return mask
