"""Counts the listeners of each song, as the servers of a service report them."""

from collections.abc import Callable, Collection, Sequence

from server.store.directory import Attendance


class Audiences:
    """The servers with listeners of each song, and the positions that their listeners have reached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Set up the counts of listeners; `clock` returns monotonic seconds."""
        self._clock = clock
        self._of: dict[str, dict[str, tuple[float, int]]] = {}

    def note(self, replica: str, attendance: Attendance) -> None:
        """Store a server's report on the listeners of a song, in place of its earlier report."""
        until = self._clock() + attendance.seconds
        self._of.setdefault(attendance.song_id, {})[replica] = until, attendance.wanted_byte

    def wanted_bytes(self, song_id: str) -> Sequence[int]:
        """Return, for each server that has listeners of a song now, the furthest byte that they have reached."""
        now = self._clock()
        return [byte for until, byte in self._of.get(song_id, {}).values() if until > now]

    def songs(self) -> Collection[str]:
        """Return the ids of songs that have listeners now, and drop the reports on all others."""
        self._of = {song_id: replicas for song_id, replicas in self._of.items() if self.wanted_bytes(song_id)}
        return frozenset(self._of)
