"""Parses the Range header of a request for sound: one byte range, open at either end."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from server.errors import OffsetOutOfRange

RANGE = "Range"
_ONE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range of bytes from `first` to before `end`. If `end` is `None`, the range reaches to the end of the song; if
    `first` is `None`, it is the last `end` bytes.
    """

    first: int | None
    end: int | None

    def within(self, size: int) -> tuple[int, int]:
        """Return the start and end of the range in a song of `size` bytes.

        Raises:
            OffsetOutOfRange: the range begins after the end of the song.
        """
        if self.first is None:
            start, end = max(0, size - (self.end or 0)), size
        else:
            start, end = self.first, size if self.end is None else min(size, self.end)
        if start >= size:
            raise OffsetOutOfRange(start, size, f"the first byte of {RANGE}")
        return start, end


def range_of(request: Request, etag: str = "") -> ByteRange | None:
    """Return the byte range that a request asks for in its header Range; `None` for the whole song.

    The result is `None` also if the header is not a single range of bytes, or if its condition (If-Range) names another
    version of the sound than `etag`.
    """
    found = _ONE.fullmatch(request.headers.get(RANGE, "").replace(" ", ""))
    if not found or request.headers.get("if-range", etag) != etag or found.groups() == (None, None):
        return None
    first, last = (None if text is None else int(text) for text in found.groups())
    if first is None:
        return ByteRange(None, last)
    if last is not None and last < first:
        return None
    return ByteRange(first, None if last is None else last + 1)
