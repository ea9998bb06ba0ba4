"""Where songs are kept: what a store has to do, and the values that go in and out of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.song import DEFAULT_FORMAT, SongState

INTERRUPTED = "INTERRUPTED"
"""The reason of a song whose server stopped before it was complete."""

NOT_KEPT = "NOT_KEPT"
"""The reason of a song whose end could not be stored."""


@dataclass(frozen=True, slots=True)
class SongRecord:
    """What is known of one song besides its sound.

    `fingerprint` tells requests with the same `request_id` apart. Points in time are nanoseconds since 1970;
    `duration_seconds` is what was planned until the song is complete. `reason` and `error` say why it failed.

    `format` is the name of the delivery format. `owner` is the process that makes the song, or made it, and `epoch`
    counts its owners from 1. The store sets both in `create`; a later record of the song does not change them.
    """

    song_id: str
    caller: str
    request_id: str
    fingerprint: str
    engine: str
    prompt: str
    seed: int
    created_ns: int
    state: SongState = SongState.QUEUED
    ended_ns: int | None = None
    duration_seconds: float = 0.0
    size_bytes: int = 0
    sha256: str = ""
    reason: str = ""
    error: str = ""
    format: str = DEFAULT_FORMAT
    owner: str = ""
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened to a song, in bytes that the store does not read.

    `end_byte` is the end of the sound that belongs to it, 0 for an event without sound.
    """

    payload: bytes
    end_byte: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a store holds."""

    songs: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """A song's place in the list of its caller, which is in the order of creation."""

    created_ns: int
    song_id: str


class StoreFailed(Exception):
    """The store could not do what was asked, such as for want of room; the text is meant for the operator."""


class SongStore(Protocol):
    """Keeps songs. Every method may be called at any time from one event loop and never blocks it.

    Calls take effect in the order in which they were made. All may raise StoreFailed; those of a closed store do.
    """

    @property
    def owner(self) -> str:
        """Name of this process, which owns the songs that it creates here."""

    async def create(self, song: SongRecord) -> None:
        """Keep a new song, without sound; its owner is this process."""

    async def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes) -> None:
        """Add events and sound to a song that has not ended, and renew its record: all of it or nothing."""

    async def end(self, song: SongRecord) -> None:
        """Renew the record of a song to which nothing more will be added. What is complete then outlives a crash."""

    async def get(self, song_id: str) -> SongRecord | None:
        """One song; `None` where there is none of that name."""

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """The newest song of a caller with that `request_id`."""

    async def page(self, caller: str, after: Place | None, count: int) -> Sequence[SongRecord]:
        """Up to `count` songs of a caller, newest first, from behind `after`."""

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """One song with all its events, in order."""

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Sound from a byte on; less than `size` only at its end."""

    async def clean_up(self, in_use: Collection[str]) -> int:
        """Delete what is too old or too much, oldest first, but no song that runs or is `in_use`; returns how many."""

    def usage(self) -> Usage:
        """How much there is now."""
