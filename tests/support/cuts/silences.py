"""Measures how long listeners received nothing, counted from the faults that affected their songs."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from tests.support.cuts.way import Way


@dataclass(frozen=True)
class Cut:
    """One fault of the service, at a time of the monotonic clock.

    It affected the server that listens on `port` and the `songs` that this server made; without a port all songs.
    """

    kind: str
    at: float
    port: int | None = None
    songs: Collection[str] = ()

    def hits(self, silence: "Silence") -> bool:
        """Return True if the fault affected the server that makes the listener's song, the listener's server, or all
        servers.
        """
        if self.port is None or silence.song_id in self.songs:
            return True
        return self.port == silence.way.port_at(self.at)


@dataclass(frozen=True)
class Silence:
    """A time in which a listener received nothing, on the monotonic clock. `way` is the proxy to the listener's
    servers.
    """

    listener: str
    song_id: str
    began: float
    ended: float
    way: Way

    @property
    def seconds(self) -> float:
        """Length of the silence in seconds."""
        return self.ended - self.began

    def stretches(self, cuts: Iterable[Cut]) -> list[float]:
        """Return the lengths of the parts into which faults divide the silence, in seconds: from its beginning or a
        fault that affected it to the next such fault or its end.

        The time that a service needs after a fault is measured from the last fault, not from an earlier one.
        """
        hits = [cut.at for cut in cuts if self.began < cut.at < self.ended and cut.hits(self)]
        return [end - start for start, end in pairwise([self.began, *sorted(hits), self.ended])]


@dataclass
class Ear:
    """The listener of one song; its connection goes through the proxy `way`. It records the silences, and the pauses of
    the sound.
    """

    listener: str
    way: Way
    song_id: str = ""
    silences: list[Silence] = field(default_factory=list)
    pauses: list[Silence] = field(default_factory=list)
    _told_at: float = field(default_factory=time.monotonic)
    _sound_at: float | None = None

    def told(self, *, sound: bool = False) -> None:
        """Record that an event of the song has arrived, or that the stream has ended, which ends a silence. With
        `sound` the event is a chunk, which ends a pause of the sound, too.
        """
        now = time.monotonic()
        self.silences.append(Silence(self.listener, self.song_id, self._told_at, now, self.way))
        self._told_at = now
        if sound:
            if self._sound_at is not None:
                self.pauses.append(Silence(self.listener, self.song_id, self._sound_at, now, self.way))
            self._sound_at = now
