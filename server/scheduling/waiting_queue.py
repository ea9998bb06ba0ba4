"""The queue in which songs wait for a slot."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

from server.scheduling.fair_share import FairShare


class Waiter(Protocol):
    """A song that waits."""

    @property
    def song_id(self) -> str:
        """Its name."""

    @property
    def engine(self) -> str:
        """The engine that makes the song."""

    @property
    def caller(self) -> str:
        """The caller of the song."""

    @property
    def arrived_at(self) -> float:
        """The moment of its arrival."""

    @property
    def resumed(self) -> bool:
        """True if it was running before, and lost its slot."""

    @property
    def has_listener(self) -> bool:
        """True if it has a listener, or one may come back."""


WaiterT = TypeVar("WaiterT", bound=Waiter)


class _QueueKey(NamedTuple):
    """Key of one queue: songs of a caller, or with `None` all that lost their slot; with a listener, or without."""

    caller: str | None
    has_listener: bool


class WaitingQueue(Generic[WaiterT]):
    """Songs without a slot. Those that had one go first; then the least served caller's earliest song.

    They are in queues by what they were when they came; one that gains or loses its listener while it waits stays in
    its queue until `sort_listeners`.
    """

    def __init__(self, shares: FairShare, *, by_arrival: bool = False) -> None:
        """`by_arrival` looks at nothing but who came first."""
        self._shares = shares
        self._by_arrival = by_arrival
        self._engines: dict[str, dict[_QueueKey, OrderedDict[str, WaiterT]]] = {}
        self._keys: dict[str, _QueueKey] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[WaiterT]:
        """All songs, engine by engine, those that lost their slot first, then by arrival."""
        for queues in self._engines.values():
            songs = [(key.caller is not None, song) for key, queue in queues.items() for song in queue.values()]
            yield from (song for _, song in sorted(songs, key=lambda one: (one[0], one[1].arrived_at)))

    def add(self, song: WaiterT) -> None:
        """Let a song wait."""
        key = _key(song)
        self._keys[song.song_id] = key
        self._engines.setdefault(song.engine, {}).setdefault(key, OrderedDict())[song.song_id] = song

    def remove(self, song: WaiterT) -> bool:
        """Take a song out; returns False if it was not here."""
        key = self._keys.pop(song.song_id, None)
        if key is None:
            return False
        queues = self._engines[song.engine]
        del queues[key][song.song_id]
        if not queues[key]:
            del queues[key]
        return True

    def sort_listeners(self) -> None:
        """Put songs that have gained or lost their listener into the right queue, by arrival."""
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
        """The song that should have the next slot on a device with `engines`; `None` when none waits for one.

        Only songs with listeners, or without, where `has_listener` says so.
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
