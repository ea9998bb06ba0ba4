"""The queue of songs that wait for a slot on a device."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

from server.scheduling.fair_share import FairShare


class Waiter(Protocol):
    """Protocol of a song that waits for a slot on a device."""

    @property
    def song_id(self) -> str:
        """The id of the song."""

    @property
    def engine(self) -> str:
        """Name of the engine that makes the song."""

    @property
    def caller(self) -> str:
        """Name of the caller who has requested the song."""

    @property
    def arrived_at(self) -> float:
        """Time of the song's arrival, in seconds of the monotonic clock."""

    @property
    def resumed(self) -> bool:
        """True if the song had a slot on a device before and lost it."""

    @property
    def has_listener(self) -> bool:
        """True if the song has a listener, or a listener may come back."""


WaiterT = TypeVar("WaiterT", bound=Waiter)


class _QueueKey(NamedTuple):
    """Key of one queue of an engine's waiting songs: the caller of its songs (`None` for the queue of songs that lost
    their slot), and True if its songs have a listener.
    """

    caller: str | None
    has_listener: bool


class WaitingQueue(Generic[WaiterT]):
    """The queue of songs that wait for a slot on a device. Songs that have lost their slot go first, then the earliest
    song of the least served caller.

    Songs with and without a listener are in different queues. A song that gains or loses its listener while it waits
    changes queues only in `sort_listeners`.
    """

    def __init__(self, shares: FairShare, *, by_arrival: bool = False) -> None:
        """Set up the waiting queue; `shares` has the device time that callers have used. With `by_arrival` songs are
        served only in the order of arrival.
        """
        self._shares = shares
        self._by_arrival = by_arrival
        self._engines: dict[str, dict[_QueueKey, OrderedDict[str, WaiterT]]] = {}
        self._keys: dict[str, _QueueKey] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[WaiterT]:
        """Iterate over all waiting songs, engine by engine: first those that lost their slot, then by arrival."""
        for queues in self._engines.values():
            songs = [(key.caller is not None, song) for key, queue in queues.items() for song in queue.values()]
            yield from (song for _, song in sorted(songs, key=lambda one: (one[0], one[1].arrived_at)))

    def add(self, song: WaiterT) -> None:
        """Add a song to the queue."""
        key = _key(song)
        self._keys[song.song_id] = key
        self._engines.setdefault(song.engine, {}).setdefault(key, OrderedDict())[song.song_id] = song

    def remove(self, song: WaiterT) -> bool:
        """Remove a song from the queue; return False if it was not in the queue."""
        key = self._keys.pop(song.song_id, None)
        if key is None:
            return False
        queues = self._engines[song.engine]
        del queues[key][song.song_id]
        if not queues[key]:
            del queues[key]
        return True

    def sort_listeners(self) -> None:
        """Move songs that have gained a listener into the queue of songs with listeners, and songs that have lost
        theirs into the queue of songs without; sort both queues by arrival.
        """
        changed = [
            song
            for queues in self._engines.values()
            for key, queue in queues.items()
            for song in queue.values()
            if song.has_listener is not key.has_listener
        ]
        for song in changed:
            self.remove(song)
            self.add(song)
        for engine, key in {(song.engine, _key(song)) for song in changed}:
            queue = self._engines[engine][key]
            self._engines[engine][key] = OrderedDict(sorted(queue.items(), key=lambda item: item[1].arrived_at))

    def first(self, engines: Collection[str], *, has_listener: bool | None = None) -> WaiterT | None:
        """Return the song that should get the next slot on a device with `engines`; `None` if no song waits for one of
        these engines.

        `has_listener` restricts the choice to songs with (True) or without (False) a listener.
        """
        heads = [
            (key, next(iter(queue.values())))
            for engine in engines
            for key, queue in self._engines.get(engine, {}).items()
            if has_listener in (None, key.has_listener)
        ]
        resumed = [song for key, song in heads if key.caller is None]
        if resumed:
            return min(resumed, key=lambda song: song.arrived_at)
        return min((song for _, song in heads), key=self._rank, default=None)

    def _rank(self, song: WaiterT) -> tuple[float, float]:
        return (0.0 if self._by_arrival else self._shares.virtual_time(song.caller), song.arrived_at)


def _key(song: Waiter) -> _QueueKey:
    return _QueueKey(None if song.resumed else song.caller, song.has_listener)
