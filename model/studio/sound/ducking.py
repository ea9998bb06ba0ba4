"""Lowers the level of the accompaniment while a voice sings (ducking), most at the frequencies that make words
intelligible.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.studio.sound.decibels import amplitude_of
from model.studio.sound.equaliser import Equaliser, bandpass
from model.studio.sound.span_envelope import SpanEnvelope, sample_at
from model.studio.sound.tones import Samples
from model.studio.voice.phrasing import SungNote

BAND_DB = -3.5
"""Gain in dB of the whole accompaniment while a voice sings."""

_DIP_HERTZ, _DIP_DB, _DIP_QUALITY = 3000.0, -5.0, 0.6
_RISE_SECONDS, _FALL_SECONDS = 0.06, 0.5
_BRIDGED_SECONDS = 0.9
"""Longest silence between two notes, in seconds, during which the accompaniment stays lowered."""


class Presence(SpanEnvelope):
    """Envelope of the singing in a song: 1 while a voice sings, 0 in longer pauses, with ramps between."""

    def __init__(self) -> None:
        """Set up the envelope of a song without singing."""
        super().__init__(rise_seconds=_RISE_SECONDS, fall_seconds=_FALL_SECONDS, bridged_seconds=_BRIDGED_SECONDS)

    def expect(self, notes: Iterable[SungNote], start: int) -> None:
        """Add the sung notes of a section, which begins at sample `start` of the song, to the envelope."""
        self.add(sorted((sample_at(note.start, start), sample_at(note.end, start)) for note in notes))


class RoomForWords:
    """Filter that lowers frequencies around 3 kHz in the mid signal (sum of both channels) of the accompaniment while a
    voice sings.
    """

    def __init__(self) -> None:
        self._band = Equaliser(bandpass(_DIP_HERTZ, _DIP_QUALITY), channels=1)

    def run(self, middle: NDArray[np.float32], present: Samples) -> NDArray[np.float32]:
        """Return the next block of the mid signal, filtered; `present` is the envelope of the singing, from
        `Presence.at`.
        """
        depth = np.float32(1.0 - amplitude_of(_DIP_DB))
        return np.asarray(middle - depth * present * self._band.run(middle), np.float32)


def level(present: Samples, interlude_db: float = 0.0) -> Samples:
    """Return the gain of the whole accompaniment for each value of the envelope `present`, from `Presence.at`:
    `BAND_DB` while somebody sings, `interlude_db` otherwise.
    """
    sung, alone = amplitude_of(BAND_DB), amplitude_of(interlude_db)
    return np.asarray(np.float32(sung) * present + np.float32(alone) * (1.0 - present), np.float32)
