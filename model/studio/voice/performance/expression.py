"""Shapes the notes of a sung line: loudness that falls towards the end of the line, accents, and starts slightly after
the beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from model.studio.voice.performance.loudness import FORCE_RANGE_DB
from model.studio.voice.performance.manner import Manner
from model.studio.voice.phrasing import SungNote

_RISE_DB = 1.8
"""Level in dB of the middle of a line above a straight fall from its first to its last syllable."""

_STRESS_DB = 1.8
_PITCH_DB, _PITCH_RANGE_DB = 0.25, 2.0
_LENGTH_DB = 0.8
_CHANCE_DB = 2.0
_SOFTEST, _LOUDEST = 0.0, 1.2
_LAG_SHARE = 0.2
_CONTINUES_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Accent:
    """Position and stress of a sung note: the number of its line in the section, and the stress of its syllable, -1 to
    1.
    """

    line: int
    stress: float = 0.0


def performed(
    notes: Sequence[SungNote], accents: Sequence[Accent], manner: Manner, generator: np.random.Generator
) -> tuple[SungNote, ...]:
    """Return the sung notes with their loudness shaped line by line and with some notes slightly delayed.

    `accents` has one entry for each note.
    """
    late = _late(notes, manner, generator)
    pairs = zip(late, accents, strict=True)
    out: list[SungNote] = []
    for _, line in groupby(pairs, key=lambda pair: pair[1].line):
        sung, stresses = zip(*((note, accent.stress) for note, accent in line), strict=True)
        out += _shaped(sung, stresses, manner, generator)
    return tuple(out)


def _shaped(
    notes: Sequence[SungNote], stresses: Sequence[float], manner: Manner, generator: np.random.Generator
) -> list[SungNote]:
    starts, lengths, pitches = (
        np.array(values)
        for values in zip(*((note.start, note.end - note.start, note.pitch) for note in notes), strict=True)
    )
    place = (starts - starts[0]) / max(starts[-1] - starts[0], 1e-6)
    change_db = manner.effort_db + manner.fall_db * (0.5 - place) + _RISE_DB * (np.sin(np.pi * place) - 2 / np.pi)
    change_db += np.clip(_PITCH_DB * (pitches - pitches.mean()), -_PITCH_RANGE_DB, _PITCH_RANGE_DB)
    change_db += _LENGTH_DB * np.clip(np.log2(lengths / np.median(lengths)), -1, 1)
    change_db += _STRESS_DB * np.array(stresses) + _CHANCE_DB * generator.standard_normal(len(notes))
    forces = [note.force for note in notes] + change_db / FORCE_RANGE_DB
    forces = np.clip(forces, _SOFTEST, _LOUDEST)
    shaped = [replace(note, force=float(force)) for note, force in zip(notes, forces, strict=True)]
    return [*shaped[:-1], replace(shaped[-1], ends_line=True)]


def _late(notes: Sequence[SungNote], manner: Manner, generator: np.random.Generator) -> list[SungNote]:
    """Return the notes with random delays of up to `manner.lag_seconds`; the note before a delayed note is prolonged to
    meet it.
    """
    chances = generator.random(len(notes))
    out: list[SungNote] = []
    for note, chance in zip(notes, chances.tolist(), strict=True):
        if note.utterance is not None:
            lag = chance * min(manner.lag_seconds, _LAG_SHARE * (note.end - note.start))
            if out and note.start - out[-1].end < _CONTINUES_SECONDS:
                out[-1] = replace(out[-1], end=note.start + lag)
            note = replace(note, start=note.start + lag)
        out.append(note)
    return out
