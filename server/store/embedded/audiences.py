"""Counts of the listeners of each song, as the servers that share this store report them."""

from collections.abc import Callable, Collection, Sequence

from server.store.directory import Attendance


class Audiences:
    """The replicas with listeners of each song, and the positions that their listeners have reached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Set up the counts of listeners; `clock` returns monotonic seconds."""
        self._clock = clock
        self._of: dict[str, dict[str, tuple[float, int]]] = {}

    def note(self, replica: str, attendance: Attendance) -> None:
        """Store the report of a replica, in place of its earlier one."""
        until = self._clock() + attendance.seconds
        self._of.setdefault(attendance.song_id, {})[replica] = until, attendance.wanted_byte

    def wanted_bytes(self, song_id: str) -> Sequence[int]:
        """Return the furthest byte at each replica that has listeners now; empty without listeners."""
        now = self._clock()
        return [byte for until, byte in self._of.get(song_id, {}).values() if until > now]

    def songs(self) -> Collection[str]:
        """Return the songs with listeners now, and drop all others."""
        self._of = {song_id: replicas for song_id, replicas in self._of.items() if self.wanted_bytes(song_id)}
        return frozenset(self._of)
