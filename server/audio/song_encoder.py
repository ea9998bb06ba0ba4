"""Masters, resamples and encodes the windows of sound of one song."""

from model.song import Window
from server.audio.codecs.base import NO_TAGS, Tags
from server.audio.codecs.registry import format_named
from server.audio.mastering.mastering import Mastering, check
from server.audio.resampler import Resampler
from server.song import AudioSettings


class SongEncoder:
    """Masters, resamples and encodes one song's windows of sound to one continuous stream.

    Implements `StreamEncoder` for sound at the engine's rate. Expensive work runs without the interpreter's lock.
    """

    def __init__(
        self,
        source_rate_hertz: int,
        audio: AudioSettings,
        *,
        tags: Tags = NO_TAGS,
        sample_count: int | None = None,
    ) -> None:
        self._resampler = Resampler(source_rate_hertz, audio.sample_rate_hertz)
        self._mastering = Mastering(audio.sample_rate_hertz, audio.target_lufs)
        self._codec = format_named(audio.format).open(audio, tags, sample_count)

    @property
    def delay_samples(self) -> int:
        """Encoder delay: number of samples, at the delivered rate, that a decoder returns before the song's first
        sample.
        """
        return self._codec.delay_samples

    @property
    def samples_per_frame(self) -> int:
        """Number of samples per channel in every frame, at the delivered sample rate."""
        return self._codec.samples_per_frame

    @property
    def stream_bytes(self) -> int | None:
        """Size of the whole stream in bytes; `None` if the length of the song is unknown."""
        return self._codec.stream_bytes

    @property
    def frames(self) -> int:
        """Number of frames that the encoder has returned so far."""
        return self._codec.frames

    @property
    def sample_count(self) -> int:
        """Number of samples per channel, at the delivered rate, that the codec has received so far; that of the whole
        song after `finish`.
        """
        return self._codec.sample_count

    def feed(self, window: Window) -> bytes:
        """Encode the next window, float32 [2, samples], and return the frames that are complete, possibly none.

        Raises:
            InvalidWindow: the window is not stereo sound; the song cannot be continued.
        """
        check(window)
        return self._codec.feed(self._mastering.feed(self._resampler.feed(window)))

    def finish(self) -> bytes:
        """Master, resample and encode the buffered rest of the sound, and return the last frames of the song."""
        frames = self._codec.feed(self._mastering.feed(self._resampler.finish()))
        frames += self._codec.feed(self._mastering.finish())
        return frames + self._codec.finish()
