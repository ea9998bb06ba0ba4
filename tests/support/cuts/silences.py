"""Tells for how long listeners heard nothing, and since which of the cuts that hit their songs."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from tests.support.cuts.way import Way


@dataclass(frozen=True)
class Cut:
    """One thing that befell the service at a time of the monotonic clock.

    It hit the server that listens on `port` and the `songs` that this made; without a port it hit all songs.
    """

    kind: str
    at: float
    port: int | None = None
    songs: Collection[str] = ()

    def hits(self, silence: "Silence") -> bool:
        """True where it befell the maker of a listener's song, the listener's server, or all of them."""
        if self.port is None or silence.song_id in self.songs:
            return True
        return self.port == silence.way.port_at(self.at)


@dataclass(frozen=True)
class Silence:
    """A time in which a listener was told nothing of a song, by the monotonic clock. `way` led to its servers."""

    listener: str
    song_id: str
    began: float
    ended: float
    way: Way

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.ended - self.began

    def stretches(self, cuts: Iterable[Cut]) -> list[float]:
        """Return the seconds from its beginning to the next cut that hit it, from each of those to the next, and to its
        end.

        What a service needs after a cut counts from that cut on, not from an earlier one which it was still mending.
        """
        hits = [cut.at for cut in cuts if self.began < cut.at < self.ended and cut.hits(self)]
        return [end - start for start, end in pairwise([self.began, *sorted(hits), self.ended])]


@dataclass
class Ear:
    """One listener of one song, who comes by a way of its own, and its silences."""

    listener: str
    way: Way
    song_id: str = ""
    silences: list[Silence] = field(default_factory=list)
    pauses: list[Silence] = field(default_factory=list)
    _told_at: float = field(default_factory=time.monotonic)
    _sound_at: float | None = None

    def told(self, *, sound: bool = False) -> None:
        """Note that something came, or that nothing comes any more; between `sound` and sound there is a pause."""
        now = time.monotonic()
        self.silences.append(Silence(self.listener, self.song_id, self._told_at, now, self.way))
        self._told_at = now
        if sound:
            if self._sound_at is not None:
                self.pauses.append(Silence(self.listener, self.song_id, self._sound_at, now, self.way))
            self._sound_at = now
