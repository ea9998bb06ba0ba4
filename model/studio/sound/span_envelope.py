"""Envelopes over the time of a song: 1 during spans of time, 0 elsewhere, with ramps between."""

from collections.abc import Iterable

import numpy as np

from model.studio.sound.tones import Samples
from model.studio.sound.zones import SAMPLE_RATE_HERTZ

_GRID = 64


class SpanEnvelope:
    """Envelope that is 1 during spans of samples and 0 elsewhere; it rises linearly after the start of a span and
    falls after its end.
    """

    def __init__(self, *, rise_seconds: float, fall_seconds: float, bridged_seconds: float = 0.0) -> None:
        """Set up an envelope without spans; it stays 1 between two spans that are at most `bridged_seconds` apart."""
        self._rise, self._fall, self._bridged = (
            round(seconds * SAMPLE_RATE_HERTZ) for seconds in (rise_seconds, fall_seconds, bridged_seconds)
        )
        self._spans: list[tuple[int, int]] = []

    def add(self, spans: Iterable[tuple[int, int]]) -> None:
        """Add spans, [first, last) in samples of the song; they must be sorted, and begin after all earlier ones."""
        for first, last in spans:
            if self._spans and first - self._spans[-1][1] <= self._bridged:
                self._spans[-1] = (self._spans[-1][0], max(last, self._spans[-1][1]))
            else:
                self._spans.append((first, last))

    def at(self, start: int, stop: int) -> Samples:
        """Return the values of the envelope, 0 to 1, at the samples [start, stop) of the song; a single value if all
        are equal.
        """
        self._spans = [span for span in self._spans if span[1] + self._fall > start]
        first = start // _GRID
        points = np.arange(first, -(-stop // _GRID)) * _GRID
        values = np.zeros(len(points), np.float32)
        for begin, end in self._spans:
            rise = (points - begin) / self._rise
            fall = 1.0 - (points - end) / self._fall
            np.maximum(values, np.clip(np.minimum(rise, fall), 0.0, 1.0), out=values, casting="same_kind")
        if values.min() == values.max():
            return values[:1]
        return np.repeat(values, _GRID)[start - first * _GRID :][: stop - start]


def sample_at(seconds: float, start: int) -> int:
    """Return the sample of a song at a time in seconds from sample `start`."""
    return start + round(seconds * SAMPLE_RATE_HERTZ)
