"""Lowers the level of the accompaniment while a voice sings (ducking), most at the frequencies that make words
intelligible.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.studio.sound.equaliser import Equaliser, bandpass
from model.studio.sound.tones import Samples
from model.studio.sound.zones import SAMPLE_RATE_HERTZ
from model.studio.voice.phrasing import SungNote

BAND_DB = -3.5
"""Gain in dB of the whole accompaniment while a voice sings."""

_DIP_HERTZ, _DIP_DB, _DIP_QUALITY = 3000.0, -5.0, 0.6
_ATTACK_SAMPLES = round(0.06 * SAMPLE_RATE_HERTZ)
_RELEASE_SAMPLES = round(0.5 * SAMPLE_RATE_HERTZ)
_BRIDGED_SAMPLES = round(0.9 * SAMPLE_RATE_HERTZ)
"""Longest silence between two notes, in samples, during which the accompaniment stays lowered."""

_GRID = 64


class Presence:
    """Envelope of the singing in a song: 1 while a voice sings, 0 in longer pauses, with ramps between."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def expect(self, notes: Iterable[SungNote], start: int) -> None:
        """Add the sung notes of a section, which begins at sample `start` of the song, to the envelope."""
        for first, last in sorted((_at(note.start, start), _at(note.end, start)) for note in notes):
            if self._spans and first - self._spans[-1][1] <= _BRIDGED_SAMPLES:
                self._spans[-1] = (self._spans[-1][0], max(last, self._spans[-1][1]))
            else:
                self._spans.append((first, last))

    def at(self, start: int, stop: int) -> Samples:
        """Return the values of the envelope, 0 to 1, at the samples [start, stop) of the song; a single value if all
        are equal.
        """
        self._spans = [span for span in self._spans if span[1] + _RELEASE_SAMPLES > start]
        first = start // _GRID
        points = np.arange(first, -(-stop // _GRID)) * _GRID
        present = np.zeros(len(points), np.float32)
        for begin, end in self._spans:
            rise = (points - begin) / _ATTACK_SAMPLES
            fall = 1.0 - (points - end) / _RELEASE_SAMPLES
            np.maximum(present, np.clip(np.minimum(rise, fall), 0.0, 1.0), out=present, casting="same_kind")
        if present.min() == present.max():
            return present[:1]
        return np.repeat(present, _GRID)[start - first * _GRID :][: stop - start]


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
        depth = np.float32(1.0 - 10.0 ** (_DIP_DB / 20.0))
        return np.asarray(middle - depth * present * self._band.run(middle), np.float32)


def level(present: Samples, interlude_db: float = 0.0) -> Samples:
    """Return the gain of the whole accompaniment for each value of the envelope `present`, from `Presence.at`:
    `BAND_DB` while somebody sings, `interlude_db` otherwise.
    """
    sung, alone = 10.0 ** (BAND_DB / 20.0), 10.0 ** (interlude_db / 20.0)
    return np.asarray(np.float32(sung) * present + np.float32(alone) * (1.0 - present), np.float32)


def _at(seconds: float, start: int) -> int:
    return start + round(seconds * SAMPLE_RATE_HERTZ)
