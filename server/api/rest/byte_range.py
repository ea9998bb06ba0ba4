"""The header Range of a request for sound: one range of bytes, from a first one on, up to a last one, or at the end."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from server.errors import OffsetOutOfRange

RANGE = "Range"
_ONE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `first` to before `end`, `None` for all that follow; where `first` is `None`, the last `end`."""

    first: int | None
    end: int | None

    def within(self, size: int) -> tuple[int, int]:
        """The start and the end in a song of `size` bytes.

        Raises:
            OffsetOutOfRange: the song is shorter.
        """
        if self.first is None:
            start, end = max(0, size - (self.end or 0)), size
        else:
            start, end = self.first, size if self.end is None else min(size, self.end)
        if start >= size:
            raise OffsetOutOfRange(start, size, f"the first byte of {RANGE}")
        return start, end


def range_of(request: Request, etag: str = "") -> ByteRange | None:
    """The range that is asked for; `None` for all of it, as for what is no single range of bytes.

    So it is, too, where the range was meant for another state of the sound than the one that `etag` names.
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
