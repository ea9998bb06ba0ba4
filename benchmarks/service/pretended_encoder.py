"""The encoder of the simulated device in pretend.py, in a module that does not import the server."""

from collections.abc import Mapping

from model.song import Window
from server.song import AudioSettings

CHUNK_BYTES = 24_000


class PretendEncoder:
    """A simulated encoder that returns 24 KB for every second of sound, in frames of a second."""

    delay_samples = 0
    stream_bytes = None

    def __init__(
        self, source_rate_hertz: int, audio: AudioSettings, *, tags: Mapping[str, str], sample_count: int | None = None
    ) -> None:
        self.samples_per_frame = audio.sample_rate_hertz
        self.sample_count = 0
        self.frames = 0
        self._source_rate_hertz = source_rate_hertz
        self._fed_samples = 0

    def feed(self, window: Window) -> bytes:
        """Return a frame of fixed bytes for every full second of sound."""
        self._fed_samples += window.shape[1]
        self.sample_count = self._fed_samples * self.samples_per_frame // self._source_rate_hertz
        frames = self.sample_count // self.samples_per_frame
        data = bytes(CHUNK_BYTES) * (frames - self.frames)
        self.frames = frames
        return data

    def finish(self) -> bytes:
        """Return nothing, because no sound is buffered."""
        return b""
