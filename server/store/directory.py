"""The directory of songs that wait or are made: what it has to do, and the values that go in and out of it.

It is one for all replicas of a service. A song enters it by `admit`, belongs to one replica at a time by `claim`, and
leaves it by `settle`. All durations are seconds from the call on, by the directory's own clock.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from server.quota import UNKNOWN_TERMS, AdmissionTerms, Quota
from server.song import SongState
from server.store.base import Extent, Lease, SongRecord, StoredEvent
from server.store.whole_service import KnownEngine, Queue, ServedEngine


@dataclass(frozen=True, slots=True)
class Ticket:
    """A song that asks for admission.

    `song` is its record, QUEUED, with the fingerprint of its request. `request` is all that a replica needs to make
    it, in bytes that the directory does not read. `repeatable` says that the caller chose the request id, and may send
    it again.

    `quota` and `weight` (its share of the service beside other callers) are the caller's. `sound_seconds` is the sound
    that is charged for now, 0 where the length is not known; `steps` is what the request asks for. `deadline_seconds`
    is the time left until the caller's deadline.

    `linger_seconds` is the time that the song may go on without a listener, `None` for as long as it likes. Listeners
    of the admitting replica count as present for `attend_seconds`.

    The song is refused where `max_songs` are in the service, less `kept_songs` for a caller who has one there already.
    With `take` the admitting replica claims the song at once, unless another one of its engine waits; `sound` is then
    the fingerprint of the sound that it makes.
    """

    song: SongRecord
    request: bytes
    repeatable: bool
    quota: Quota
    max_songs: int
    weight: float = 1.0
    sound_seconds: float = 0.0
    steps: int | None = None
    deadline_seconds: float | None = None
    linger_seconds: float | None = None
    attend_seconds: float = 0.0
    kept_songs: int = 0
    take: bool = False
    sound: str = ""


class Resume(StrEnum):
    """The songs of lost makers that a replica makes again, to go on where they were left."""

    SAME_SOUND = "same_sound"
    """Those whose maker had the same sound fingerprint, and those of which nothing was heard."""
    UNHEARD = "unheard"
    """Those of which nothing was heard."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Skill:
    """The ability of a replica to go on with songs of one engine.

    `sound` is the fingerprint of the sound that it makes; an empty one is like no other. Without `room` it takes none
    now, and only ends those that nobody goes on with.
    """

    resume: Resume = Resume.SAME_SOUND
    sound: str = ""
    room: bool = True


NO_SKILLS: Final[Mapping[str, Skill]] = MappingProxyType({})


class ClaimAction(StrEnum):
    """The action that a claim is for."""

    MAKE = "make"
    """Make the song. Where a part of it is stored, make it from its beginning, and store what comes after that part."""
    TAKE = "take"
    """The same for a song that its maker offers, and makes until now."""
    COMPLETE = "complete"
    """Store the end of a song that is stored to its last event."""
    CANCEL = "cancel"
    """End the song as cancelled."""
    INTERRUPT = "interrupt"
    """End the song as interrupted: no replica goes on with it."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Claim:
    """A song that this replica makes, or ends, from now on.

    `song` and `extent` are what is stored of it: nothing, unless another replica has begun it. `owner` and `epoch` of
    the song are those of the lease. `sound` is the fingerprint of what this replica makes, or, where it only ends the
    song, of what its last maker made. `heard`: listeners may have sound of it. The rest is that of its ticket, with
    `deadline_seconds` as left now; `terms` are for a directory that may lose it.
    """

    lease: Lease
    song: SongRecord
    request: bytes
    extent: Extent
    linger_seconds: float | None = None
    deadline_seconds: float | None = None
    action: ClaimAction = ClaimAction.MAKE
    sound: str = ""
    heard: bool = False
    terms: AdmissionTerms = UNKNOWN_TERMS


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to a ticket. `new` is False for the song of an earlier ticket with the same request id.

    `queue_position` counts the songs in the service before this one. `claim` is there where the song was taken.
    """

    song_id: str
    fingerprint: str
    new: bool
    queue_position: int = 0
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """Status of a lease, for the maker of a song. `held` is False once the lease is lost; nothing else counts then.

    `cancelled` is True once `cancel` was called. `attended` is True while listeners are present, on any replica.
    `wanted_byte` is the furthest byte that any of them has got to, 0 without listeners.
    """

    held: bool
    cancelled: bool = False
    attended: bool = False
    wanted_byte: int = 0


@dataclass(frozen=True, slots=True)
class Attendance:
    """The listeners of a song on one replica: present for `seconds`, the furthest of them at `wanted_byte`.

    A replica renews it while it has listeners, and gives the time that the song lingers once the last has left: 0
    makes them absent at once.
    """

    song_id: str
    wanted_byte: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SongUpdate:
    """More of a song: its record now, and the events and the sound since the last update."""

    song: SongRecord
    events: Sequence[StoredEvent] = ()
    sound: bytes = b""


class Directory(Protocol):
    """One replica's view of the songs of the service.

    Every method may be called at any time from one event loop and never blocks it; each takes effect as a whole, or
    not at all. All may raise StoreFailed.
    """

    @property
    def replica(self) -> str:
        """Name of this replica, which no other process has."""

    async def admit(self, ticket: Ticket) -> Admitted:
        """Let a song in: one decision over all replicas, in this order.

        1. A `repeatable` ticket whose caller has a song with its request id, waiting, running or completed, gets that
           song; its fingerprint may differ. One that has failed or was cancelled is forgotten.
        2. `max_songs`, then the quota: concurrent songs, songs a minute, sound an hour.
        3. The song counts for caller and service, can be found by its request id, and waits, or is claimed.

        Raises:
            QueueFull: the service has no place.
            server.errors.QuotaExceeded: the caller has reached a limit of its own. Nothing was taken in both cases.
            StoreFull: there is no room for a new song, or soon would be none for those that run.
        """

    async def claim(self, sounds: Mapping[str, str], but: Collection[str] = ()) -> Claim | None:
        """Take the next waiting song of these engines `but` those with these ids; `None` where none waits.

        `sounds` has the fingerprint of the sound that this replica makes with each engine; an empty one is like no
        other. The next song is the oldest of the caller with the fewest running songs for its weight; of equal
        callers, the one whose song is older. It does not matter which replica has admitted it.
        """

    async def claim_lost(
        self, skills: Mapping[str, Skill] = NO_SKILLS, max_lost_seconds: float = 0.0, but: Collection[str] = ()
    ) -> Claim | None:
        """Take a song that has lost its maker, or whose maker offers it; `None` where there is none to be taken.

        A maker is lost when it has given the song up after it was begun, or its lease has run out. `skills` are those
        of this replica, by engine; an engine that is not among them counts as one without room, and so does any for the
        songs in `but`. In this order:

        1. A lost song that is stored to its last event is to be completed; one that was to be cancelled, cancelled. One
           whose end is kept, and which the directory alone does not know to have ended, gets that end.
        2. One that suits a skill with room is to be made: any song that nobody can have heard, unless songs of its
           engine are never resumed; any other by `SAME_SOUND`, where the fingerprints of its maker and the skill are
           equal. An offered song is taken by the same rule, and for nothing else; one that is stored to its last event
           is left to its maker.
        3. One that the skill's rule excludes, or that was lost for `max_lost_seconds`, is to be interrupted.

        One replica gets a song, under the next epoch. Lost songs go before offered ones, and with listeners before
        those without; then counts the order of admission.
        """

    async def offer(self, leases: Collection[Lease]) -> None:
        """Let other replicas take these songs by `claim_lost`. Their maker goes on with each until it is taken.

        Leases that are lost are ignored.
        """

    async def renew(self, leases: Collection[Lease]) -> Mapping[str, LeaseStatus]:
        """Lengthen leases, and read how each song stands, by song id. One that has run out is lengthened, too, unless
        the song was claimed again. A song that is lost and for which there is no room is left out.
        """

    async def release(self, lease: Lease) -> None:
        """Give a song up that has not ended. It waits again, at its old place, unless events or sound of it are stored:
        then it has lost its maker, as of now.

        Raises:
            LeaseLost: the lease is not, or no longer, that of the song.
        """

    async def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> None:
        """Give the song's places back, and charge the caller for the sound that was made, once its end is stored.

        An embedded directory takes it before the end is stored, too. Called again with FAILED, where the end of a
        complete song could not be stored after all, it lets the request id go.

        `state` is its end. Without effect under another lease than the song's last. A song that has ended in the store
        and was not settled is settled by the directory once its lease has run out.
        """

    async def cancel(self, song_id: str) -> Claim | None:
        """Ask for the end of a song. One that waits is claimed by this replica, which has to end it.

        `None` where another replica makes the song, and finds the wish in its lease status, or where it does not run.
        """

    async def attend(self, attendances: Sequence[Attendance]) -> None:
        """Note the listeners that this replica has; songs that do not exist are ignored.

        Those of a running song let it go on, those of an ended one keep the store from deleting it.
        """

    def follow(self, song_id: str, at: Extent) -> AsyncIterator[SongUpdate]:
        """Yield what is stored of a song from `at` on, or will be: at once what there is, then more as it comes.

        The first update comes at once, even with nothing new. The last has a record that has ended, and comes after all
        sound and events.

        Raises:
            KeyError: there is no such song, or no longer; while iterating, as the next one is. One that the directory
                has lost is waited for as long as a lease: its maker may put it back.
            StoreFailed: the store cannot be asked for longer than it may be away; SongGone: the song was deleted.
        """

    async def announce(self, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Tell which engines this replica makes songs with for the next `seconds`; it replaces the announcement before.

        Where there are others than before, those who `wait` are woken.
        """

    async def engines(self) -> Mapping[str, ServedEngine]:
        """The engines of all replicas, by name: devices of all of them, slots added up."""

    async def known_engines(self) -> Mapping[str, KnownEngine]:
        """All engines that were ever announced, by name, whether or not a replica serves them now."""

    async def demand(self, missing: Collection[str], seconds: float) -> Mapping[str, int]:
        """Count the songs of each engine that have not ended: those that wait, are made, or have lost their maker.

        An engine that is `missing`, which means that nobody has announced it yet, counts one at least: only a replica
        that serves it once can tell callers about it. A shared directory publishes the counts for `seconds`, for
        an autoscaler.
        """

    async def queue(self) -> Queue:
        """The songs of the service now."""

    async def wait(self, seconds: float) -> None:
        """Return when a song may be claimed or a lease status has changed; after `seconds` anyway."""
