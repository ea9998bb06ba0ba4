import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.codecs.mp3_frames import BITRATES_KBPS, BrokenStream, FrameCutter, frame_bytes
from tests.support.table import table

RATES = {44_100: 0, 48_000: 1, 32_000: 2}


def header(bitrate_index: int, rate_index: int, padding: int) -> bytes:
    return bytes([0xFF, 0xFB, bitrate_index << 4 | rate_index << 2 | padding << 1, 0x64])


def frame(bitrate_index: int, padding: int) -> bytes:
    start = header(bitrate_index, 0, padding)
    return start + bytes(frame_bytes(start) - len(start))


@table("rate_hertz", RATES)
@table("padding", [0, 1])
@table("bitrate_kbps", BITRATES_KBPS)
def test_a_frame_is_as_long_as_its_bits_take(bitrate_kbps: int, padding: int, rate_hertz: int) -> None:
    start = header(BITRATES_KBPS.index(bitrate_kbps) + 1, RATES[rate_hertz], padding)

    assert frame_bytes(start) == int(144 * bitrate_kbps * 1000 / rate_hertz) + padding


def test_the_usual_frame_has_626_or_627_bytes() -> None:
    assert [frame_bytes(header(11, 0, padding)) for padding in (0, 1)] == [626, 627]


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"ID3\x04", id="a tag"),
        pytest.param(b"\xff\xf3\xb0\x64", id="MPEG-2"),
        pytest.param(b"\xff\xfd\xb0\x64", id="layer II"),
        pytest.param(header(0, 0, 0), id="free bit rate"),
        pytest.param(header(15, 0, 0), id="reserved bit rate"),
        pytest.param(header(11, 3, 0), id="reserved sample rate"),
    ],
)
def test_what_is_no_frame_of_ours_is_refused(start: bytes) -> None:
    with pytest.raises(BrokenStream, match=start.hex()):
        frame_bytes(start)


@given(
    frames=st.lists(st.tuples(st.integers(1, 14), st.integers(0, 1)), max_size=8),
    sizes=st.lists(st.integers(1, 2000), min_size=1),
)
def test_only_whole_frames_come_out_however_the_bytes_arrive(frames: list[tuple[int, int]], sizes: list[int]) -> None:
    expected = [frame(*each) for each in frames]
    stream = b"".join(expected)
    borders = {sum(map(len, expected[:count])) for count in range(len(expected) + 1)}
    cutter, given_out, position = FrameCutter(), b"", 0
    while position < len(stream):
        size = sizes[position % len(sizes)]
        given_out += cutter.feed(stream[position : position + size])
        position += size
        assert len(given_out) in borders
    assert given_out == stream
    assert (cutter.frames, cutter.pending_bytes) == (len(frames), 0)
