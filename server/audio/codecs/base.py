"""What every delivery format fulfils, and the table of those we have."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from model.song import Window
from server.audio.codecs.mp3 import Mp3Encoder


class StreamEncoder(Protocol):
    """Encodes one song, piece by piece, into whole frames."""

    @property
    def samples_per_frame(self) -> int:
        """Samples of sound in every frame."""

    @property
    def delay_samples(self) -> int:
        """Samples of silence that a decoder puts before the sound."""

    @property
    def frames(self) -> int:
        """Frames given out so far."""

    def feed(self, sound: Window) -> bytes:
        """Encode float32 [2, samples], full scale 1; returns the frames that became whole, maybe none."""

    def finish(self) -> bytes:
        """The last frames. The encoder takes no more sound afterwards."""


CODECS: Mapping[str, Callable[[int, int], StreamEncoder]] = MappingProxyType({"mp3": Mp3Encoder})
"""Codec name to its encoder for (sample rate in hertz, bit rate in kbit/s)."""
