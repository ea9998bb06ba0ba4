"""Counts the sound of a running song that no listener has read yet (the backlog)."""

from collections import deque


class Backlog:
    """The chunks of a song that no listener has read yet, in the order of the stream."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.seconds = 0.0
        self._chunks: deque[tuple[int, int, float]] = deque()

    @property
    def start_byte(self) -> int | None:
        """The byte offset of the first unread chunk in the stream; `None` if all chunks were read."""
        if not self._chunks:
            return None
        end_byte, size_bytes, _ = self._chunks[0]
        return end_byte - size_bytes

    def add(self, end_byte: int, size_bytes: int, seconds: float) -> None:
        """Append a chunk that ends at the byte `end_byte` of the stream."""
        self._chunks.append((end_byte, size_bytes, seconds))
        self.size_bytes += size_bytes
        self.seconds += seconds

    def take(self, end_byte: int) -> bool:
        """Remove the chunks up to `end_byte`, which a listener has read; return True if there were any."""
        before = len(self._chunks)
        while self._chunks and self._chunks[0][0] <= end_byte:
            _, size_bytes, seconds = self._chunks.popleft()
            self.size_bytes -= size_bytes
            self.seconds -= seconds
        if not self._chunks:
            self.seconds = 0.0  # float sums may leave a small remainder
        return len(self._chunks) < before

    def clear(self) -> bool:
        """Remove all chunks; return True if there were any."""
        cleared = bool(self._chunks)
        self._chunks.clear()
        self.size_bytes, self.seconds = 0, 0.0
        return cleared
