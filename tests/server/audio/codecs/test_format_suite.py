"""Tests that every delivery format has to pass."""

import numpy as np
import pytest

from server.audio.codecs.base import Format, StreamEncoder
from server.audio.codecs.registry import FORMATS, all_formats, format_named
from server.song import DEFAULT_FORMAT, AudioSettings
from tests.support.pcm import PCM
from tests.support.sounds import cut, noise

AUDIO = AudioSettings()


@pytest.fixture(params=[*all_formats(), PCM], ids=lambda each: each.name)
def codec(request: pytest.FixtureRequest) -> Format:
    assert isinstance(request.param, Format)
    return request.param


def opened(codec: Format) -> StreamEncoder:
    return codec.open(AUDIO, {}, None)


def test_pieces_give_the_bytes_of_the_whole(codec: Format) -> None:
    sound = noise(50_000)
    whole, streamed = opened(codec), opened(codec)

    pieces = [streamed.feed(piece) for piece in cut(sound, [1, 1151, 7000])]
    assert b"".join(pieces) + streamed.finish() == whole.feed(sound) + whole.finish()


def test_no_sound_gives_no_frames(codec: Format) -> None:
    encoder = opened(codec)

    assert encoder.feed(np.zeros((2, 0), np.float32)) + encoder.finish() == b""
    assert (encoder.frames, encoder.sample_count) == (0, 0)


def test_all_sound_is_in_the_frames_behind_the_delay(codec: Format) -> None:
    encoder = opened(codec)
    encoder.feed(noise(50_000))
    encoder.finish()

    assert encoder.sample_count == 50_000
    surplus = encoder.frames * encoder.samples_per_frame - encoder.sample_count - encoder.delay_samples
    assert 0 <= surplus < 2 * encoder.samples_per_frame


@pytest.mark.parametrize("samples", [1, 1152, 50_000])
def test_a_known_length_tells_the_size_of_the_stream(codec: Format, samples: int) -> None:
    encoder = codec.open(AUDIO, {"title": "春天"}, samples)

    size = encoder.stream_bytes
    assert len(encoder.feed(noise(samples)) + encoder.finish()) == size
    assert opened(codec).stream_bytes is None


def test_tags_change_no_sound(codec: Format) -> None:
    plain, tagged = opened(codec), codec.open(AUDIO, {"title": "Spring"}, None)
    sound = noise(50_000)

    assert (tagged.feed(sound) + tagged.finish()).endswith(plain.feed(sound) + plain.finish())


def test_its_names_fit_a_path_and_a_header(codec: Format) -> None:
    assert codec.name.isidentifier()
    assert codec.name == codec.name.lower()
    assert codec.suffix.startswith(".")
    assert codec.media_type.startswith("audio/")


def test_formats_are_found_by_their_names() -> None:
    assert [format_named(each.name) for each in all_formats()] == list(all_formats())
    assert FORMATS.keys() == {each.name for each in all_formats()}
    assert DEFAULT_FORMAT in FORMATS
