"""Tests of shortened and renumbered Ogg streams, which are decoded for comparison."""

import io

import numpy as np
import pytest
import soundfile

from model.training.instruments.ogg_pages import numbered, shortened

RATE_HERTZ = 32_000


def _stream(seconds: float) -> bytes:
    noise = 0.1 * np.random.default_rng(1).standard_normal(round(seconds * RATE_HERTZ))
    stream = io.BytesIO()
    soundfile.write(stream, noise, RATE_HERTZ, format="OGG", subtype="VORBIS")
    return stream.getvalue()


def _decoded(stream: bytes) -> np.ndarray:
    return np.asarray(soundfile.read(io.BytesIO(stream))[0])


def test_a_shortened_stream_is_the_beginning_of_the_sound() -> None:
    stream = _stream(8.0)
    cut = shortened(stream, 3 * RATE_HERTZ)
    whole, beginning = _decoded(stream), _decoded(cut)
    assert 3 * RATE_HERTZ <= len(beginning) < 5 * RATE_HERTZ
    assert np.array_equal(beginning, whole[: len(beginning)])
    assert len(cut) < 0.7 * len(stream)


def test_a_stream_that_is_short_enough_stays_as_it_is() -> None:
    stream = _stream(1.0)
    assert shortened(stream, 3 * RATE_HERTZ) == stream


def test_the_same_sound_gives_the_same_bytes_and_is_still_that_sound() -> None:
    first, second = _stream(1.0), _stream(1.0)
    assert numbered(first) == numbered(second)
    assert np.array_equal(_decoded(numbered(first)), _decoded(first))


def test_what_is_no_ogg_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="no Ogg page begins at byte 0"):
        shortened(b"RIFF" + bytes(100), 5)
