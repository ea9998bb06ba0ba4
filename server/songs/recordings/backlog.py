"""Measures the backlog of a running song: the encoded sound that no listener has read yet."""

from collections import deque


class Backlog:
    """The backlog of one song: the chunks (pieces of encoded sound, one for each event with sound) that no listener has
    read yet, in stream order, with their total bytes and seconds.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self.seconds = 0.0
        self._chunks: deque[tuple[int, int, float]] = deque()

    @property
    def start_byte(self) -> int | None:
        """Byte offset, in the song's stream, of the first unread chunk; `None` if all chunks were read."""
        if not self._chunks:
            return None
        end_byte, size_bytes, _ = self._chunks[0]
        return end_byte - size_bytes

    def add(self, end_byte: int, size_bytes: int, seconds: float) -> None:
        """Append an unread chunk of `size_bytes` and `seconds` of sound that ends at byte `end_byte` of the stream."""
        self._chunks.append((end_byte, size_bytes, seconds))
        self.size_bytes += size_bytes
        self.seconds += seconds

    def take(self, end_byte: int) -> bool:
        """Remove the chunks that end at or before byte `end_byte`, because a listener has read them; return True if any
        were removed.
        """
        before = len(self._chunks)
        while self._chunks and self._chunks[0][0] <= end_byte:
            _, size_bytes, seconds = self._chunks.popleft()
            self.size_bytes -= size_bytes
            self.seconds -= seconds
        if not self._chunks:
            self.seconds = 0.0  # the sum of floats may leave a small remainder
        return len(self._chunks) < before

    def clear(self) -> bool:
        """Remove all unread chunks; return True if there were any."""
        cleared = bool(self._chunks)
        self._chunks.clear()
        self.size_bytes, self.seconds = 0, 0.0
        return cleared
