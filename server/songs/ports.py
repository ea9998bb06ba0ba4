"""The boundary between songs as their callers see them and the part of the server that makes them."""

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
    """Takes the events of one song in order, and tells how much of its sound no listener has taken yet.

    Nothing here waits: before more is made, the maker of the song looks at the unheard sound.
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
        """Call `callback` on the event loop whenever the unheard sound has become less."""

    def append(self, event: SongEvent) -> None:
        """Take the next event; one that comes after the end is ignored."""

    def end(self, error: ServiceError | None = None) -> None:
        """Note that no further event comes, and why; only the first end counts.

        Without an error the song is complete if `SongCompleted` came, and cancelled otherwise.
        """


class SongJob(Protocol):
    """One song that is being made."""

    def cancel(self) -> None:
        """Take no further step, and end the song's events; without effect on a song that has ended."""

    def pause(self) -> None:
        """Take no further step until `resume`; events of steps on their way still come."""

    def resume(self) -> None:
        """Take steps again; without effect on a song that is not paused."""


class CheckedSong(Protocol):
    """A request that a runner has found fit to be made."""

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
    """Bounds of a runner: the songs that it makes at once, and the room for waiting ones.

    `queued` songs may wait in the whole service, and the last `kept` of them are for callers without a song. `free` is
    the number of further songs that could be made here now, not above 0 while the runner takes no new ones.
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
        """True if the engine takes songs now."""

    def sound(self, engine: str) -> str:
        """Fingerprint of the sound that songs of the engine get here; empty where it is not known, or not just one."""

    @property
    def queues_unserved(self) -> bool:
        """True where songs may wait for engines that no replica serves now, but one has served before."""

    def costs(self, engine: str) -> Costs | None:
        """The cost of an engine's songs as measured here; `None` while none was made."""

    def room(self) -> Room:
        """The bounds now."""

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Let a request pass that can be made here.

        With a `service` whose queue the song has to join, one passes that any replica can make; `Accepted` then tells
        the ETA in that queue, from which a deadline is judged, too.

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
        """Count a song of `engine` that could not be let in by a fault of ours."""
