"""A second delivery format for tests: headerless PCM, 16 bits, big-endian, stereo."""

import numpy as np

from model.song import Window
from server.audio.codecs.base import Format, Tags
from server.song import AudioSettings


class PcmEncoder:
    """An encoder that returns every sample at once, as a frame."""

    samples_per_frame = 1
    delay_samples = 0

    def __init__(self, sample_count: int | None) -> None:
        self.sample_count = 0
        self.stream_bytes = None if sample_count is None else 4 * sample_count

    @property
    def frames(self) -> int:
        return self.sample_count

    def feed(self, window: Window) -> bytes:
        self.sample_count += window.shape[1]
        return np.rint(np.clip(window, -1, 1) * 32767).astype(">i2").T.tobytes()

    def finish(self) -> bytes:
        return b""


def _open(audio: AudioSettings, tags: Tags, sample_count: int | None) -> PcmEncoder:
    return PcmEncoder(sample_count)


PCM = Format("pcm", media_type="audio/L16", suffix=".pcm", open=_open)
