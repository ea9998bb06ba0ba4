import numpy as np
import pytest

from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.codecs.mp3_frames import frame_bytes
from tests.support.sounds import decode_frames, noise, tone
from tests.support.table import table

BITRATES_KBPS = [64, 96, 128, 160, 192, 224, 256, 320]


def test_finish_leaves_no_sound_behind() -> None:
    encoder = Mp3Encoder(44_100, 192)
    decoded = decode_frames(encoder.feed(tone(0.5, 44_100)) + encoder.finish())

    assert decoded.shape[1] == encoder.frames * encoder.samples_per_frame
    assert decoded.shape[1] >= 22_050 + encoder.delay_samples


@table("rate_hertz", [44_100, 48_000])
@table("bitrate_kbps", BITRATES_KBPS)
def test_every_frame_has_the_asked_bit_rate(bitrate_kbps: int, rate_hertz: int) -> None:
    encoder = Mp3Encoder(rate_hertz, bitrate_kbps)
    stream = encoder.feed(noise(rate_hertz)) + encoder.finish()
    shortest, position = 144_000 * bitrate_kbps // rate_hertz, 0
    for _ in range(encoder.frames):
        length = frame_bytes(stream[position : position + 4])
        assert length - shortest in (0, 1)
        position += length
    assert position == len(stream)


@table("bitrate_kbps", BITRATES_KBPS)
def test_a_low_bit_rate_does_not_lower_the_sample_rate(bitrate_kbps: int) -> None:
    encoder = Mp3Encoder(44_100, bitrate_kbps)
    decoded = decode_frames(encoder.feed(tone(0.5, 44_100)) + encoder.finish())

    assert decoded.shape == (2, encoder.frames * 1152)


def test_sound_beyond_full_scale_is_clipped_and_not_wrapped() -> None:
    encoder = Mp3Encoder(44_100, 320)
    decoded = decode_frames(encoder.feed(np.full((2, 22_050), 3.0, np.float32)) + encoder.finish())

    assert decoded[:, 6000:12_000].min() > 0.5


@pytest.mark.parametrize(("rate_hertz", "bitrate_kbps"), [(44_100, 100), (44_100, 0), (22_050, 128)])
def test_rates_that_mp3_does_not_have_are_refused(rate_hertz: int, bitrate_kbps: int) -> None:
    with pytest.raises(ValueError, match="MP3 has no"):
        Mp3Encoder(rate_hertz, bitrate_kbps)
