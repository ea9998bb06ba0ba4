"""The waiting and running songs of an embedded song directory, from admission to end. The clock is a parameter.

No method waits, so every call is atomic.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from server.song import SongState
from server.store.base import Extent, Lease, SongRecord
from server.store.claim import Claim, ClaimAction
from server.store.directory import Admitted, Attendance, LeaseStatus, Ticket
from server.store.directory_rules import claim_order
from server.store.embedded.audiences import Audiences
from server.store.embedded.leases import Leases
from server.store.embedded.lost_songs import LostSong
from server.store.embedded.quotas import Charge, Quotas
from server.store.whole_service import Queue, QueueFull, WaitingSong


@dataclass(slots=True)
class AdmittedSong:
    """One waiting or running song: its admission ticket, and its lease while a server has one.

    `given_up_at` is the time at which a server released the song after a part was stored. `sound` is the sound
    fingerprint (hash of a test song) of the server that makes the song. Times are seconds of the directory's clock. An
    `offered` song may be taken over by another server.
    """

    ticket: Ticket
    charge: Charge
    admitted_at: float
    deadline: float
    lease: Lease | None = None
    lease_until: float = math.inf
    given_up_at: float | None = None
    sound: str = ""
    offered: bool = False
    cancelled: bool = False

    @property
    def song(self) -> SongRecord:
        """The record of the song at its admission."""
        return self.ticket.song

    def lost_at(self, now: float) -> float | None:
        """Return the time, in seconds of the directory's clock, since which the song has been without a server after a
        server had begun it; `None` if a server has it or if the song waits.
        """
        if self.given_up_at is not None:
            return self.given_up_at
        return self.lease_until if self.lease_until <= now else None


class AdmittedSongs:
    """All waiting and running songs of an embedded song directory, in the order of their admission."""

    def __init__(
        self, leases: Leases, audiences: Audiences, clock: Callable[[], float], lease_seconds: float | None
    ) -> None:
        """Set up an empty registry. Leases expire after `lease_seconds`; with `None` never, because the server ends
        together with this registry. `clock` returns monotonic seconds.
        """
        self._leases = leases
        self._audiences = audiences
        self._clock = clock
        self._lease_seconds = math.inf if lease_seconds is None else lease_seconds
        self._quotas = Quotas(clock)
        self._songs: dict[str, AdmittedSong] = {}
        self._waiting: dict[str, AdmittedSong] = {}
        self._by_caller: Counter[str] = Counter()
        self._requests: dict[tuple[str, str], SongRecord] = {}
        leases.on_forgotten = self._forget_completed
        self._completed: dict[str, SongRecord] = {}

    def __contains__(self, song_id: str) -> bool:
        return song_id in self._songs

    def record(self, song_id: str) -> SongRecord | None:
        """Return the record at admission of a waiting or running song; `None` for any other song."""
        known = self._songs.get(song_id)
        return known.song if known else None

    def asked(self, caller: str, request_id: str) -> SongRecord | None:
        """Return the record of a caller's song with that request id, if the song waits, runs, or is complete but not
        stored yet; otherwise `None`.
        """
        return self._requests.get((caller, request_id))

    def admit(self, ticket: Ticket, replica: str) -> Admitted:
        """Admit the song of an admission `ticket`, and assign it to the server `replica` if the ticket requests that.

        Raises:
            QueueFull, QuotaExceeded: the song is refused; see `Directory.admit`.
        """
        caller, count = ticket.song.caller, len(self._songs)
        if count >= ticket.max_songs - (ticket.kept_songs if self._by_caller[caller] else 0):
            raise QueueFull(count)
        charge = self._quotas.enter(caller, ticket.quota, ticket.sound_seconds)
        now = self._clock()
        left_seconds = math.inf if ticket.deadline_seconds is None else ticket.deadline_seconds
        admitted = AdmittedSong(ticket, charge, now, now + left_seconds)
        self._audiences.note(replica, Attendance(ticket.song.song_id, 0, ticket.attend_seconds))
        take = ticket.take and not any(one.song.engine == ticket.song.engine for one in self._waiting.values())
        self._enter(admitted)
        claim = self.grant(admitted, replica, ticket.sound) if take else None
        return Admitted(ticket.song.song_id, ticket.song.fingerprint, new=True, queue_position=count, claim=claim)

    def next_waiting(self, engines: Collection[str], but: Collection[str] = ()) -> AdmittedSong | None:
        """Return the next song to start: the oldest song of the caller whose number of running songs, divided by the
        caller's weight, is lowest. Songs of engines that are not in `engines`, and songs whose id is in `but`, are
        skipped.
        """
        return next(self._in_order(lambda one: one.song.engine in engines and one.song.song_id not in but), None)

    def waiting(self, song_id: str) -> AdmittedSong | None:
        """Return the song with that id if it waits; otherwise `None`."""
        return self._waiting.get(song_id)

    def without_maker(self) -> list[AdmittedSong]:
        """Return the songs that have lost their server, by a release after a part was stored or by an expired lease;
        songs with listeners first.
        """
        now = self._clock()
        lost = (one for one in self._songs.values() if one.lost_at(now) is not None)
        return sorted(lost, key=lambda one: not self._audiences.wanted_bytes(one.song.song_id))

    def offered(self, replica: str) -> list[AdmittedSong]:
        """Return the songs that servers other than `replica` offer, in the order of admission."""
        return [one for one in self._songs.values() if one.offered and one.lease and one.lease.replica != replica]

    def lost_song(self, admitted: AdmittedSong, stored: SongRecord | None) -> LostSong | None:
        """Return the data from which a server decides to continue, end or leave a lost or offered song; `None` if the
        song is not lost or offered any more. `stored` is the song's record in the store.
        """
        if self._songs.get(admitted.song.song_id) is not admitted:
            return None
        now = self._clock()
        lost_at = admitted.lost_at(now)
        if lost_at is None and not admitted.offered:
            return None
        seconds = None if lost_at is None else now - lost_at
        return LostSong(stored or admitted.song, admitted.sound, admitted.cancelled, seconds)

    def offer(self, lease: Lease) -> None:
        """Offer the song of this lease to other servers; no effect if the lease is lost."""
        admitted = self._songs.get(lease.song_id)
        if admitted is not None and admitted.lease == lease:
            admitted.offered = True

    def grant(
        self, admitted: AdmittedSong, replica: str, sound: str = "", action: ClaimAction = ClaimAction.MAKE
    ) -> Claim:
        """Grant a new lease of a song to the server `replica`, which makes or ends the song as `action` says; `sound`
        is the server's sound fingerprint (hash of a test song).
        """
        song_id, now = admitted.song.song_id, self._clock()
        lease = admitted.lease = self._leases.grant(song_id, replica)
        admitted.lease_until, admitted.given_up_at = now + self._lease_seconds, None
        admitted.offered = False
        if action in (ClaimAction.MAKE, ClaimAction.TAKE):
            admitted.sound = sound
        self._waiting.pop(song_id, None)
        return Claim(
            lease,
            replace(admitted.song, owner=replica, epoch=lease.epoch),
            admitted.ticket.request,
            Extent(),
            admitted.ticket.linger_seconds,
            None if math.isinf(admitted.deadline) else admitted.deadline - now,
            action,
            admitted.sound,
        )

    def renew(self, lease: Lease) -> LeaseStatus:
        """Renew a lease from now on, and return its status."""
        admitted = self._songs.get(lease.song_id)
        if admitted is None or admitted.lease != lease:
            return LeaseStatus(held=False)
        admitted.lease_until = self._clock() + self._lease_seconds
        wanted = self._audiences.wanted_bytes(lease.song_id)
        return LeaseStatus(True, admitted.cancelled, attended=bool(wanted), wanted_byte=max(wanted, default=0))

    def release(self, lease: Lease) -> None:
        """Take the song of a lease from its server; a call of `lay_down` must follow. Raises LeaseLost."""
        self._leases.require(lease)
        admitted = self._songs[lease.song_id]
        self._leases.revoke(lease)
        admitted.lease, admitted.lease_until, admitted.offered = None, math.inf, False

    def lay_down(self, song_id: str, *, begun: bool) -> None:
        """Return a released song to the queue at its old position, or count it as lost if a part of it is stored
        (`begun`).
        """
        admitted = self._songs[song_id]
        admitted.given_up_at = self._clock() if begun else None
        if not begun:
            self._waiting[song_id] = admitted
            self._waiting = {known: one for known, one in self._songs.items() if known in self._waiting}

    def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> bool:
        """Release the slot and the quota of a song that has ended; return False if `lease` is not the song's present
        lease, or if this was done before. The song's caller is charged for `sound_seconds` of sound.

        Until the song can be found in the store, the request id of a complete song still refers to it.
        """
        admitted = self._songs.get(lease.song_id)
        if admitted is None and state is not SongState.COMPLETED and self._leases.holds(lease):
            self._forget_completed(lease.song_id)
        if admitted is None or admitted.lease != lease:
            return False
        self._leave(admitted, state, sound_seconds)
        self._leases.settled(lease.song_id)
        return True

    def expire(self, admitted: AdmittedSong, state: SongState) -> None:
        """Release the slot and the quota of a song that has ended in the store and whose lease has expired. The song's
        caller stays charged for the sound that was charged at admission.
        """
        self._leave(admitted, state, admitted.ticket.sound_seconds)
        self._leases.settled(admitted.song.song_id)

    def withdraw(self, song_id: str) -> None:
        """Undo the admission of a waiting song."""
        self._leave(self._songs[song_id], SongState.FAILED, 0.0)

    def cancel(self, song_id: str) -> None:
        """Record that the song's cancellation was requested; the server that makes the song sees this in its lease
        status.
        """
        if admitted := self._songs.get(song_id):
            admitted.cancelled = True

    def queue(self) -> Queue:
        """Return the waiting songs in the order in which they will start, and the number of running songs."""
        now = self._clock()
        waiting = [_waiting(one, now) for one in self._in_order()]
        return Queue(waiting, len(self._songs) - len(waiting))

    def waiting_since(self, engine: str) -> float | None:
        """Return the admission time, in seconds of the directory's clock, of an engine's longest waiting song; `None`
        if no song of the engine waits.
        """
        times = (one.admitted_at for one in self._waiting.values() if one.song.engine == engine)
        return min(times, default=None)

    def counts(self) -> Counter[str]:
        """Return the number of songs that have not ended, by engine."""
        return Counter(one.song.engine for one in self._songs.values())

    def _in_order(self, wanted: Callable[[AdmittedSong], bool] = lambda one: True) -> Iterator[AdmittedSong]:
        """Yield the waiting songs for which `wanted` returns True, in the order in which they will start if no song
        ends meanwhile.
        """
        running = Counter(one.song.caller for one in self._songs.values() if one.lease)
        waiting = filter(wanted, self._waiting.values())
        return claim_order(waiting, running, lambda one: one.song.caller, lambda one: one.ticket.weight)

    def _enter(self, admitted: AdmittedSong) -> None:
        song = admitted.song
        self._songs[song.song_id] = self._waiting[song.song_id] = admitted
        self._by_caller[song.caller] += 1
        if admitted.ticket.repeatable:
            self._requests[song.caller, song.request_id] = song

    def _leave(self, admitted: AdmittedSong, state: SongState, sound_seconds: float) -> None:
        song = admitted.song
        del self._songs[song.song_id]
        self._waiting.pop(song.song_id, None)
        self._by_caller[song.caller] -= 1
        if not self._by_caller[song.caller]:
            del self._by_caller[song.caller]
        admitted.charge.settle(sound_seconds)
        if admitted.ticket.repeatable:
            self._completed[song.song_id] = song
            if state is not SongState.COMPLETED:
                self._forget_completed(song.song_id)

    def _forget_completed(self, song_id: str) -> None:
        """Remove the request id of a song that can now be found in the store or may be made again, unless a newer song
        has that id.
        """
        song = self._completed.pop(song_id, None)
        if song is not None and self._requests.get((song.caller, song.request_id)) == song:
            del self._requests[song.caller, song.request_id]


def _waiting(one: AdmittedSong, now: float) -> WaitingSong:
    song, ticket = one.song, one.ticket
    return WaitingSong(
        song.song_id, song.caller, song.engine, ticket.sound_seconds, ticket.steps, now - one.admitted_at
    )
