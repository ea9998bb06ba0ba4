"""Changes Ogg streams without decoding them: shortens them by whole pages, and gives them a fixed serial number (RFC
3533).
"""

import struct
from collections.abc import Iterator

_HEADER = struct.Struct("<4sBBqIII")
_HEADER_SIZE = 27
_KIND_AT, _NUMBER_AT, _CHECKSUM_AT = 5, 14, 22
_NUMBER = 1
_LAST_PAGE = 4
_POLYNOMIAL = 0x04C11DB7


def shortened(stream: bytes, frames: int) -> bytes:
    """Return the beginning of an Ogg stream of one sound, up to the page with the frame number `frames`, counted from
    1; a stream with fewer frames is returned unchanged.

    Raises:
        ValueError: `stream` does not consist of whole Ogg pages.
    """
    kept = bytearray()
    for page, granule in _pages(stream):
        kept += page
        if granule >= frames:
            return bytes(kept[: -len(page)]) + _ending(page)
    return bytes(kept)


def numbered(stream: bytes) -> bytes:
    """Return an Ogg stream with a fixed serial number in place of the random one that encoders write, so that the same
    sound gives the same bytes.

    Raises:
        ValueError: `stream` does not consist of whole Ogg pages.
    """
    return b"".join(_changed(page, _NUMBER_AT, struct.pack("<I", _NUMBER)) for page, _ in _pages(stream))


def _pages(stream: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each page of a stream with its granule position: the number of frames up to the end of the page."""
    start = 0
    while start < len(stream):
        if stream[start : start + 4] != b"OggS":
            raise ValueError(f"no Ogg page begins at byte {start}: give a whole Ogg stream")
        granule = _HEADER.unpack_from(stream, start)[3]
        segments = stream[start + _HEADER_SIZE - 1]
        table = stream[start + _HEADER_SIZE : start + _HEADER_SIZE + segments]
        end = start + _HEADER_SIZE + segments + sum(table)
        yield stream[start:end], granule
        start = end


def _ending(page: bytes) -> bytes:
    """Return a page with the flag in its header set that marks the last page of a stream."""
    return _changed(page, _KIND_AT, bytes([page[_KIND_AT] | _LAST_PAGE]))


def _changed(page: bytes, at: int, value: bytes) -> bytes:
    """Return a page in which the bytes `value` replace those from offset `at` on, and the checksum is updated."""
    changed = bytearray(page)
    changed[at : at + len(value)] = value
    changed[_CHECKSUM_AT : _CHECKSUM_AT + 4] = bytes(4)
    changed[_CHECKSUM_AT : _CHECKSUM_AT + 4] = struct.pack("<I", _checksum(changed))
    return bytes(changed)


def _checksum(page: bytes | bytearray) -> int:
    """Return the checksum of a page whose checksum field is zero: a CRC of 32 bits, most significant bit first."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value
