"""Melodies that a song can follow, given as notes or extracted from a recording. The module does not import torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.musicgen.melody.chroma import Classes, classes_of_sound
from model.musicgen.networks.config import ChromaConfig
from model.song import AnchorNote

_CLASSES = 12


class Melody(Protocol):
    """Protocol of a melody as a sequence of pitch classes, which repeats without end."""

    def classes(self, start_seconds: float, config: ChromaConfig) -> Classes:
        """Return `config.length` pitch classes (0 for C) of the melody, one for every `config.hop` samples of sound,
        beginning at `start_seconds` of the song.
        """


@dataclass(frozen=True, slots=True)
class NoteMelody:
    """A melody given as notes at a tempo; a rest has pitch class 0, which stands for silence in the training data."""

    notes: Sequence[AnchorNote]
    tempo_bpm: float

    @property
    def seconds(self) -> float:
        """Length in seconds of the melody's notes, after which the melody repeats."""
        return sum(note.length_beats for note in self.notes) * 60 / self.tempo_bpm

    def classes(self, start_seconds: float, config: ChromaConfig) -> Classes:
        """Return the pitch classes of the notes from `start_seconds` on; see `Melody.classes`."""
        times = start_seconds + np.arange(config.length) * config.hop / config.sample_rate
        ends = np.cumsum([note.length_beats * 60 / self.tempo_bpm for note in self.notes])
        index = np.searchsorted(ends, times % ends[-1], side="right")
        pitches = np.array([0 if note.pitch is None else note.pitch % _CLASSES for note in self.notes], np.int64)
        found: Classes = pitches[np.minimum(index, len(pitches) - 1)]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SoundMelody:
    """The melody of a recording, given as sound [samples] at the sample rate of the chroma analysis; it repeats when
    the recording ends.
    """

    sound: NDArray[np.float32]

    def classes(self, start_seconds: float, config: ChromaConfig) -> Classes:
        """Return the pitch classes of the recording from `start_seconds` on; see `Melody.classes`."""
        start = round(start_seconds * config.sample_rate)
        # If a recording is shorter than the model's melody input, its pitch classes are repeated, as in the release.
        count = min(config.samples, len(self.sound))
        index = (start + np.arange(count)) % len(self.sound)
        return np.resize(classes_of_sound(self.sound[index], config), config.length)
