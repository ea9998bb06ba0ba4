"""Finds the frames in a stream of MP3 bytes (ISO/IEC 11172-3, section 2.4.1.3 and 2.4.3.1)."""

HEADER_BYTES = 4
SAMPLES_PER_FRAME = 1152
BITRATES_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
SAMPLE_RATES_HERTZ = (44_100, 48_000, 32_000)
# Eleven sync bits, MPEG-1, layer III; the last bit (1: no checksum) is ignored.
_SYNC = 0xFFFA
_SYNC_MASK = 0xFFFE


class BrokenStream(ValueError):
    """Error: the bytes at the start of a frame are not the header of an MPEG-1 layer III frame."""


def frame_bytes(header: bytes) -> int:
    """Return the length, in bytes, of the frame that starts with these four bytes; header and padding are included.

    Raises:
        BrokenStream: the bytes are not the header of an MPEG-1 layer III frame.
    """
    if int.from_bytes(header[:2]) & _SYNC_MASK != _SYNC:
        raise BrokenStream(
            f"the bytes {header[:HEADER_BYTES].hex()} are not the header of an MP3 frame. This is a bug: please "
            "report it"
        )
    bitrate_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if not 1 <= bitrate_index <= len(BITRATES_KBPS) or rate_index >= len(SAMPLE_RATES_HERTZ):
        raise BrokenStream(
            f"the MP3 header {header[:HEADER_BYTES].hex()} has a free or reserved rate. This is a bug: please report it"
        )
    return unpadded_frame_bytes(SAMPLE_RATES_HERTZ[rate_index], BITRATES_KBPS[bitrate_index - 1]) + padding


def unpadded_frame_bytes(sample_rate_hertz: int, bitrate_kbps: int) -> int:
    """Return the length, in bytes, of a frame at this sample rate and bit rate, header included, without a padding
    byte.
    """
    return SAMPLES_PER_FRAME // 8 * 1000 * bitrate_kbps // sample_rate_hertz


class FrameCutter:
    """Cuts the bytes of an encoder into whole MP3 frames, and buffers the bytes of the last incomplete frame."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._frames = 0

    @property
    def frames(self) -> int:
        """Number of frames returned so far."""
        return self._frames

    @property
    def pending_bytes(self) -> int:
        """Number of buffered bytes of an incomplete frame."""
        return len(self._pending)

    def feed(self, data: bytes | bytearray) -> bytes:
        """Add bytes of the encoder and return the frames that are now complete, possibly none."""
        self._pending += data
        end = 0
        while (start := end) + HEADER_BYTES <= len(self._pending):
            end = start + frame_bytes(bytes(self._pending[start : start + HEADER_BYTES]))
            if end > len(self._pending):
                end = start
                break
            self._frames += 1
        whole = bytes(self._pending[:end])
        del self._pending[:end]
        return whole
