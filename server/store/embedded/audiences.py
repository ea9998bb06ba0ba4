"""Keeps the latest report of each server on the listeners of each song."""

from collections.abc import Callable, Collection, Sequence

from server.store.directory import Attendance


class Audiences:
    """Lists, for each song, the servers that have listeners of the song, each with the furthest byte of the stream that
    its listeners have reached.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Set up an empty collection of reports; `clock` returns monotonic seconds."""
        self._clock = clock
        self._of: dict[str, dict[str, tuple[float, int]]] = {}

    def note(self, replica: str, attendance: Attendance) -> None:
        """Store the report of the server `replica` on the listeners of a song, in place of its earlier report."""
        until = self._clock() + attendance.seconds
        self._of.setdefault(attendance.song_id, {})[replica] = until, attendance.wanted_byte

    def wanted_bytes(self, song_id: str) -> Sequence[int]:
        """Return the furthest byte that listeners of a song have reached, one value for each server that has listeners
        now.
        """
        now = self._clock()
        return [byte for until, byte in self._of.get(song_id, {}).values() if until > now]

    def songs(self) -> Collection[str]:
        """Return the ids of songs that have listeners now, and delete the reports on all other songs."""
        self._of = {song_id: replicas for song_id, replicas in self._of.items() if self.wanted_bytes(song_id)}
        return frozenset(self._of)
