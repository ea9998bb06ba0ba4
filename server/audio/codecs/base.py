"""Protocols of a delivery format (codec) and of its encoders."""

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
    """Protocol of the encoder of one song, which converts windows of sound to whole encoded frames.

    The concatenation of all returned bytes is one valid file; so are the bytes returned up to any call, taken together.
    The bytes do not depend on how the song was cut into windows. Calls come one after another, from any thread.
    """

    @property
    def samples_per_frame(self) -> int:
        """Number of samples per channel in every frame, at the delivered sample rate."""

    @property
    def delay_samples(self) -> int:
        """Encoder delay: number of samples, at the delivered rate, that a decoder returns before the song's first
        sample.
        """

    @property
    def stream_bytes(self) -> int | None:
        """Size of the whole stream in bytes; `None` if the encoder was opened without the length of the song."""

    @property
    def frames(self) -> int:
        """Number of frames that the encoder has returned so far."""

    @property
    def sample_count(self) -> int:
        """Number of samples of the song fed so far, per channel, at the delivered rate; final after `finish`."""

    def feed(self, window: Window) -> bytes:
        """Encode the next window of sound, float32 [2, samples], full scale 1, and return the frames that are complete,
        possibly none.
        """

    def finish(self) -> bytes:
        """Encode the buffered rest of the sound and return the last frames. Afterwards the encoder accepts no more
        sound.
        """


class EncoderFactory(Protocol):
    """Protocol of a function that opens the encoder of one song."""

    def __call__(
        self, source_rate_hertz: int, audio: AudioSettings, *, tags: Tags, sample_count: int | None
    ) -> StreamEncoder:
        """Open the encoder of a song that is rendered at `source_rate_hertz` and delivered in the format, rate and bit
        rate of `audio`; `tags` are written into the stream.

        `sample_count` is the length of the song in samples per channel at the delivered rate, `None` if it is not known
        yet.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """A delivery format (codec). Its value in the enum of the .proto file is AUDIO_FORMAT_ followed by its name.

    `open` returns the encoder of one song for sound at the delivered rate. The last argument of `open` is the number of
    samples per channel, `None` if it is not known yet.
    """

    name: str
    media_type: str
    suffix: str
    open: Callable[[AudioSettings, Tags, int | None], StreamEncoder]
