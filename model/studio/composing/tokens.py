"""Defines the token classes of scores, and converts scores to token arrays and back.

One token is one beat: four melody classes (rest, hold or pitch), one for each sixteenth step, and one chord class. All
classes are in C major or A minor; the caller transposes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, Chord, Note, Quality, Score

REST = 0
HOLD = 1
FIRST_PITCH = 2
LOWEST = 48
HIGHEST = 84
PITCHES = HIGHEST - LOWEST + 1
MELODY_CLASSES = FIRST_PITCH + PITCHES

NO_CHORD = 0
QUALITIES = len(Quality)
CHORD_CLASSES = 1 + 12 * QUALITIES

Classes = NDArray[np.int64]
"""Array of class indices; the functions that use it give its shape."""


@dataclass(frozen=True, slots=True)
class ScoreTokens:
    """A score as arrays of token classes: `melody` [beats, 4] and `chords` [beats]."""

    melody: Classes
    chords: Classes


def pitch_class_index(pitch: int) -> int:
    """Return the melody class (2 to 38) of a MIDI pitch; a pitch outside the range 48 to 84 is moved by octaves."""
    while pitch < LOWEST:
        pitch += 12
    while pitch > HIGHEST:
        pitch -= 12
    return FIRST_PITCH + pitch - LOWEST


def chord_index(chord: Chord) -> int:
    """Return the chord class, 1 to 36, of a chord's triad; colour and bass are ignored."""
    return 1 + chord.root * QUALITIES + int(chord.quality)


def chord_of(index: int) -> Chord:
    """Return the triad with the chord class `index`, 1 to 36.

    Raises:
        ValueError: `index` is `NO_CHORD` or out of range.
    """
    if not NO_CHORD < index < CHORD_CLASSES:
        raise ValueError(f"{index} is not a chord class: give a triad's class, 1 to 36")
    root, quality = divmod(index - 1, QUALITIES)
    return Chord(root, Quality(quality))


def melody_classes(notes: Sequence[Note], steps: int) -> Classes:
    """Return the melody class (rest, hold or pitch) of each of `steps` sixteenth steps for notes in C major / A minor;
    notes after the last step are dropped.
    """
    classes = np.full(steps, REST, dtype=np.int64)
    for note in notes:
        if note.start < steps:
            classes[note.start : note.end] = HOLD
            classes[note.start] = pitch_class_index(note.pitch)
    return classes


def notes_of(classes: Classes) -> tuple[Note, ...]:
    """Return the notes that melody classes [steps] stand for; a hold without a note before it is read as a rest."""
    notes: list[Note] = []
    onset: int | None = None
    for step, value in enumerate([*classes.tolist(), REST]):
        if onset is not None and value != HOLD:
            notes.append(Note(onset, step - onset, LOWEST + int(classes[onset]) - FIRST_PITCH))
            onset = None
        if value >= FIRST_PITCH:
            onset = step
    return tuple(notes)


def encode(score: Score, transpose: int) -> ScoreTokens:
    """Return the token classes of a score whose key lies `transpose` semitones above C major / A minor."""
    at_home = score.transposed(-transpose)
    melody = melody_classes(at_home.melody, score.steps).reshape(-1, STEPS_PER_BEAT)
    return ScoreTokens(melody, np.array([chord_index(chord) for chord in at_home.chords], dtype=np.int64))


def decode(tokens: ScoreTokens, transpose: int) -> Score:
    """Return the score that the tokens (class indices of melody and chords) encode, in the key `transpose` semitones
    above C major / A minor. Every beat must have a chord.
    """
    chords = tuple(chord_of(int(index)) for index in tokens.chords)
    score = Score(len(chords) // BEATS_PER_BAR, notes_of(tokens.melody.reshape(-1)), chords)
    return score.transposed(transpose)
