"""MP3 encoder with a constant bit rate (LAME), which writes an ID3 tag and an Info frame before the sound."""

import lameenc
import numpy as np

from model.song import Window
from server.audio.codecs.base import NO_TAGS, Format, Tags
from server.audio.codecs.id3 import head_tag
from server.audio.codecs.mp3_frames import (
    BITRATES_KBPS,
    SAMPLE_RATES_HERTZ,
    SAMPLES_PER_FRAME,
    BrokenStream,
    FrameCutter,
)
from server.audio.codecs.mp3_info import LAME_DELAY_SAMPLES, info_frame, stream_bytes
from server.song import AudioSettings

_DECODER_DELAY_SAMPLES = 529
_QUALITY = 5
_FULL_SCALE = 32767


class Mp3Encoder:
    """The LAME encoder of one song: MPEG-1 layer III, joint stereo, constant bit rate, after an Info frame.

    The Info frame states the length of the song if `sample_count` is known, and the delay and padding of the decoded
    sound: a player that reads this frame plays exactly the song. Other decoders play the Info frame as a frame of
    silence.

    LAME returns bytes at arbitrary boundaries; they are cut into whole frames here. The same sound gives the same bytes
    however it is cut into windows. LAME holds back up to four frames at low bit rates and two at 192 kbit/s.

    Raises:
        ValueError: MPEG-1 has no such bit rate or sample rate.
    """

    samples_per_frame = SAMPLES_PER_FRAME
    delay_samples = SAMPLES_PER_FRAME + LAME_DELAY_SAMPLES + _DECODER_DELAY_SAMPLES

    def __init__(
        self, sample_rate_hertz: int, bitrate_kbps: int, tags: Tags = NO_TAGS, sample_count: int | None = None
    ) -> None:
        if bitrate_kbps not in BITRATES_KBPS:
            raise ValueError(f"MP3 has no bit rate of {bitrate_kbps} kbit/s: use one of {BITRATES_KBPS}")
        if sample_rate_hertz not in SAMPLE_RATES_HERTZ:
            raise ValueError(f"MP3 has no sample rate of {sample_rate_hertz} Hz: use one of {SAMPLE_RATES_HERTZ}")
        self._lame = _open_lame(sample_rate_hertz, bitrate_kbps)
        self._cutter = FrameCutter()
        self._unsent_tag = head_tag(tags)
        self._unsent_info = info_frame(sample_rate_hertz, bitrate_kbps, sample_count)
        self._head_bytes = len(self._unsent_tag) + len(self._unsent_info)
        self._frames_bytes = sample_count and stream_bytes(sample_count, sample_rate_hertz, bitrate_kbps)
        self._sample_count = 0

    @property
    def stream_bytes(self) -> int | None:
        """Size of the whole stream in bytes (tag, Info frame and sound); `None` if the length of the song is
        unknown.
        """
        return self._head_bytes + self._frames_bytes if self._frames_bytes else None

    @property
    def frames(self) -> int:
        """Number of frames returned so far, including the Info frame."""
        return self._cutter.frames + (not self._unsent_info)

    @property
    def sample_count(self) -> int:
        """Number of samples per channel fed so far."""
        return self._sample_count

    def feed(self, window: Window) -> bytes:
        """Encode the next window of sound, float32 [2, samples], full scale 1 (values beyond are clipped), and return
        the frames that are complete, possibly none.
        """
        if not window.shape[1]:
            return b""
        self._sample_count += window.shape[1]
        pcm = np.rint(np.clip(window, -1, 1) * np.float32(_FULL_SCALE)).astype(np.int16)
        frames = self._cutter.feed(self._lame.encode(np.ascontiguousarray(pcm.T)))
        return self._with_head(frames)

    def finish(self) -> bytes:
        """Encode the buffered rest of the sound and return the last frames; only the ID3 tag if no sound was fed."""
        if not self._sample_count:
            return self._unsent_tag
        frames = self._cutter.feed(self._lame.flush())
        if self._cutter.pending_bytes:
            raise BrokenStream(
                f"the MP3 encoder LAME left {self._cutter.pending_bytes} bytes of an unfinished frame. This is a bug: "
                "please report it"
            )
        return self._with_head(frames)

    def _with_head(self, frames: bytes) -> bytes:
        """Return `frames`; before the first frames of the stream, the tag and the Info frame are added."""
        if not frames:
            return b""
        head = self._unsent_tag + self._unsent_info
        self._unsent_tag = self._unsent_info = b""
        return head + frames


def _open_lame(sample_rate_hertz: int, bitrate_kbps: int) -> lameenc.Encoder:
    lame = lameenc.Encoder()
    lame.silence()
    lame.set_channels(2)
    lame.set_in_sample_rate(sample_rate_hertz)
    # Without this line LAME may choose a lower sample rate, if it considers the bit rate too low.
    lame.set_out_sample_rate(sample_rate_hertz)
    lame.set_bit_rate(bitrate_kbps)
    lame.set_quality(_QUALITY)
    return lame


def _open(audio: AudioSettings, tags: Tags, sample_count: int | None) -> Mp3Encoder:
    return Mp3Encoder(audio.sample_rate_hertz, audio.bitrate_kbps, tags, sample_count)


MP3 = Format("mp3", media_type="audio/mpeg", suffix=".mp3", open=_open)
