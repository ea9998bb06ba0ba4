import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import Window
from server.audio.codecs.mp3_frames import FrameCutter
from server.audio.mastering.mastering import InvalidWindow
from server.audio.song_encoder import SongEncoder
from server.song import AudioSettings
from tests.support.sounds import cut, decode_frames, decode_mp3, noise, pop, tone
from tests.support.table import table

RATE = 48_000
SONG = pop(3.3)
TAGS = {"title": "Spring", "seed": "7"}
DEFAULTS = AudioSettings()


def encode(windows: list[Window], audio: AudioSettings = DEFAULTS) -> list[bytes]:
    encoder = SongEncoder(RATE, audio, tags=TAGS)
    return [*[encoder.feed(window) for window in windows], encoder.finish()]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=5))
def test_the_bytes_do_not_depend_on_the_windows(sizes: list[int]) -> None:
    assert b"".join(encode(cut(SONG, [*sizes, 5000]))) == b"".join(encode([SONG]))


@table("rate_hertz", [44_100, 48_000])
@table("bitrate_kbps", [64, 128, 192, 320])
def test_a_song_decodes_to_its_length(rate_hertz: int, bitrate_kbps: int) -> None:
    audio = AudioSettings(bitrate_kbps, rate_hertz)
    encoder = SongEncoder(RATE, audio)
    decoded = decode_frames(encoder.feed(SONG) + encoder.finish())

    assert encoder.sample_count == SONG.shape[1] * rate_hertz // RATE
    surplus = decoded.shape[1] - encoder.sample_count - encoder.delay_samples
    assert 0 <= surplus < encoder.samples_per_frame
    assert decoded.shape[1] == encoder.frames * encoder.samples_per_frame


def test_the_song_begins_after_the_stated_delay() -> None:
    silence = np.zeros((2, RATE // 2), np.float32)
    decoded = decode_frames(b"".join(encode([silence, tone(0.5)], AudioSettings(320, RATE))))
    start = int(np.argmax(np.abs(decoded[0]) > 0.05))

    assert start == pytest.approx(RATE // 2 + SongEncoder(RATE, DEFAULTS).delay_samples, abs=40)


def test_every_beginning_of_the_stream_plays() -> None:
    chunks = [chunk for chunk in encode(cut(SONG, [12_000])) if chunk]
    lengths = [decode_mp3(b"".join(chunks[:count])).shape[1] for count in range(1, len(chunks) + 1)]

    assert lengths[0] > 0
    assert lengths == sorted(set(lengths))


def test_every_chunk_is_whole_frames_behind_one_tag() -> None:
    tag = SongEncoder(RATE, DEFAULTS, tags=TAGS).finish()
    chunks = encode(cut(SONG, [12_000]))

    assert chunks[0].startswith(tag)
    for frames in [chunks[0].removeprefix(tag), *chunks[1:]]:
        cutter = FrameCutter()
        assert cutter.feed(frames) == frames


def test_the_first_half_second_already_gives_sound() -> None:
    first = encode(cut(SONG, [RATE // 2]))[0]

    assert first.startswith(b"ID3")
    assert decode_mp3(first).shape[1] > 0.3 * 44_100


def test_no_more_than_a_fifth_of_a_second_is_held_back() -> None:
    encoder = SongEncoder(RATE, DEFAULTS)
    for fed, window in enumerate(cut(SONG, [4800]), 1):
        encoder.feed(window)
        assert encoder.frames * 1152 / 44_100 > 0.1 * fed - 0.2


def test_an_empty_song_is_its_tag_alone() -> None:
    encoder = SongEncoder(RATE, DEFAULTS, tags=TAGS)

    assert encoder.finish().startswith(b"ID3")
    assert (encoder.frames, encoder.sample_count) == (0, 0)


def test_silence_is_a_song_too() -> None:
    assert not decode_mp3(b"".join(encode([np.zeros((2, RATE), np.float32)]))).any()


def test_the_level_survives_encoding() -> None:
    decoded = decode_mp3(b"".join(encode([tone(2.0)], AudioSettings(192, RATE, target_lufs=-18.0))))
    middle = slice(RATE // 2, RATE)

    assert np.abs(decoded[0, middle]).max() == pytest.approx(0.25, abs=0.03)


def test_a_broken_window_is_named_before_it_reaches_the_encoder() -> None:
    window = noise(480)
    window[0, 3] = np.nan

    with pytest.raises(InvalidWindow, match="sample 3 of channel 0"):
        SongEncoder(RATE, DEFAULTS).feed(window)
