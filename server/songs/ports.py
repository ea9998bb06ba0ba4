"""Interfaces between songs as callers see them and the part of the server that makes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from model.engine import EngineInfo
from server.costs import Costs
from server.errors import ServiceError
from server.song import Accepted, QueueStatus, SongEvent, SongRequest
from server.store.base import StoreFull
from server.store.whole_service import KnownEngine, Queue, QueueFull, ServedEngine


class EventSink(Protocol):
    """Takes the events of one song in order, and reports its unheard sound.

    It never blocks: the maker of the song checks the unheard sound before it makes more.
    """

    @property
    def unheard_bytes(self) -> int:
        """Encoded sound that no listener has taken yet, in bytes."""

    @property
    def unheard_seconds(self) -> float:
        """Encoded sound that no listener has taken yet, in seconds."""

    @property
    def has_listener(self) -> bool:
        """True while somebody listens, or may come back; False for a song that is made for later."""

    @property
    def repeats(self) -> bool:
        """True while what comes is stored already, so that listeners get nothing new."""

    def on_heard(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop whenever the unheard sound decreases."""

    def append(self, event: SongEvent) -> None:
        """Append the next event; one that comes after the end is ignored."""

    def end(self, error: ServiceError | None = None) -> None:
        """End the events, with an error if the song failed; only the first call counts.

        Without an error the song is complete if `SongCompleted` came, and cancelled otherwise.
        """


class SongJob(Protocol):
    """One song that is being made."""

    def cancel(self) -> None:
        """Stop the song and end its events; no effect on a song that has ended."""

    def pause(self) -> None:
        """Take no further step until `resume`; events of steps in flight still come."""

    def resume(self) -> None:
        """Take steps again; no effect on a song that is not paused."""


class CheckedSong(Protocol):
    """A request that a runner has checked and can make."""

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        """The first event of the song."""

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> SongJob:
        """Start making the song; `sink` has its `Accepted` event when this returns.

        Raises:
            ServiceError: the runner takes no more songs; `sink` was given nothing.
        """


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The engines of all replicas of a service, by name, and its songs, as they were a moment ago.

    `known` are the engines that were ever served.
    """

    engines: Mapping[str, ServedEngine]
    queue: Queue
    known: Mapping[str, KnownEngine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Room:
    """Bounds of a runner: running songs of the service, and room for waiting ones.

    `queued` songs may wait in the whole service, and the last `kept` of them are for callers without a song. `free` is
    the number of further songs that can start here now, not above 0 while the runner takes no new ones.
    """

    slots: int
    queued: int
    kept: int
    free: int


class SongRunner(Protocol):
    """Makes songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """The engines that are loaded, by name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """The devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """True if the engine accepts songs now."""

    def sound(self, engine: str) -> str:
        """Fingerprint of the engine's sound here; empty if not known, or if devices differ."""

    @property
    def queues_unserved(self) -> bool:
        """True if songs may wait for engines that no replica serves now, but one has served before."""

    def costs(self, engine: str) -> Costs | None:
        """The cost of an engine's songs as measured here; `None` while none was made."""

    def room(self) -> Room:
        """The present bounds."""

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Check that the request can be made here.

        With a `service` whose queue the song has to join, it suffices that any replica can make it; `Accepted` then has
        the ETA in that queue, by which a deadline is judged, too.

        Raises:
            ServiceError: it is refused.
        """

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Queue position and ETA, as far as it is known, of the songs that wait in a service, by song id."""

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Device seconds that the songs which wait in a service will take, by engine."""

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Count a song that the directory or its check has refused, and return the error for its caller."""

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` that was refused because of an error of the service."""
