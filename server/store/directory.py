"""Protocol and data types of the song directory, the registry of all waiting and running songs of a service.

All servers of a service share one song directory. A song enters it by `admit`, is assigned to one server at a time by
`claim`, and leaves it by `settle`. All durations are seconds from the call on, by the directory's own clock.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, Lease, SongRecord, StoredEvent
from server.store.claim import NO_SKILLS, Claim, Skill
from server.store.whole_service import KnownEngine, Queue, ServedEngine


@dataclass(frozen=True, slots=True)
class Ticket:
    """Admission ticket: a request to admit a song to the service.

    `song` is the record of the song, in the state QUEUED. `request` has all data that a server needs to make the song,
    as bytes that the song directory does not interpret. `repeatable` is True if the caller chose the request id and may
    send the request again.

    `quota` and `weight` (for fair scheduling) are those of the caller. `sound_seconds` is the length of sound charged
    at admission, 0 if unknown; `steps` is the requested number of steps. `deadline_seconds` is the time left until the
    caller's deadline, `None` without one.

    `linger_seconds` is the time for which the song is made without a listener; with `None` it is always made to its
    end. Listeners of the admitting server count as present for `attend_seconds`.

    The song is refused if `max_songs` are in the service; for a caller who already has a song there, that limit is
    lower by `kept_songs`. With `take` the song is assigned to the admitting server at once, unless another song of its
    engine waits; `sound` is then that server's sound fingerprint (hash of a test song).
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


@dataclass(frozen=True, slots=True)
class Admitted:
    """The result of admission to the service. `new` is False if an earlier ticket with the same request id has admitted
    the song.

    `fingerprint` is the hash of the request for the admitted song. `queue_position` is the number of songs in the
    service before this one. `claim` is set if the song was assigned to the admitting server at once.
    """

    song_id: str
    fingerprint: str
    new: bool
    queue_position: int = 0
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """Status of a song's lease, for the server that makes the song. `held` is False once the lease is lost; the other
    fields are then meaningless.

    `cancelled` is True once the cancellation of the song was requested. `attended` is True while the song has listeners
    on any server. `wanted_byte` is the furthest byte of the stream that a listener has reached, 0 without listeners.
    """

    held: bool
    cancelled: bool = False
    attended: bool = False
    wanted_byte: int = 0


@dataclass(frozen=True, slots=True)
class Attendance:
    """Report on the listeners of a song on one server: they count as present for `seconds`, and the furthest one has
    reached byte `wanted_byte` of the stream.

    A server renews the report while it has listeners of the song. After the last one has left, `seconds` is the
    lingering time, for which the song is still made; with 0 the listeners count as absent at once.
    """

    song_id: str
    wanted_byte: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SongUpdate:
    """New data of a song that is being followed: its present record, and the events and sound stored since the last
    update.
    """

    song: SongRecord
    events: Sequence[StoredEvent] = ()
    sound: bytes = b""


class Directory(Protocol):
    """Protocol of the song directory, as one server uses it: the registry of all waiting and running songs of a
    service.

    Every method may be called at any time from one event loop, does not block it, and is atomic. All methods may raise
    StoreFailed.
    """

    @property
    def replica(self) -> str:
        """Name of this server, unique in the service."""

    async def admit(self, ticket: Ticket) -> Admitted:
        """Admit a song to the service. The decision is atomic for all servers, in this order:

        1. For a `repeatable` ticket the caller's earlier song with the same request id is returned, if that song is
        waiting, running or completed; its fingerprint (hash of the request) may differ. An earlier song that failed or
        was cancelled does not count. 2. `max_songs` is checked, then the quota: concurrent songs, songs per minute,
        sound per hour. 3. The song is counted for caller and service, can be found by its request id, and waits or is
        assigned to this server.

        Raises:
            QueueFull: the queue of the service is full; nothing was changed.
            server.errors.QuotaExceeded: the caller has reached a limit of its own; nothing was changed.
            StoreFull: there is no memory for a new song, or soon none for the running ones.
        """

    async def claim(self, sounds: Mapping[str, str], but: Collection[str] = ()) -> Claim | None:
        """Assign the next waiting song of an engine in `sounds` to this server, except songs with ids in `but`; return
        `None` if no song waits.

        `sounds` has this server's sound fingerprint (hash of a test song) for each engine; an empty one equals no
        other. The next song is the oldest of the caller whose number of running songs, divided by the caller's weight,
        is lowest (fair scheduling); among equal callers the older song goes first. The server that admitted a song does
        not matter.
        """

    async def claim_lost(
        self, skills: Mapping[str, Skill] = NO_SKILLS, max_lost_seconds: float = 0.0, but: Collection[str] = ()
    ) -> Claim | None:
        """Assign to this server a lost song, or one that another server offers; return `None` if there is none.

        A song is lost if the server that made it has released it after a part was stored, or if its lease has expired.
        `skills` are those of this server, by engine; other engines count as engines without room, as do all engines for
        the songs in `but`. In this order:

        1. A lost song whose last event is stored is completed; one whose cancellation was requested is cancelled. A
        song whose final state is stored, but unknown to the song directory, gets that state. 2. A song whose engine has
        a skill with `room` is made: any song without delivered sound, unless the rule of its engine is `NEVER`; any
        other song only by the rule `SAME_SOUND` and with equal sound fingerprints (hashes of a test song). An offered
        song is taken by the same rule, and only to be made; one whose last event is stored is left to its server. 3. A
        song that the rule excludes, or that was lost for `max_lost_seconds`, is interrupted.

        Only one server gets a song; the epoch of its lease is one higher than that of the lost one. Lost songs go
        before offered ones, songs with listeners before those without, then by order of admission.
        """

    async def offer(self, leases: Collection[Lease]) -> None:
        """Offer the songs of these leases to other servers, which take them by `claim_lost`. This server continues each
        song until it is taken.

        Lost leases are ignored.
        """

    async def renew(self, leases: Collection[Lease]) -> Mapping[str, LeaseStatus]:
        """Renew leases, and return their status by song id. An expired lease can be renewed until another server gets a
        lease.

        A song that the song directory has lost and has no memory for is missing in the result.
        """

    async def release(self, lease: Lease) -> None:
        """Release a song that has not ended. The song waits again at its old position; if events or sound are stored,
        the song counts as lost from now on.

        Raises:
            LeaseLost: `lease` is not the song's present lease.
        """

    async def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> None:
        """Release the slot (place among the running songs) and the quota of a song whose final state is stored, and
        charge the song's caller for `sound_seconds` of sound.

        An embedded song directory allows this also before the final state is stored. If storing the end of a complete
        song then fails, another call with FAILED allows the caller to request a new song with the same request id.

        `state` is the final state of the song. No effect under a lease that is not the song's last. If a song has ended
        in the store and was not settled, the song directory settles it once its lease has expired.
        """

    async def cancel(self, song_id: str) -> Claim | None:
        """Cancel a song. A waiting song is assigned to this server, which has to end it.

        Returns `None` if another server makes the song, which then sees the cancellation in its lease status, or if the
        song is neither waiting nor running.
        """

    async def attend(self, attendances: Sequence[Attendance]) -> None:
        """Report the listeners of songs on this server; songs that do not exist are ignored.

        Running songs with listeners are not cancelled, and ended ones are not evicted.
        """

    def follow(self, song_id: str, at: Extent) -> AsyncIterator[SongUpdate]:
        """Yield the stored events and sound of a song after the position `at`, now and whenever more is stored.

        The first update comes at once, even without new events. The last one has the final record of the song, and
        comes after all sound and events.

        Raises:
            KeyError: the song does not exist, or no longer; raised while iterating. A song that the song directory has
                lost is awaited for one lease duration, in which its server may register it again.
            StoreFailed: the store is unreachable for too long; SongGone: the song was deleted. Both are raised while
            iterating.
        """

    async def announce(self, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Announce, for the next `seconds`, the engines with which this server makes songs. The call replaces the
        server's last announcement.

        If the announced engines have changed, tasks in `wait` are woken.
        """

    async def engines(self) -> Mapping[str, ServedEngine]:
        """Return the engines that are served now, by name, each with the devices of all servers and the sum of their
        slots (songs made at the same time).
        """

    async def known_engines(self) -> Mapping[str, KnownEngine]:
        """Return all engines that a server has ever announced, by name, served now or not."""

    async def demand(self, missing: Collection[str], seconds: float) -> Mapping[str, int]:
        """Return the number of songs that have not ended (waiting, running or lost), by engine.

        An engine in `missing`, which no server has ever announced, counts at least one, so that an autoscaler starts a
        server for it. A song directory in Redis or Valkey publishes the counts for autoscalers; they are valid for
        `seconds`.
        """

    async def queue(self) -> Queue:
        """Return the waiting songs of the service in the order in which they will start, and the number of running
        songs.
        """

    async def wait(self, seconds: float) -> None:
        """Wait at most `seconds` until a song may be ready to start on this server or the status of a lease has
        changed.
        """
