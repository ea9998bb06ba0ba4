"""One song's way from windows to MP3."""

from collections.abc import Mapping

from model.song import Window
from server.audio.codecs.base import CODECS
from server.audio.mastering.mastering import Mastering, check
from server.audio.resampler import Resampler
from server.audio.tags import head_tag
from server.song import AudioSettings


class SongEncoder:
    """Turns one song's windows into one continuous MP3 stream: mastering, resampling, encoding.

    The concatenation of everything returned is one valid file, and so is each beginning of it. It does not depend on
    how the song was cut into windows. Calls come one after another, from any thread; the work is done outside the
    interpreter's lock wherever it is large.
    """

    def __init__(self, source_rate_hertz: int, audio: AudioSettings, *, tags: Mapping[str, str] | None = None) -> None:
        self._resampler = Resampler(source_rate_hertz, audio.sample_rate_hertz)
        self._mastering = Mastering(audio.sample_rate_hertz, audio.target_lufs)
        self._codec = CODECS["mp3"](audio.sample_rate_hertz, audio.bitrate_kbps)
        self._unsent_tag = head_tag(tags or {})
        self._sample_count = 0

    @property
    def delay_samples(self) -> int:
        """Samples that a decoder puts before the song's first one, at the delivered rate."""
        return self._codec.delay_samples

    @property
    def samples_per_frame(self) -> int:
        """Samples in every frame, at the delivered rate."""
        return self._codec.samples_per_frame

    @property
    def frames(self) -> int:
        """Frames returned so far."""
        return self._codec.frames

    @property
    def sample_count(self) -> int:
        """Samples of the song that reached the encoder so far, at the delivered rate; all of them after `finish`."""
        return self._sample_count

    def feed(self, window: Window) -> bytes:
        """Take in the next window, float32 [2, samples]; returns the frames that became whole, maybe none.

        The tag stands before the first frame.

        Raises:
            InvalidWindow: the window is not stereo sound; the song cannot be continued.
        """
        check(window)
        return self._encode(self._mastering.feed(self._resampler.feed(window)))

    def finish(self) -> bytes:
        """The rest of the song; an empty song is a tag alone."""
        frames = self._encode(self._mastering.feed(self._resampler.finish()))
        frames += self._encode(self._mastering.finish())
        return self._tagged(frames + self._codec.finish(), even_alone=True)

    def _encode(self, sound: Window) -> bytes:
        self._sample_count += sound.shape[1]
        return self._tagged(self._codec.feed(sound))

    def _tagged(self, frames: bytes, even_alone: bool = False) -> bytes:
        if not frames and not even_alone:
            return b""
        tag, self._unsent_tag = self._unsent_tag, b""
        return tag + frames
