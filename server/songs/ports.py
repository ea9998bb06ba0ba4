"""Protocols between the songs service, which callers use, and the runner, which makes the songs."""

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
    """Protocol: receives the events of one song in order, and reports the sound that no listener has read yet.

    Its methods never block: the runner checks the amount of unread sound before it makes more.
    """

    @property
    def unheard_bytes(self) -> int:
        """Size of the encoded sound that no listener has read yet, in bytes."""

    @property
    def unheard_seconds(self) -> float:
        """Length of the encoded sound that no listener has read yet, in seconds."""

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener, or one may come back; False for a song that is made for later."""

    @property
    def repeats(self) -> bool:
        """True while the events only repeat stored ones, so that listeners get nothing new."""

    def on_heard(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop whenever a listener reads sound."""

    def append(self, event: SongEvent) -> None:
        """Append the next event of the song; events after its end are ignored."""

    def end(self, error: ServiceError | None = None) -> None:
        """End the song's events, with an error if the song failed; only the first call has an effect.

        Without an error the song is complete if the event `SongCompleted` was appended, and cancelled otherwise.
        """


class SongJob(Protocol):
    """Protocol of a song that is being made."""

    def cancel(self) -> None:
        """Stop making the song and end its events; no effect on a song that has ended."""

    def pause(self) -> None:
        """Do no further denoising steps until `resume` is called; events of steps in progress still arrive."""

    def resume(self) -> None:
        """Continue the denoising steps after `pause`; no effect on a song that is not paused."""


class CheckedSong(Protocol):
    """Protocol of a request that a runner has checked and whose song it can make."""

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        """Return the first event of the song."""

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> SongJob:
        """Start making the song; `sink` has its `Accepted` event when this returns.

        Raises:
            ServiceError: the runner accepts no more songs; `sink` has received no event.
        """


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The engines of all servers of a service, by name, and its songs, as last read from the song directory.

    `known` are all engines that any server has ever served.
    """

    engines: Mapping[str, ServedEngine]
    queue: Queue
    known: Mapping[str, KnownEngine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Room:
    """Limits for the admission of songs: the number of songs that run at once in the service, and the number that may
    wait.

    `queued` songs may wait in the whole service; the last `kept` of these places are reserved for callers that have no
    song in the service. `free` is the number of further songs that can start here now, at most 0 while the runner
    accepts no new songs.
    """

    slots: int
    queued: int
    kept: int
    free: int


class SongRunner(Protocol):
    """Protocol of the part of the server that makes songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """Return the properties of the engines that are loaded, by name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """Return the devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """Return True if the engine accepts songs now."""

    def sound(self, engine: str) -> str:
        """Return the fingerprint of the engine's sound on this server, which is equal on servers that make the same
        bytes; empty if unknown, or if its devices differ.
        """

    @property
    def queues_unserved(self) -> bool:
        """True if songs may wait for an engine that no server serves now, but one has served before."""

    def costs(self, engine: str) -> Costs | None:
        """Return the mean costs of an engine's songs, as measured here; `None` until one was made."""

    def room(self) -> Room:
        """Return the present limits for admission, and the number of songs that can start here now."""

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Check that the song of a request can be made here.

        With a `service` whose queue the song must join, any server may make it; `Accepted` then has the ETA in that
        queue, which is also compared with the deadline.

        Raises:
            ServiceError: the request is refused.
        """

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Return queue position and ETA, if known, of the songs that wait in a service, by song id."""

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device seconds that the waiting songs of a service will take, by engine."""

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Count a song that the song directory or the check of its request has refused, and return the error for its
        caller.
        """

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` that was refused because of an error of the service."""
