"""Protocol of a store of songs, and the values that go in and out of it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from model.song import Violation
from server.song import DEFAULT_FORMAT, SongState

INTERRUPTED = "INTERRUPTED"
"""The reason of a song whose server stopped before it was complete."""

INTERRUPTED_TEXT = "the server stopped before the song was complete"

NOT_KEPT = "NOT_KEPT"
"""The reason of a song whose end could not be stored."""

NOT_KEPT_TEXT = "the server could not keep the song"


@dataclass(frozen=True, slots=True)
class SongRecord:
    """Record of one song, without its sound.

    `fingerprint` tells requests with the same `request_id` apart. Points in time are nanoseconds since 1970;
    `duration_seconds` is what was planned until the song is complete. `reason`, `error` and `violations` of its
    request say why it failed.

    `format` is the name of the delivery format. `owner` is the replica that makes the song, or made it, empty before
    the first claim; `epoch` counts the claims. The store takes both from the lease, whatever a record says.
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
    epoch: int = 0
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened to a song, in bytes that the store does not read.

    `end_byte` is the end of the sound that belongs to it, 0 for an event without sound.
    """

    payload: bytes
    end_byte: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one replica to make one song, as `Directory.claim` gives it.

    `epoch` counts the claims of the song from 1. `nonce` is random for each claim: should a store that lost its last
    writes count an epoch twice, the nonce still tells the two claims apart.
    """

    song_id: str
    replica: str
    epoch: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Extent:
    """The stored part of a song: bytes of sound, and the number of events."""

    size_bytes: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """All events and all sound of a song, as its maker still has them."""

    events: Sequence[StoredEvent]
    sound: bytes


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """Usage of a store."""

    songs: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A song's place in the list of its caller, which is in the order of creation."""

    created_ns: int
    song_id: str


class StoreFailed(Exception):
    """The store could not do what was asked, such as for want of room; the text is meant for the operator."""


class StoreFull(StoreFailed):
    """The store has no room left: it takes no new songs and no more sound, and trying again helps nobody soon."""


class SongGone(StoreFailed):
    """The song was deleted: nothing of it can be read any more."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id} was deleted")


class LeaseLost(Exception):
    """The song is made under another lease, or has ended: nothing was written, and nothing under this lease will be."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id} has ended or was claimed again")
        self.song_id = song_id


class WrongOffset(Exception):
    """The store has another extent of the song than the call expects: nothing was written. `extent` is the store's.

    It is shorter where the store has lost its last writes: the maker appends again from there. It is the end of a
    call whose answer was lost where that call has taken effect.
    """

    def __init__(self, song_id: str, extent: Extent) -> None:
        super().__init__(f"of the song {song_id} there are {extent.size_bytes} bytes and {extent.events} events")
        self.song_id = song_id
        self.extent = extent


class SongStore(Protocol):
    """Keeps songs. Every method may be called at any time from one event loop and never blocks it.

    Calls of one replica take effect in the order in which they were made. All may raise StoreFailed; those of a closed
    store do. What a call has stored when it returns, every replica reads.
    """

    @property
    def embedded(self) -> bool:
        """True for a store inside this process: listeners may hear sound before it is stored, as both end together."""

    async def create(self, song: SongRecord, lease: Lease) -> None:
        """Keep the record of a claimed song, without sound; without effect on a record that admission has kept.

        Raises:
            LeaseLost: the lease is not, or no longer, that of the song.
        """

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Add events and sound behind `at`, and renew the record of a song that has not ended: all of it or nothing.

        `song.size_bytes` is the size afterwards. A lease that has run out is good until the song is claimed again.

        Raises:
            LeaseLost: the lease is not, or no longer, that of the song, or the song has ended.
            WrongOffset: the store has not just as much as `at`.
        """

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Renew the record of a song to which nothing more will be added, and let the lease go.

        What is complete then outlives a crash. Without effect on a song that has ended under this lease. `whole` gives
        what is stored up to `at`, and spares a store reading it back; one that needs it not does not call.

        Raises:
            LeaseLost: the lease is not, or no longer, that of the song; it stays as it is.
            WrongOffset: the store has not just as much as `at`; the song has not ended.
        """

    async def discard(self, lease: Lease) -> None:
        """Keep nothing of a song that has ended, and let the lease go.

        Raises:
            LeaseLost: the lease is not, or no longer, that of the song.
        """

    async def get(self, song_id: str) -> SongRecord | None:
        """One song; `None` where there is none of that name."""

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """The newest song of a caller with that `request_id`."""

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Up to `count` songs of a caller, newest first, from behind `after`."""

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """One song with all its events so far, in order, whether or not it has ended."""

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Sound from a byte on; less than `size` only at the end of what is stored.

        Raises:
            SongGone: the song was deleted meanwhile.
        """

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended, also one with listeners; returns False where there is none.

        Record, events and sound are gone when this returns, and nothing brings them back: neither a replica that made
        the song before, nor one that fills the directory anew. Where it fails it can be called again.
        """

    async def evict(self, in_use: Collection[str]) -> int:
        """Delete what is too old or too much, oldest first; returns how many.

        No song goes that runs, is `in_use`, or has listeners on a replica that notes them in the directory.
        """

    @property
    def trouble(self) -> str | None:
        """The reason why songs are not kept now; `None` once one was kept, and before one could not be."""

    def usage(self) -> StoreUsage:
        """Usage now, as far as it is known."""
