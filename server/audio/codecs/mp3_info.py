"""Writes the Info frame at the head of an MP3 stream. It states the stream's length, and the silence that players
remove.

The layout is that of Xing's header with LAME's extension ("Mp3 Info Tag revision 1 Specifications", LAME project). The
frame counts and the padding of LAME follow from `lame_encode_flush`, the sizes of frames from LAME's rule for padding
bytes.
"""

from server.audio.codecs.mp3_frames import (
    BITRATES_KBPS,
    HEADER_BYTES,
    SAMPLE_RATES_HERTZ,
    SAMPLES_PER_FRAME,
    unpadded_frame_bytes,
)

LAME_DELAY_SAMPLES = 576
_SIDE_INFORMATION_BYTES = 32
_INFO = b"Info"
_JOINT_STEREO = 0x40
_FRAMES, _BYTES, _SEEK_TABLE = 1, 2, 4
_SEEK_POINTS = 100
_EXTENSION_BYTES = 36
_NEEDED_BYTES = HEADER_BYTES + _SIDE_INFORMATION_BYTES + len(_INFO) + 3 * 4 + _SEEK_POINTS + _EXTENSION_BYTES
_LAST_PADDING_SAMPLES = 576
_CONSTANT_BIT_RATE = 1
_HIGHEST_STATED_KBPS = 255
_CRC_POLYNOMIAL = 0xA001  # the polynomial 0x8005, bits reversed


def frame_count(samples: int) -> int:
    """Return the number of frames to which LAME encodes `samples` samples per channel, without the Info frame; 0 for no
    samples.
    """
    return (samples + LAME_DELAY_SAMPLES + _end_padding(samples)) // SAMPLES_PER_FRAME if samples else 0


def stream_bytes(samples: int, sample_rate_hertz: int, bitrate_kbps: int) -> int:
    """Return the total size, in bytes, of the frames to which LAME encodes `samples` samples per channel, without the
    Info frame.
    """
    frames = frame_count(samples)
    part = SAMPLES_PER_FRAME // 8 * 1000 * bitrate_kbps % sample_rate_hertz
    padded = -(-max(0, frames - 1) * part // sample_rate_hertz)
    return frames * unpadded_frame_bytes(sample_rate_hertz, bitrate_kbps) + padded


def info_frame(sample_rate_hertz: int, bitrate_kbps: int, samples: int | None) -> bytes:
    """Return the Info frame of a song with `samples` samples per channel. If `samples` is `None` (unknown), the frame
    states no length.

    The frame has the bit rate of the stream, or the lowest bit rate whose frames are large enough.
    """
    frame_kbps, size = _room(sample_rate_hertz, bitrate_kbps)
    length = None if samples is None else size + stream_bytes(samples, sample_rate_hertz, bitrate_kbps)
    head = _header(sample_rate_hertz, frame_kbps) + bytes(_SIDE_INFORMATION_BYTES) + _INFO
    head += _counts(samples, length) + _extension(bitrate_kbps, samples, length)
    return (head + _crc16(head).to_bytes(2)).ljust(size, b"\0")


def _end_padding(samples: int) -> int:
    padding = SAMPLES_PER_FRAME - (samples + LAME_DELAY_SAMPLES) % SAMPLES_PER_FRAME
    return padding + SAMPLES_PER_FRAME if padding < _LAST_PADDING_SAMPLES else padding


def _room(sample_rate_hertz: int, bitrate_kbps: int) -> tuple[int, int]:
    """Return the bit rate of the Info frame, in kbit/s, and the frame's size in bytes, for a stream of the given rates.
    The bit rate is that of the stream, or the lowest higher one whose frames are large enough.
    """
    sizes = ((kbps, unpadded_frame_bytes(sample_rate_hertz, kbps)) for kbps in BITRATES_KBPS if kbps >= bitrate_kbps)
    return next((kbps, size) for kbps, size in sizes if size >= _NEEDED_BYTES)


def _header(sample_rate_hertz: int, bitrate_kbps: int) -> bytes:
    rates = BITRATES_KBPS.index(bitrate_kbps) + 1 << 4 | SAMPLE_RATES_HERTZ.index(sample_rate_hertz) << 2
    return bytes([0xFF, 0xFB, rates, _JOINT_STEREO])


def _counts(samples: int | None, length: int | None) -> bytes:
    if samples is None or length is None:
        return bytes(4)
    places = bytes(256 * point // _SEEK_POINTS for point in range(_SEEK_POINTS))
    stated = _FRAMES | _BYTES | _SEEK_TABLE
    return b"".join(number.to_bytes(4) for number in (stated, frame_count(samples), length)) + places


def _extension(bitrate_kbps: int, samples: int | None, length: int | None) -> bytes:
    """Return, for a song of `samples` samples per channel and a stream of `length` bytes (`None` if unknown), LAME's
    extension of the Info frame, except its last field, the checksum of the frame. The checksum of the sound, which is
    not known yet, is 0.
    """
    padding = 0 if samples is None else _end_padding(samples)
    return b"".join(
        [
            b"LAME3.100",
            bytes([_CONSTANT_BIT_RATE, 0]),
            bytes(8),  # peak and loudness, 0: unknown
            bytes([0, min(bitrate_kbps, _HIGHEST_STATED_KBPS)]),
            (LAME_DELAY_SAMPLES << 12 | padding).to_bytes(3),
            bytes(4),  # source, gain and preset, 0: unknown
            (length or 0).to_bytes(4),
            bytes(2),
        ]
    )


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc
