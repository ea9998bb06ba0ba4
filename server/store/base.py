"""The protocol of a song store, its data types and its errors."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from model.song import Violation
from server.song import DEFAULT_FORMAT, SongState

INTERRUPTED = "INTERRUPTED"
"""Failure reason of a song whose server stopped before the song was complete."""

INTERRUPTED_TEXT = "the server that made the song stopped before it was complete: request a new one"

NOT_KEPT = "NOT_KEPT"
"""Failure reason of a song whose final state could not be stored."""

NOT_KEPT_TEXT = "the server could not store the song: request it again"


@dataclass(frozen=True, slots=True)
class SongRecord:
    """Record of one song in the store: its metadata, without the sound.

    `fingerprint` is a hash of the request's content, to compare requests with the same `request_id`. Times are
    nanoseconds since 1970; `duration_seconds` is the planned duration until the song is complete. `reason`, `error` and
    `violations` describe the failure of a failed song.

    `format` is the name of the delivery format. `owner` is the server that makes or has made the song, empty until a
    server has taken it; `epoch` counts the leases of the song. The store sets both from the lease (the server's right
    to make the song) and ignores the values given here.
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
    """One event of a song, serialized for the store.

    `end_byte` is the byte offset at which the event's sound ends in the song, 0 for an event without sound.
    """

    payload: bytes
    end_byte: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right of one server to make one song, granted by `Directory.claim`.

    `epoch` counts the leases of the song from 1. `nonce` is random for each lease; it distinguishes two leases with the
    same epoch, which a store that has lost its last writes may grant.
    """

    song_id: str
    replica: str
    epoch: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Extent:
    """Length of the stored part of a song: the size of the sound in bytes, and the number of events."""

    size_bytes: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """All events and all sound of a song, as one value."""

    events: Sequence[StoredEvent]
    sound: bytes


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """Usage of a store: the number of songs, and the size of their sound in bytes."""

    songs: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Position in the list of a caller's songs, which is sorted by time of creation: the creation time and id of a
    song.
    """

    created_ns: int
    song_id: str


class StoreFailed(Exception):
    """A call to the song store has failed, for example because the store is unreachable; the text is for the
    operator.
    """


class StoreFull(StoreFailed):
    """The song store is full: it accepts no new songs and no more sound, and a retry does not help soon."""


class SongGone(StoreFailed):
    """The song was deleted and cannot be read any more."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id} was deleted")


class LeaseLost(Exception):
    """The lease of a song is no longer valid, because another lease was granted or the song has ended; nothing was
    written.
    """

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id} has ended, or another server has it now")
        self.song_id = song_id


class WrongOffset(Exception):
    """The length of a song's stored part is not the one that the writing call expects; nothing was written. `extent` is
    the stored length.

    The stored part is shorter than expected if the store has lost its last writes; the server then appends again from
    there. The stored part is longer if the call repeats one that succeeded and whose response was lost.
    """

    def __init__(self, song_id: str, extent: Extent) -> None:
        super().__init__(
            f"the store has {extent.size_bytes} bytes and {extent.events} events of the song {song_id}: append from "
            "there"
        )
        self.song_id = song_id
        self.extent = extent


class SongStore(Protocol):
    """Protocol of a store of songs. Every method may be called at any time from one event loop, and does not block it.

    Calls of one server take effect in the order in which they were made. All methods may raise StoreFailed, and do so
    once the store is closed. Data stored by a call can be read by every server when the call returns.
    """

    @property
    def embedded(self) -> bool:
        """True for a store inside this process. Listeners may then get sound before it is stored, because a crash would
        end their calls together with the store.
        """

    async def create(self, song: SongRecord, lease: Lease) -> None:
        """Store the record of a song, without events and sound, under `lease`, this server's right to make the song. No
        effect if the record was stored at admission.

        Raises:
            LeaseLost: `lease` is not the song's present lease.
        """

    async def append(
        self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, *, lease: Lease, at: Extent
    ) -> None:
        """Append events and sound of a running song after the position `at`, and update the song's record, atomically.

        `song.size_bytes` is the size after the call. An expired lease stays valid until another server gets a lease.

        Raises:
            LeaseLost: `lease` is not the song's present lease, or the song has ended.
            WrongOffset: the stored part of the song does not end at `at`.
        """

    async def end(
        self, song: SongRecord, *, lease: Lease, at: Extent, whole: Callable[[], Whole] | None = None
    ) -> None:
        """Store the final record of a song, and end the song's lease.

        A complete song then survives a crash. No effect on a song that has already ended under this lease. `whole`
        returns the song's events and sound up to `at`; a store that writes them to another place need not read them
        back.

        Raises:
            LeaseLost: `lease` is not the song's present lease; the song is not changed.
            WrongOffset: the stored part of the song does not end at `at`; the song has not ended.
        """

    async def discard(self, lease: Lease) -> None:
        """Delete all stored data of a song that has ended, and end the song's lease.

        Raises:
            LeaseLost: `lease` is not the song's present lease.
        """

    async def get(self, song_id: str) -> SongRecord | None:
        """Return the record of one song; `None` for an unknown id."""

    async def find(self, caller: str, request_id: str) -> SongRecord | None:
        """Return the record of the newest song that a caller has requested with `request_id`; `None` if there is
        none.
        """

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Return the records of up to `count` songs of a caller, newest first, after the position `after` in the
        list.
        """

    async def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """Return the record of one song and all its events so far, in order; `None` for an unknown id."""

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a song's sound from byte `offset` on; fewer bytes only at the end of the stored
        sound.

        Raises:
            SongGone: the song was deleted meanwhile.
        """

    async def delete(self, song_id: str) -> bool:
        """Delete a song that has ended, even one with listeners; return False if there is no such song.

        Record, events and sound are deleted when the call returns, and are not restored later, for example by a rebuild
        of the song directory. If the call fails, it can be repeated.
        """

    async def evict(self, in_use: Collection[str]) -> int:
        """Delete ended songs, oldest first, until the store is within its limits of age, number and size; return the
        number of deleted songs.

        Running songs, songs whose id is in `in_use`, and songs that have listeners on any server are not deleted.
        """

    @property
    def trouble(self) -> str | None:
        """The reason why songs cannot be stored now, as a text; `None` if they can be stored."""

    def usage(self) -> StoreUsage:
        """Return the present number of stored songs and the size of their sound."""
