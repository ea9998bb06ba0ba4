"""The queue in which songs wait for a place."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from server.scheduling.fair_share import Shares


class Waiter(Protocol):
    """A song that waits."""

    @property
    def song_id(self) -> str:
        """Its name."""

    @property
    def engine(self) -> str:
        """What has to make it."""

    @property
    def caller(self) -> str:
        """Who asked for it."""

    @property
    def arrived_at(self) -> float:
        """When it came."""

    @property
    def resumed(self) -> bool:
        """Whether it was being made already, and lost its place."""

    @property
    def has_listener(self) -> bool:
        """Whether somebody listens to it, or may come back to."""


WaiterT = TypeVar("WaiterT", bound=Waiter)


@dataclass(slots=True)
class _EngineQueue(Generic[WaiterT]):
    """The songs of one engine that wait: those that lost their place, and the others by caller."""

    resumed: OrderedDict[str, WaiterT] = field(default_factory=OrderedDict)
    callers: dict[str, OrderedDict[str, WaiterT]] = field(default_factory=dict)


class WaitingQueue(Generic[WaiterT]):
    """Songs without a place. Those that had one go first; then the least served caller's earliest song."""

    def __init__(self, shares: Shares, *, by_arrival: bool = False) -> None:
        """`by_arrival` looks at nothing but who came first."""
        self._shares = shares
        self._by_arrival = by_arrival
        self._engines: dict[str, _EngineQueue[WaiterT]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[WaiterT]:
        """All songs, engine by engine, those that lost their place first, then by arrival."""
        for queue in self._engines.values():
            yield from queue.resumed.values()
            others = (song for songs in queue.callers.values() for song in songs.values())
            yield from sorted(others, key=lambda song: song.arrived_at)

    def add(self, song: WaiterT) -> None:
        """Let a song wait."""
        queue = self._engines.setdefault(song.engine, _EngineQueue())
        songs = queue.resumed if song.resumed else queue.callers.setdefault(song.caller, OrderedDict())
        songs[song.song_id] = song
        self._count += 1

    def remove(self, song: WaiterT) -> bool:
        """Take a song out, wherever it stands; whether it was here."""
        queue = self._engines.get(song.engine)
        if queue is None:
            return False
        songs = queue.callers.get(song.caller, OrderedDict())
        if queue.resumed.pop(song.song_id, None) is None and songs.pop(song.song_id, None) is None:
            return False
        if not songs:
            queue.callers.pop(song.caller, None)
        self._count -= 1
        return True

    def first(self, engines: Collection[str], *, has_listener: bool | None = None) -> WaiterT | None:
        """The song that should have the next place on a device with `engines`; `None` when none waits for one.

        Only songs with listeners, or without, where `has_listener` says so.
        """
        queues = [queue for engine in engines if (queue := self._engines.get(engine)) is not None]
        resumed = [song for queue in queues if (song := _head(queue.resumed, has_listener))]
        if resumed:
            return min(resumed, key=lambda song: song.arrived_at)
        heads = (_head(songs, has_listener) for queue in queues for songs in queue.callers.values())
        return min((head for head in heads if head is not None), key=self._rank, default=None)

    def _rank(self, song: WaiterT) -> tuple[float, float]:
        return (0.0 if self._by_arrival else self._shares.claimed(song.caller), song.arrived_at)


def _head(songs: Mapping[str, WaiterT], has_listener: bool | None) -> WaiterT | None:
    return next((song for song in songs.values() if has_listener in (None, song.has_listener)), None)
