"""MP3 at a constant bit rate, with LAME. Tags stand in an ID3 tag before the first frame."""

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
from server.song import AudioSettings

_LAME_DELAY_SAMPLES = 576
_DECODER_DELAY_SAMPLES = 529
_QUALITY = 5
_FULL_SCALE = 32767


class Mp3Encoder:
    """One song's LAME encoder: MPEG-1 layer III, joint stereo, constant bit rate, no Xing or Info frame.

    LAME returns bytes at arbitrary places; whole frames are cut out of them here. The same sound gives the same bytes
    however it is cut into pieces. LAME holds back up to four frames at low bit rates and two at 192 kbit/s.

    Raises:
        ValueError: MPEG-1 has no such bit rate or sample rate.
    """

    samples_per_frame = SAMPLES_PER_FRAME
    delay_samples = _LAME_DELAY_SAMPLES + _DECODER_DELAY_SAMPLES

    def __init__(self, sample_rate_hertz: int, bitrate_kbps: int, tags: Tags = NO_TAGS) -> None:
        if bitrate_kbps not in BITRATES_KBPS:
            raise ValueError(f"MP3 has no bit rate of {bitrate_kbps} kbit/s, only {BITRATES_KBPS}")
        if sample_rate_hertz not in SAMPLE_RATES_HERTZ:
            raise ValueError(f"MP3 has no sample rate of {sample_rate_hertz} Hz, only {SAMPLE_RATES_HERTZ}")
        self._lame = _open_lame(sample_rate_hertz, bitrate_kbps)
        self._cutter = FrameCutter()
        self._unsent_tag = head_tag(tags)
        self._sample_count = 0

    @property
    def frames(self) -> int:
        """Frames given out so far."""
        return self._cutter.frames

    @property
    def sample_count(self) -> int:
        """Samples fed so far, per channel."""
        return self._sample_count

    def feed(self, window: Window) -> bytes:
        """Encode float32 [2, samples], full scale 1 (beyond it is clipped); returns the frames that became whole."""
        if not window.shape[1]:
            return b""
        self._sample_count += window.shape[1]
        pcm = np.rint(np.clip(window, -1, 1) * np.float32(_FULL_SCALE)).astype(np.int16)
        frames = self._cutter.feed(self._lame.encode(np.ascontiguousarray(pcm.T)))
        return self._tag() + frames if frames else b""

    def finish(self) -> bytes:
        """The last frames; where no sound was fed, the tag alone."""
        return self._tag() + self._last_frames()

    def _last_frames(self) -> bytes:
        if not self._sample_count:
            return b""
        rest = self._cutter.feed(self._lame.flush())
        if self._cutter.pending_bytes:
            raise BrokenStream(f"LAME left {self._cutter.pending_bytes} bytes of an unfinished frame; this is a bug")
        return rest

    def _tag(self) -> bytes:
        tag, self._unsent_tag = self._unsent_tag, b""
        return tag


def _open_lame(sample_rate_hertz: int, bitrate_kbps: int) -> lameenc.Encoder:
    lame = lameenc.Encoder()
    lame.silence()
    lame.set_channels(2)
    lame.set_in_sample_rate(sample_rate_hertz)
    # Unless told, LAME lowers the rate where it thinks the bit rate too small for it.
    lame.set_out_sample_rate(sample_rate_hertz)
    lame.set_bit_rate(bitrate_kbps)
    lame.set_quality(_QUALITY)
    return lame


def _open(audio: AudioSettings, tags: Tags) -> Mp3Encoder:
    return Mp3Encoder(audio.sample_rate_hertz, audio.bitrate_kbps, tags)


MP3 = Format("mp3", media_type="audio/mpeg", suffix=".mp3", open=_open)
