"""The song directory (registry of waiting and running songs) in the memory of one process, for a server that does not
share its store.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from server.song import SongState
from server.store.base import Extent, Lease, SongRecord, StoredEvent, StoreFailed
from server.store.bulletin import Bulletin
from server.store.claim import NO_SKILLS, Claim, ClaimAction, Skill
from server.store.directory import Admitted, Attendance, LeaseStatus, SongUpdate, Ticket
from server.store.directory_rules import replica_name
from server.store.embedded.admitted_songs import AdmittedSong, AdmittedSongs
from server.store.embedded.announcements import Announcements
from server.store.embedded.audiences import Audiences
from server.store.embedded.lost_songs import NO_SKILL, action_of
from server.store.embedded.store import EmbeddedStore
from server.store.whole_service import KnownEngine, Queue, ServedEngine

_ANY = "any"


class EmbeddedService:
    """The state that all song directories of one process share. Only tests have several servers in one process."""

    def __init__(
        self,
        store: EmbeddedStore,
        *,
        lease_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the shared state; `clock` returns monotonic seconds. Without `lease_seconds` leases never expire."""
        self.store = store
        self.audiences = Audiences(clock)
        self.songs = AdmittedSongs(store.leases, self.audiences, clock, lease_seconds)
        store.attended = self.audiences.songs
        store.unsettled = self.songs.__contains__
        self.announcements = Announcements(clock, self.songs.waiting_since)
        self.bulletin = Bulletin()

    def replica(self, name: str = "") -> "EmbeddedDirectory":
        """Return the song directory of one server; without a `name` a unique one is generated."""
        return EmbeddedDirectory(self, name or replica_name())


class EmbeddedDirectory:
    """Implements the protocol `Directory` in memory, for an embedded store."""

    def __init__(self, service: EmbeddedService, replica: str) -> None:
        self._replica = replica
        self._store = service.store
        self._songs = service.songs
        self._audiences = service.audiences
        self._announcements = service.announcements
        self._bulletin = service.bulletin

    @property
    def replica(self) -> str:
        """Name of this server, unique in the service."""
        return self._replica

    async def admit(self, ticket: Ticket) -> Admitted:
        """Admit a song; see `Directory.admit`. The call returns without waiting if `ticket.take` is True and
        `ticket.repeatable` is False.
        """
        if again := await self._asked_before(ticket):
            return Admitted(again.song_id, again.fingerprint, new=False)
        admitted = self._songs.admit(ticket, self._replica)
        if admitted.claim is None:
            try:
                await self._store.admit(ticket.song)
            except StoreFailed:
                self._songs.withdraw(ticket.song.song_id)
                raise
            self._bulletin.post(_ANY)
        return admitted

    async def claim(self, sounds: Mapping[str, str], but: Collection[str] = ()) -> Claim | None:
        """Assign the next waiting song to this server; see `Directory.claim`."""
        admitted = self._songs.next_waiting(sounds, but)
        return self._songs.grant(admitted, self._replica, sounds[admitted.song.engine]) if admitted else None

    async def claim_lost(
        self, skills: Mapping[str, Skill] = NO_SKILLS, max_lost_seconds: float = 0.0, but: Collection[str] = ()
    ) -> Claim | None:
        """Assign a lost song, or one that its server offers, to this server; see `Directory.claim_lost`."""
        for admitted in (*self._songs.without_maker(), *self._songs.offered(self._replica)):
            stored = await self._store.get(admitted.song.song_id)
            # Another call may have taken the song meanwhile.
            if (lost := self._songs.lost_song(admitted, stored)) is None:
                continue
            skill = skills.get(admitted.song.engine, NO_SKILL)
            if admitted.song.song_id in but:
                skill = replace(skill, room=False)
            if lost.stored.state.ended:
                if lost.seconds is not None:
                    self._songs.expire(admitted, lost.stored.state)
            elif action := action_of(lost, skill, max_lost_seconds):
                return await self._claim_stored(admitted, skill.sound, action)
        return None

    async def offer(self, leases: Collection[Lease]) -> None:
        """Offer songs of this server to other servers; see `Directory.offer`."""
        for lease in leases:
            self._songs.offer(lease)
        self._bulletin.post(_ANY)

    async def renew(self, leases: Collection[Lease]) -> Mapping[str, LeaseStatus]:
        """Renew leases of songs, and return the status of each lease, by song id; see `Directory.renew`."""
        return {lease.song_id: self._songs.renew(lease) for lease in leases}

    async def release(self, lease: Lease) -> None:
        """Release a song, so that another server may make it; see `Directory.release`."""
        self._songs.release(lease)
        stored = await self._store.load(lease.song_id)
        if stored is None:
            await self._store.admit(self._record(lease.song_id))
        self._songs.lay_down(lease.song_id, begun=bool(stored and stored[1]))
        self._bulletin.post(_ANY)

    async def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> None:
        """Release the slot and the quota of a song that has ended; see `Directory.settle`.

        The song's final state need not be stored yet, because slots and quotas are lost with this process in any case.
        """
        if self._songs.settle(lease, state, sound_seconds):
            self._bulletin.post(_ANY)

    async def cancel(self, song_id: str) -> Claim | None:
        """Cancel a song; a waiting song is assigned to this server, which must end it. See `Directory.cancel`."""
        if admitted := self._songs.waiting(song_id):
            return self._songs.grant(admitted, self._replica, action=ClaimAction.CANCEL)
        self._songs.cancel(song_id)
        self._bulletin.post(_ANY)
        return None

    async def attend(self, attendances: Sequence[Attendance]) -> None:
        """Store this server's reports on the listeners of songs; see `Directory.attend`."""
        for attendance in attendances:
            self._audiences.note(self._replica, attendance)
        self._bulletin.post(_ANY)

    async def follow(self, song_id: str, at: Extent) -> AsyncIterator[SongUpdate]:
        """Yield the stored events and sound of a song as they are stored; see `Directory.follow`."""
        first = True
        while True:
            posted = self._store.bulletin.next(song_id)
            song, events, sound = await self._more(song_id, at)
            if first or events or song.state.ended:
                yield SongUpdate(song, events, sound)
            if song.state.ended:
                return
            first, at = False, Extent(at.size_bytes + len(sound), at.events + len(events))
            await posted.wait()

    async def announce(self, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Store the announcement of this server's engines; see `Directory.announce`."""
        if self._announcements.add(self._replica, engines, seconds):
            self._bulletin.post(_ANY)

    async def engines(self) -> Mapping[str, ServedEngine]:
        """Return the engines that servers announce now, by name."""
        return self._announcements.engines()

    async def known_engines(self) -> Mapping[str, KnownEngine]:
        """Return all engines that a server has ever announced, by name."""
        return self._announcements.known()

    async def demand(self, missing: Collection[str], seconds: float) -> Mapping[str, int]:
        """Return the number of songs that have not ended, by engine; see `Directory.demand`. Nothing is published
        outside this process.
        """
        return dict.fromkeys(missing, 1) | self._songs.counts()

    async def queue(self) -> Queue:
        """Return the waiting songs in the order in which they will start, and the number of running songs."""
        return self._songs.queue()

    async def wait(self, seconds: float) -> None:
        """Wait at most `seconds` until a song may be ready to start on this server or the status of a lease has
        changed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await self._bulletin.next(_ANY).wait()

    async def _asked_before(self, ticket: Ticket) -> SongRecord | None:
        """Return the record of the song of an earlier admission ticket with the same request id; `None` if there is
        none, or if that song has failed or was cancelled.
        """
        if not ticket.repeatable:
            return None
        asked = (ticket.song.caller, ticket.song.request_id)
        if found := self._songs.asked(*asked):
            return found
        stored = await self._store.find(*asked)
        # Another ticket with the same request id may have been admitted meanwhile.
        if found := self._songs.asked(*asked):
            return found
        return stored if stored is not None and stored.state is SongState.COMPLETED else None

    async def _claim_stored(self, admitted: AdmittedSong, sound: str, action: ClaimAction) -> Claim:
        """Assign a song, of which a part may be stored, to this server, which does `action` with it; return the
        assignment. `sound` is this server's sound fingerprint (hash of a test song).
        """
        claim = self._songs.grant(admitted, self._replica, sound, action)
        stored = await self._store.load(claim.lease.song_id)
        if stored is None:
            return claim
        song, events = stored
        held = replace(song, owner=claim.lease.replica, epoch=claim.lease.epoch)
        extent = Extent(song.size_bytes, len(events))
        return replace(claim, song=held, extent=extent, has_sound=extent.size_bytes > 0)

    async def _more(self, song_id: str, at: Extent) -> tuple[SongRecord, Sequence[StoredEvent], bytes]:
        """Return the record of a song, and the events and sound stored after the position `at`."""
        stored = await self._store.load(song_id)
        if stored is None:
            return self._record(song_id), (), b""
        song, events = stored
        size_bytes = song.size_bytes - at.size_bytes
        sound = await self._store.read(song_id, at.size_bytes, size_bytes) if size_bytes > 0 else b""
        return song, events[at.events :], sound

    def _record(self, song_id: str) -> SongRecord:
        if (song := self._songs.record(song_id)) is None:
            raise KeyError(song_id)
        return song
