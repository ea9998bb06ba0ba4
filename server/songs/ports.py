"""The boundary between songs as their callers see them and the part of the server that makes them."""

from collections.abc import Callable, Mapping
from typing import Protocol

from model.engine import EngineInfo
from server.errors import ServiceError
from server.song import SongEvent, SongRequest


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


class SongRunner(Protocol):
    """Makes songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """The engines that are loaded, by name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """The devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """Whether the engine takes songs now."""

    def submit(self, song_id: str, request: SongRequest, sink: EventSink) -> SongJob:
        """Start making a song; `sink` has its `Accepted` event when this returns.

        Raises:
            ServiceError: the song was refused; `sink` was given nothing.
        """
