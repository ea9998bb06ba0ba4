"""MP3 at a constant bit rate, with LAME."""

import lameenc
import numpy as np

from model.song import Window
from server.audio.codecs.mp3_frames import (
    BITRATES_KBPS,
    SAMPLE_RATES_HERTZ,
    SAMPLES_PER_FRAME,
    BrokenStream,
    FrameCutter,
)

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

    def __init__(self, sample_rate_hertz: int, bitrate_kbps: int) -> None:
        if bitrate_kbps not in BITRATES_KBPS:
            raise ValueError(f"MP3 has no bit rate of {bitrate_kbps} kbit/s, only {BITRATES_KBPS}")
        if sample_rate_hertz not in SAMPLE_RATES_HERTZ:
            raise ValueError(f"MP3 has no sample rate of {sample_rate_hertz} Hz, only {SAMPLE_RATES_HERTZ}")
        self._lame = _open_lame(sample_rate_hertz, bitrate_kbps)
        self._cutter = FrameCutter()
        self._fed = False

    @property
    def frames(self) -> int:
        """Frames given out so far."""
        return self._cutter.frames

    def feed(self, sound: Window) -> bytes:
        """Encode float32 [2, samples], full scale 1 (beyond it is clipped); returns the frames that became whole."""
        if not sound.shape[1]:
            return b""
        self._fed = True
        pcm = np.rint(np.clip(sound, -1, 1) * np.float32(_FULL_SCALE)).astype(np.int16)
        return self._cutter.feed(self._lame.encode(np.ascontiguousarray(pcm.T)))

    def finish(self) -> bytes:
        """The last frames; nothing where no sound was fed."""
        if not self._fed:
            return b""
        rest = self._cutter.feed(self._lame.flush())
        if self._cutter.pending_bytes:
            raise BrokenStream(f"LAME left {self._cutter.pending_bytes} bytes of an unfinished frame; this is a bug")
        return rest


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
