"""Computes the loudness of a sung syllable at every frame: vocal effort, attack and release."""

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.phrasing import Placed

Floats = NDArray[np.float32]

FORCE_RANGE_DB = 12.0
"""Difference in level, in dB, between a note of force 1 (loud) and a note of force 0 (soft)."""

_SWELL_DB, _SWELL_SECONDS = 2.0, 0.6
_LAST_FALL_DB, _LAST_FALL_SECONDS = 5.0, 1.2
_RELEASE_FRAMES, _CUT_FRAMES = 18, 5
_SOFT_ATTACK_FRAMES, _ATTACK_FRAMES = 5, 2


def effort_db(syllable: Placed, length: int, lead: int) -> Floats:
    """Return the vocal effort in dB, 0 for a note of full force, at the `lead` frames before a vowel and the `length`
    frames of the vowel.

    The effort glides between the notes of a melisma, swells in a long note, and falls in the last note of a line.
    """
    notes = syllable.notes
    middles = [((note.start + note.end) / 2 - notes[0].start) / FRAME_SECONDS for note in notes]
    frames = np.arange(-lead, length, dtype=np.float64)
    out = FORCE_RANGE_DB * (np.interp(frames, middles, [note.force for note in notes]) - 1.0)
    place = np.clip(frames / max(length, 1), 0, 1)
    seconds = length * FRAME_SECONDS
    out += _SWELL_DB * min(1.0, seconds / _SWELL_SECONDS) * (np.sin(np.pi * place**0.8) - 0.5)
    if notes[-1].ends_line:
        out -= _LAST_FALL_DB * min(1.0, seconds / _LAST_FALL_SECONDS) * place**1.5
    return out.astype(np.float32)


def shape_db(syllable: Placed, length: int, lead: int) -> Floats:
    """Return the gain of attack and release, in dB, at the `lead` frames before a vowel and the `length` frames of the
    vowel.

    The level rises at the start of the voice and falls before a pause or an unvoiced consonant.
    """
    gain = np.zeros(lead + length)
    if not syllable.bound_before or syllable.unvoiced_onset is not None:
        soft = syllable.unvoiced_onset is None and not lead
        attack = min(_SOFT_ATTACK_FRAMES if soft else _ATTACK_FRAMES, len(gain))
        gain[:attack] += np.linspace(-20 if soft else -8, 0, attack, endpoint=False)
    if syllable.take.closes:
        return gain.astype(np.float32)
    if not syllable.bound_after:
        release = min(_RELEASE_FRAMES, length // 2)
        gain[len(gain) - release :] -= 30.0 * np.linspace(0, 1, release) ** 2
    elif not syllable.runs_on:
        cut = min(_CUT_FRAMES, length // 3)
        gain[len(gain) - cut :] -= 6.0 * np.linspace(0, 1, cut)
    return gain.astype(np.float32)
