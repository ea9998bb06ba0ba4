"""Fair shares of device time between callers, and the queue in which their songs wait for a place.

Device time given to a caller is divided by the caller's weight and added up (start-time fair queueing: Goyal, Vin and
Cheng, 1996). One who comes back after a pause starts level with the least served caller present: nobody saves up.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar


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


WaiterT = TypeVar("WaiterT", bound=Waiter)


@dataclass(slots=True)
class _Account:
    songs: int = 0
    served: float = 0.0
    reserved: float = 0.0


class Shares:
    """What every caller with songs in the server was given, in device seconds per weight."""

    def __init__(self, weights: Mapping[str, float] = MappingProxyType({})) -> None:
        """A caller that `weights` does not name has weight 1."""
        self._weights = weights
        self._accounts: dict[str, _Account] = {}

    def enter(self, caller: str) -> None:
        """Note one more song of the caller."""
        if caller not in self._accounts:
            self._accounts[caller] = _Account(served=self._least())
        self._accounts[caller].songs += 1

    def leave(self, caller: str) -> None:
        """Note one song less; a caller without songs is forgotten."""
        account = self._accounts[caller]
        account.songs -= 1
        if not account.songs:
            del self._accounts[caller]

    def charge(self, caller: str, seconds: float) -> None:
        """Note device time given to a caller; one that has left meanwhile owes nothing."""
        if account := self._accounts.get(caller):
            account.served += seconds / self._weights.get(caller, 1.0)

    def reserve(self, caller: str, seconds: float) -> None:
        """Note device time that the caller's songs with a place still need; negative gives it back."""
        if account := self._accounts.get(caller):
            account.reserved += seconds / self._weights.get(caller, 1.0)

    def leads(self) -> dict[str, float]:
        """How much more each caller was given than the least served one."""
        least = self._least()
        return {caller: account.served - least for caller, account in self._accounts.items()}

    def claimed(self, caller: str) -> float:
        """What the caller was given, and what its songs with a place will be given."""
        account = self._accounts[caller]
        return account.served + account.reserved

    def _least(self) -> float:
        return min((account.served for account in self._accounts.values()), default=0.0)


@dataclass(slots=True)
class _Line(Generic[WaiterT]):
    """The songs of one engine that wait: those that lost their place, and the others by caller."""

    resumed: OrderedDict[str, WaiterT] = field(default_factory=OrderedDict)
    callers: dict[str, OrderedDict[str, WaiterT]] = field(default_factory=dict)


class WaitingRoom(Generic[WaiterT]):
    """Songs without a place. Those that had one go first; then the least served caller's earliest song."""

    def __init__(self, shares: Shares, *, by_arrival: bool = False) -> None:
        """`by_arrival` looks at nothing but who came first."""
        self._shares = shares
        self._by_arrival = by_arrival
        self._lines: dict[str, _Line[WaiterT]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[WaiterT]:
        """All songs, line by line, those that lost their place first, then by arrival."""
        for line in self._lines.values():
            yield from line.resumed.values()
            others = (song for songs in line.callers.values() for song in songs.values())
            yield from sorted(others, key=lambda song: song.arrived_at)

    def add(self, song: WaiterT) -> None:
        """Let a song wait."""
        line = self._lines.setdefault(song.engine, _Line())
        songs = line.resumed if song.resumed else line.callers.setdefault(song.caller, OrderedDict())
        songs[song.song_id] = song
        self._count += 1

    def remove(self, song: WaiterT) -> bool:
        """Take a song out, wherever it stands; whether it was here."""
        line = self._lines.get(song.engine)
        if line is None:
            return False
        songs = line.callers.get(song.caller, OrderedDict())
        if line.resumed.pop(song.song_id, None) is None and songs.pop(song.song_id, None) is None:
            return False
        if not songs:
            line.callers.pop(song.caller, None)
        self._count -= 1
        return True

    def first(self, engines: Collection[str]) -> WaiterT | None:
        """The song that should have the next place on a device with `engines`; `None` when none waits for one."""
        lines = [line for engine in engines if (line := self._lines.get(engine)) is not None]
        resumed = [next(iter(line.resumed.values())) for line in lines if line.resumed]
        if resumed:
            return min(resumed, key=lambda song: song.arrived_at)
        heads = (next(iter(songs.values())) for line in lines for songs in line.callers.values())
        return min(heads, key=self._rank, default=None)

    def _rank(self, song: WaiterT) -> tuple[float, float]:
        return (0.0 if self._by_arrival else self._shares.claimed(song.caller), song.arrived_at)
