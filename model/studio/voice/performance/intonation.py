"""Computes the pitch curve of a sung line, with glides between notes, drift and ornaments.

Overshoot, preparation and fine fluctuation follow the observations of Saitou, Unoki and Akagi (2005).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.performance.manner import Manner
from model.studio.voice.performance.vibrato import vibrato
from model.studio.voice.phrasing import Placed, SungNote, frame

Curve = NDArray[np.float64]

_GLIDE_SECONDS, _GLIDE_PER_SEMITONE, _LONGEST_GLIDE_SECONDS = 0.04, 0.011, 0.16
_GLIDE_INTO_NOTE = (0.2, 0.5)
_OVERSHOOT = 0.05
_SCOOP_CENTS = 110.0
_DRIFT_CENTS = 3.5
_JITTER_CENTS = 2.5
_RISE_CENTS, _DIP_CENTS, _FALL_CENTS, _END_CENTS = 390.0, 435.0, 315.0, 210.0
_SPOKEN_SECONDS, _END_SECONDS = (0.12, 0.36), 0.08
"""Shortest and longest duration of a spoken syllable, in seconds, which limit the pitch movement of tones in a long
note; and the duration of the fall at the note's end.
"""

_LAST_FALL_CENTS, _LAST_FALL_SECONDS = 45.0, 0.12


def pitch_curve(placed: Sequence[Placed], frames: int, manner: Manner, generator: np.random.Generator) -> Curve:
    """Return the fundamental frequency of the sung syllables in hertz at every frame, [frames]; during a pause, that of
    the note before the pause.
    """
    notes = [note for syllable in placed for note in syllable.notes]
    tones = [syllable.notes[0].tone for syllable in placed for _ in syllable.notes]
    semitones = _glides(notes, frames, manner, generator)
    cents = _drift(frames, generator)
    heads = {id(syllable.notes[0]): syllable for syllable in placed}
    for note, tone in zip(notes, tones, strict=True):
        syllable = heads.get(id(note))
        begins = syllable is not None and not syllable.bound_before
        _colour(cents, note, tone if syllable else 0, begins, manner, generator)
    out: Curve = 440.0 * 2 ** ((semitones - 69 + cents / 100) / 12)
    return out


def _glides(notes: Sequence[SungNote], frames: int, manner: Manner, generator: np.random.Generator) -> Curve:
    """Return the pitch as a MIDI number at every frame, [frames]: a half-cosine glide from each note to the next, with
    some overshoot.

    Wider intervals have longer glides; the part of a glide that lies within the note is random.
    """
    out = np.full(frames, float(notes[0].pitch))
    chances = generator.random(len(notes))
    for (before, note), chance in zip(pairwise(notes), chances.tolist(), strict=False):
        step = note.pitch - before.pitch
        if not step:
            continue
        length = min(_GLIDE_SECONDS + _GLIDE_PER_SEMITONE * abs(step), _LONGEST_GLIDE_SECONDS) * manner.glide
        length = min(length, 0.5 * (note.end - note.start))
        into_note = _GLIDE_INTO_NOTE[0] + (_GLIDE_INTO_NOTE[1] - _GLIDE_INTO_NOTE[0]) * chance
        start = note.start - (1 - into_note) * length
        first, last = max(frame(start) - 1, 0), min(max(frame(note.end), frame(start + length) + 1), frames)
        times = np.arange(first, last) * FRAME_SECONDS
        late = np.maximum(times - start - length, 0.0)
        swing = np.exp(-late / 0.05) * np.sin(2 * np.pi * late / 0.16) * (late < note.end - start - length)
        share = 0.5 - 0.5 * np.cos(np.pi * np.clip((times - start) / length, 0, 1))
        out[first:last] += step * (share + _OVERSHOOT * swing)
        out[last:] += step
    return out


def _drift(frames: int, generator: np.random.Generator) -> Curve:
    """Return the random deviation of the pitch, in cents, at every frame: slow drift, fine fluctuation and jitter."""
    slow = _smoothed(generator.standard_normal(frames + 80), 81)[:frames]
    fine = _smoothed(generator.standard_normal(frames + 6), 7)[:frames]
    out: Curve = _DRIFT_CENTS * (slow + 0.5 * fine) + _JITTER_CENTS * generator.standard_normal(frames)
    return out


def _smoothed(noise: Curve, width: int) -> Curve:
    """Return white noise of unit variance after smoothing by a Hann window of `width` frames; the result has unit
    variance, too.
    """
    window = np.hanning(width + 2)[1:-1]
    out: Curve = np.convolve(noise, window / np.sqrt((window**2).sum()), "valid")
    return out


def _colour(
    cents: Curve, note: SungNote, tone: int, begins: bool, manner: Manner, generator: np.random.Generator
) -> None:
    """Add the ornaments of one note (vibrato, lexical tone, a scoop at the start of a phrase, a fall at its end) to
    `cents`, the pitch deviation at every frame. `begins` is True if a pause comes before the note; `tone` is the
    lexical tone of its syllable.
    """
    first, last = frame(note.start), min(frame(note.end), len(cents))
    time: Curve = FRAME_SECONDS * np.arange(max(last - first, 0), dtype=np.float64)
    length = note.end - note.start
    scoop = generator.random()
    added = vibrato(time, length, note.ends_line, manner, generator)
    if begins:
        added -= _SCOOP_CENTS * (0.3 + scoop) * manner.glide * np.exp(-time / 0.035)
    if note.ends_line:
        added -= _LAST_FALL_CENTS * np.clip(1 - (length - time) / _LAST_FALL_SECONDS, 0, 1) ** 2
    added += manner.speech * _inflection(tone, time, length)
    cents[first:last] += added


def _inflection(tone: int, time: Curve, length: float) -> Curve:
    """Return the pitch deviation in cents that imitates the lexical tone of a spoken syllable, at `time` seconds into a
    note of `length` seconds.

    With the second tone the pitch rises to the note, with the third it dips and returns, with the fourth it falls to
    the note and falls again at the note's end. In between the note is in tune. Without these deviations, words that
    differ only in tone would sound the same.
    """
    place: Curve = time / min(max(length, _SPOKEN_SECONDS[0]), _SPOKEN_SECONDS[1])
    out: Curve = np.zeros(len(time))
    if tone == 2:
        out = -_RISE_CENTS * np.clip(1 - place / 0.45, 0, 1) ** 1.2
    elif tone == 3:
        out = -_DIP_CENTS * np.exp(-(((place - 0.25) / 0.14) ** 2))
    elif tone == 4:
        end = np.clip(1 - (length - time) / _END_SECONDS, 0, 1)
        out = _FALL_CENTS * np.clip(1 - place / 0.45, 0, 1) - _END_CENTS * end**1.5
    return out
