"""Protocols of a delivery format and of its encoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

from model.song import Window
from server.song import AudioSettings

Tags: TypeAlias = Mapping[str, str]
"""Metadata of a song, such as title and seed. A format writes the entries that it supports."""

NO_TAGS: Tags = MappingProxyType({})


class StreamEncoder(Protocol):
    """Encodes one song, window by window, into whole frames.

    The concatenation of all returned bytes is one valid file, and so is every prefix of whole returns. The bytes do not
    depend on how the song was cut into windows. Calls come one after another, from any thread.
    """

    @property
    def samples_per_frame(self) -> int:
        """Samples per channel in every frame, at the delivered rate."""

    @property
    def delay_samples(self) -> int:
        """Samples before the song's first sample if all frames are decoded, at the delivered rate."""

    @property
    def stream_bytes(self) -> int | None:
        """Bytes of the whole stream; `None` if it was opened without the length of the song."""

    @property
    def frames(self) -> int:
        """Number of frames that the encoder has returned so far."""

    @property
    def sample_count(self) -> int:
        """Samples of the song per channel, at the delivered rate; final after `finish`."""

    def feed(self, window: Window) -> bytes:
        """Encode float32 [2, samples], full scale 1; returns the frames that are complete, possibly none."""

    def finish(self) -> bytes:
        """Return the last frames. Afterwards the encoder accepts no more sound."""


class EncoderFactory(Protocol):
    """Opens the encoder of one song for sound at the engine's rate."""

    def __call__(
        self, source_rate_hertz: int, audio: AudioSettings, *, tags: Tags, sample_count: int | None
    ) -> StreamEncoder:
        """Open an encoder. Sound comes in at `source_rate_hertz` and is delivered as `audio` says; `tags` are written
        into the stream.

        `sample_count` is the length of the song per channel at the delivered rate, `None` if not known yet.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """One delivery format. The name of its enum value in the .proto file is AUDIO_FORMAT_ followed by its name.

    `open` returns the encoder of one song for sound at the delivered rate. Its last argument is the number of samples
    per channel, `None` if it is not known yet.
    """

    name: str
    media_type: str
    suffix: str
    open: Callable[[AudioSettings, Tags, int | None], StreamEncoder]
