"""The pitch of a sung line: exact on the notes, and moving between and around them as singers do.

Overshoot, preparation, vibrato and fine fluctuation follow the observations of Saitou, Unoki and Akagi (2005).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.phrasing import Placed, SungNote, frame

Curve = NDArray[np.float64]

_GLIDE_SECONDS = 0.07
_GLIDE_INTO_NOTE = 0.35
_OVERSHOOT = 0.05
_SCOOP_CENTS = 110.0
_VIBRATO_FROM_SECONDS = 0.45
_VIBRATO_DELAY_SECONDS = 0.22
_VIBRATO_RAMP_SECONDS = 0.30
_VIBRATO_CENTS = 34.0
_VIBRATO_HERTZ = 5.5
_DRIFT_CENTS = 4.0
_FALL_CENTS = 60.0


def pitch_curve(placed: Sequence[Placed], frames: int, generator: np.random.Generator) -> Curve:
    """The fundamental in hertz at every frame, [frames]; in pauses that of the note before."""
    notes = [note for syllable in placed for note in syllable.notes]
    tones = [syllable.notes[0].tone for syllable in placed for _ in syllable.notes]
    semitones = _glides(notes, frames)
    cents = _drift(frames, generator)
    heads = {id(syllable.notes[0]): syllable for syllable in placed}
    for note, tone in zip(notes, tones, strict=True):
        syllable = heads.get(id(note))
        begins = syllable is not None and not syllable.bound_before
        _colour(cents, note, tone if syllable else 0, begins, generator)
    out: Curve = 440.0 * 2 ** ((semitones - 69 + cents / 100) / 12)
    return out


def _glides(notes: Sequence[SungNote], frames: int) -> Curve:
    """Semitones: each note's pitch, reached by half a cosine from the one before, with some overshoot."""
    out = np.full(frames, float(notes[0].pitch))
    times = np.arange(frames) * FRAME_SECONDS
    for before, note in pairwise(notes):
        step = note.pitch - before.pitch
        if not step:
            continue
        length = min(_GLIDE_SECONDS, 0.5 * (note.end - note.start))
        start = note.start - (1 - _GLIDE_INTO_NOTE) * length
        share = 0.5 - 0.5 * np.cos(np.pi * np.clip((times - start) / length, 0, 1))
        out += step * share
        late = np.maximum(times - start - length, 0.0)
        swing = np.exp(-late / 0.05) * np.sin(2 * np.pi * late / 0.16)
        out += _OVERSHOOT * step * swing * (late < note.end - start - length)
    return out


def _drift(frames: int, generator: np.random.Generator) -> Curve:
    """Cents of slow wandering and of fine fluctuation."""
    slow = _smoothed(generator.standard_normal(frames + 80), 81)[:frames]
    fine = _smoothed(generator.standard_normal(frames + 6), 7)[:frames]
    out: Curve = _DRIFT_CENTS * slow + 0.5 * _DRIFT_CENTS * fine
    return out


def _smoothed(noise: Curve, width: int) -> Curve:
    """Noise through a Hann window of `width` frames, of unit variance."""
    window = np.hanning(width + 2)[1:-1]
    out: Curve = np.convolve(noise, window / np.sqrt((window**2).sum()), "valid")
    return out


def _colour(cents: Curve, note: SungNote, tone: int, begins: bool, generator: np.random.Generator) -> None:
    """Add the ornaments of one note."""
    first, last = frame(note.start), min(frame(note.end), len(cents))
    time: Curve = FRAME_SECONDS * np.arange(max(last - first, 0), dtype=np.float64)
    length = note.end - note.start
    chance = generator.random(3)
    added = np.zeros(len(time))
    if begins:
        added -= _SCOOP_CENTS * (0.5 + chance[0]) * np.exp(-time / 0.035)
    if length > _VIBRATO_FROM_SECONDS:
        ramp = np.clip((time - _VIBRATO_DELAY_SECONDS) / _VIBRATO_RAMP_SECONDS, 0, 1)
        hertz = _VIBRATO_HERTZ + 0.5 * (chance[1] - 0.5)
        depth = _VIBRATO_CENTS * (0.75 + 0.5 * chance[2])
        added += depth * ramp * np.sin(2 * np.pi * hertz * (time - _VIBRATO_DELAY_SECONDS))
    added += _inflection(tone, time, length)
    cents[first:last] += added


def _inflection(tone: int, time: Curve, length: float) -> Curve:
    """A trace of the spoken tone, short enough to leave the note in tune."""
    if tone == 2:
        return -70.0 * np.exp(-time / 0.045)
    if tone == 3:
        return -90.0 * np.exp(-(((time - 0.05) / 0.04) ** 2))
    if tone == 4:
        fall = np.clip((time - length + 0.08) / 0.08, 0, 1)
        return 45.0 * np.exp(-time / 0.04) - _FALL_CENTS * fall**2
    return np.zeros(len(time))
