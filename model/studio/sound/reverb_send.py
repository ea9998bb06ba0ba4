"""Sends singing to the reverb: little within a line, much from the last note of a line ("reverb throw"), so that the
reverberation sounds in the pauses and does not cover the next words.
"""

from collections.abc import Sequence

import numpy as np

from model.studio.sound.decibels import amplitude_of
from model.studio.sound.span_envelope import SpanEnvelope, sample_at
from model.studio.sound.tones import Samples
from model.studio.voice.phrasing import PHRASE_GAP_SECONDS, SungNote

_THROW_DB = 22.0
"""Gain in dB of the send on the last note of a line."""

_HEAD_SECONDS, _HEAD_SHARE = 0.25, 0.5
"""Longest part of the last note, in seconds and as a share of the note, before the send rises; consonants and the start
of the vowel stay without reverberation.
"""

_RISE_SECONDS, _FALL_SECONDS = 0.1, 0.05


class ReverbSend:
    """Level at which one singer is sent to the reverb."""

    def __init__(self, send_db: float) -> None:
        """Set up a send with the level `send_db` within lines."""
        self._usual = np.float32(amplitude_of(send_db))
        self._thrown = np.float32(amplitude_of(_THROW_DB) - 1.0) * self._usual
        self._last_notes = SpanEnvelope(rise_seconds=_RISE_SECONDS, fall_seconds=_FALL_SECONDS)

    def expect(self, notes: Sequence[SungNote], start: int) -> None:
        """Add the sung notes of a section, in order of time; the section begins at sample `start` of the song."""
        self._last_notes.add(
            (
                sample_at(note.start + min(_HEAD_SECONDS, _HEAD_SHARE * (note.end - note.start)), start),
                sample_at(note.end, start),
            )
            for note, following in zip(notes, (*notes[1:], None), strict=False)
            if _ends_phrase(note, following)
        )

    def gain(self, start: int, stop: int) -> Samples:
        """Return the gain of the send at the samples [start, stop) of the song; a single value if it is constant."""
        return np.asarray(self._usual + self._thrown * self._last_notes.at(start, stop))


def _ends_phrase(note: SungNote, following: SungNote | None) -> bool:
    """Return True if a note ends a line and a pause comes after it."""
    return note.ends_line and (following is None or following.start - note.end >= PHRASE_GAP_SECONDS)
