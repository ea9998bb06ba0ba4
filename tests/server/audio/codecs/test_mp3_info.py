import io
from itertools import product

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.codecs.mp3_frames import BITRATES_KBPS, SAMPLE_RATES_HERTZ, frame_bytes
from server.audio.codecs.mp3_info import frame_count, info_frame, stream_bytes
from tests.support.sounds import decode_frames, decode_mp3, noise
from tests.support.table import table

RATES = list(product(SAMPLE_RATES_HERTZ, BITRATES_KBPS))
LENGTHS = st.one_of(st.integers(1, 20_000), st.integers(-3, 3).map(lambda off: 10 * 1152 + off))


def encoded(samples: int, rate_hertz: int = 44_100, bitrate_kbps: int = 192, known: bool = True) -> bytes:
    encoder = Mp3Encoder(rate_hertz, bitrate_kbps, {"title": "Spring"}, samples if known else None)
    return encoder.feed(noise(samples)) + encoder.finish()


@settings(deadline=None, max_examples=60)
@given(samples=LENGTHS, rates=st.sampled_from(RATES))
def test_the_counts_are_those_of_the_encoder(samples: int, rates: tuple[int, int]) -> None:
    encoder = Mp3Encoder(*rates)
    stream = encoder.feed(noise(samples)) + encoder.finish()

    assert frame_count(samples) == encoder.frames - 1
    assert stream_bytes(samples, *rates) == len(stream) - len(info_frame(*rates, None))


@table(("rate_hertz", "bitrate_kbps"), RATES)
def test_the_frame_is_whole_at_every_rate(rate_hertz: int, bitrate_kbps: int) -> None:
    for samples in (None, 100_000):
        frame = info_frame(rate_hertz, bitrate_kbps, samples)
        assert frame_bytes(frame[:4]) == len(frame)


@table("samples", [1, 575, 1152, 44_100, 100_003])
def test_players_give_out_the_song_and_nothing_else(samples: int) -> None:
    stream = encoded(samples)

    assert decode_mp3(stream).shape == (2, samples)
    assert soundfile.read(io.BytesIO(stream))[0].shape == (samples, 2)
    with av.open(io.BytesIO(stream), "r", format="mp3") as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(samples / 44_100, abs=2e-6)


def test_what_is_cut_away_is_not_of_the_song() -> None:
    encoder = Mp3Encoder(44_100, 320, sample_count=44_100)
    stream = encoder.feed(noise(44_100)) + encoder.finish()
    start = encoder.delay_samples

    played, every = decode_mp3(stream), decode_frames(stream)
    np.testing.assert_allclose(played, every[:, start : start + 44_100], atol=1e-6)


def test_a_length_that_is_not_known_is_not_stated() -> None:
    stream, known = encoded(44_100, known=False), encoded(44_100)
    tag = stream.index(b"Info")

    assert stream[tag + 4 : tag + 8] == bytes(4)
    assert stream.endswith(known[-stream_bytes(44_100, 44_100, 192) :])
    assert decode_mp3(stream).shape[1] >= 44_100


def test_a_beginning_of_the_stream_plays_as_far_as_it_goes() -> None:
    stream = encoded(100_000)
    played = decode_mp3(stream[: len(stream) // 2])

    assert 40_000 < played.shape[1] < 60_000
