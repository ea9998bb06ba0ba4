"""Protocols between the songs service, which serves callers, and the runner, the part of the server that makes the
songs.
"""

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
    """Protocol of an object that receives the events of one song in order, and reports the sound that no listener has
    read yet.

    Its methods never block. The runner reads the amount of unread sound before it makes more of the song.
    """

    @property
    def unheard_bytes(self) -> int:
        """Size of the song's encoded sound that no listener has read yet, in bytes."""

    @property
    def unheard_seconds(self) -> float:
        """Length of the song's encoded sound that no listener has read yet, in seconds."""

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener, or its last listener may come back within the lingering time; for a
        detached song (made for later, to its end in any case) only while the song has a listener.
        """

    @property
    def repeats(self) -> bool:
        """True while a song that is made again only repeats events that are already stored; listeners get nothing new
        meanwhile.
        """

    def on_heard(self, callback: Callable[[], None]) -> None:
        """Register a `callback`, which is called on the event loop whenever a listener reads sound of the song."""

    def append(self, event: SongEvent) -> None:
        """Append the next event of the song; events after its end are ignored."""

    def end(self, error: ServiceError | None = None) -> None:
        """End the song's events, with `error` if the song failed; only the first call has an effect.

        Without an error the song counts as complete if the event `SongCompleted` was appended, and otherwise as
        cancelled.
        """


class SongJob(Protocol):
    """Protocol of the job that makes one song, for controlling it."""

    def cancel(self) -> None:
        """Stop making the song and end its events; no effect if the song has ended."""

    def pause(self) -> None:
        """Start no further denoising steps of the song until `resume` is called; events of steps in progress still
        arrive.
        """

    def resume(self) -> None:
        """Continue the song's denoising steps after `pause`; no effect if the song is not paused."""


class CheckedSong(Protocol):
    """Protocol of a request for a song that has passed all checks, so that the runner can start making the song."""

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        """Return the song's first event: accepted, with its queue position and the estimated times until its first
        sound and its end.
        """

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> SongJob:
        """Start making the song and return its job. The `Accepted` event is in `sink` when the call returns.

        Raises:
            ServiceError: the runner accepts no more songs; `sink` has received no event.
        """


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The engines and the waiting songs of all servers of a service, as last read from the song directory.

    `engines` are served now, by name; `known` are all engines that any server has ever served.
    """

    engines: Mapping[str, ServedEngine]
    queue: Queue
    known: Mapping[str, KnownEngine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Room:
    """Limits for the admission of songs: `slots` songs may run in the service at the same time, and `queued` further
    ones may wait.

    The last `kept` places of the queue are reserved for callers who have no song in the service. `free` is the number
    of further songs that this server can start now, 0 or less while it accepts no new songs.
    """

    slots: int
    queued: int
    kept: int
    free: int


class SongRunner(Protocol):
    """Protocol of the runner, the part of the server that makes songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """Return the properties of the loaded engines, by engine name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """Return the names of the devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """Return True if the engine accepts songs now."""

    def sound(self, engine: str) -> str:
        """Return the sound fingerprint of an engine on this server: a hash that is equal on servers whose songs are
        identical byte for byte. Empty if unknown, or if the engine's devices differ.
        """

    @property
    def queues_unserved(self) -> bool:
        """True if songs may wait for an engine that no server serves now but that some server has served before."""

    def costs(self, engine: str) -> Costs | None:
        """Return the mean costs (device times) of an engine's songs, as measured on this server; `None` if none was
        measured yet.
        """

    def room(self) -> Room:
        """Return the present admission limits, and the number of songs that this server can start now."""

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Check that the song of a request can be made, and return the checked request.

        Without a `service` this server must be able to make the song. With one, the song joins the queue of the
        service, and any server may make it; the song's deadline is then compared with the ETA (estimated time until the
        song is complete) in that queue, which `Accepted` also has.

        Raises:
            ServiceError: the request is refused.
        """

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Return the queue position of each waiting song of a service, by song id, with the estimated times until its
        first sound and its end, if they are known.
        """

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device time in seconds that the waiting songs of a service will take, by engine."""

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Return the error that a caller gets for a refused request, given the reason `error`, and count the refused
        song in the metrics.
        """

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` in the metrics that was refused because of a fault of the service, such as a bug."""
