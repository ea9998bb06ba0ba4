"""The song directory of several servers, in Redis or Valkey. Each decision is one Lua script there, which uses the
clock of the Redis server.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from server.song import SongState
from server.store.base import Extent, Lease, LeaseLost, StoreFailed, StoreFull
from server.store.claim import NO_SKILLS, Claim, ClaimAction, Skill
from server.store.directory import Admitted, Attendance, LeaseStatus, SongUpdate, Ticket
from server.store.directory_rules import engines_together, quota_exceeded
from server.store.shared.answers import is_forgotten, known_engine_of, lease_status_of, queue_of
from server.store.shared.claims import Claims
from server.store.shared.connection import Connection
from server.store.shared.memory import DirectoryMemory
from server.store.shared.notifications import Notifications
from server.store.shared.object_store.objects import Objects
from server.store.shared.reading import Reader
from server.store.shared.rebuilding import take_up
from server.store.shared.records import claim_of, engines_bytes, engines_of, lease_text, record_bytes, ticket_bytes
from server.store.whole_service import KnownEngine, Queue, QueueFull, ServedEngine

POLL_SECONDS: Final = 1.0
"""Seconds after which the song directory is read again if no notification comes."""

_NONCE_BYTES: Final = 8

logger = logging.getLogger(__name__)


class SharedDirectory:
    """Implements the protocol `Directory` in Redis or Valkey."""

    def __init__(
        self,
        connection: Connection,
        notifications: Notifications,
        reader: Reader,
        claims: Claims,
        objects: Objects,
        *,
        replica: str,
        lease_seconds: float,
        memory: DirectoryMemory,
    ) -> None:
        """Set up the song directory for the server `replica`. A lease is valid for `lease_seconds` after its last
        renewal. While `memory` is short, no new songs are admitted. `claims` keeps the songs assigned to this server,
        `reader` reads stored songs.
        """
        self._memory = memory
        self._connection = connection
        self._claims = claims
        self._objects = objects
        self._notifications = notifications
        self._reader = reader
        self._replica = replica
        self._lease_seconds = lease_seconds
        self._changed = notifications.next_work()

    @property
    def replica(self) -> str:
        """Name of this server, unique in the service."""
        return self._replica

    async def admit(self, ticket: Ticket) -> Admitted:
        """Admit a song; see `Directory.admit`."""
        nonce, song = _nonce(), ticket.song
        content = (ticket_bytes(ticket), record_bytes(song), ticket.request)
        short = int(self._memory.short)
        outcome, *details = await self._connection.run(
            "admit", nonce, self._replica, self._lease_seconds, *content, short
        )
        match outcome, details:
            case b"claimed", (position, claim):
                claimed = self._claims.note(claim_of(claim, self._replica, nonce))
                return Admitted(song.song_id, song.fingerprint, True, position, claimed)
            case b"waits", (position,):
                return Admitted(song.song_id, song.fingerprint, True, position)
            case b"known", (song_id, fingerprint):
                return Admitted(song_id.decode(), fingerprint.decode(), False)
            case b"short", ():
                raise StoreFull(
                    "the song directory (Redis or Valkey) is nearly full and takes no new songs: give it more memory "
                    "(maxmemory)"
                )
            case b"full", (songs,):
                raise QueueFull(songs)
            case b"quota", (subject, seconds):
                raise quota_exceeded(ticket.quota, subject.decode(), float(seconds))
        raise StoreFailed(f"the song {song.song_id} exists already in the directory. This is a bug: please report it")

    async def claim(self, sounds: Mapping[str, str], but: Collection[str] = ()) -> Claim | None:
        """Assign the next waiting song to this server; see `Directory.claim`."""
        return await self._claim("claim", len(but), *but, *(part for pair in sounds.items() for part in pair))

    async def claim_lost(
        self, skills: Mapping[str, Skill] = NO_SKILLS, max_lost_seconds: float = 0.0, but: Collection[str] = ()
    ) -> Claim | None:
        """Assign a lost song, or one that its server offers, to this server; see `Directory.claim_lost`. A song that is
        complete in the object store is marked as ended instead.

        For one lease duration after an outage of the song directory no song counts as lost, because no lease could be
        renewed meanwhile.
        """
        if self._connection.steady_seconds < self._lease_seconds:
            return None
        rows = ((engine, skill.resume.value, skill.sound, int(skill.room)) for engine, skill in skills.items())
        rules = (len(but), *but, max_lost_seconds, *(part for skill in rows for part in skill))
        while claim := await self._claim("claim_lost", *rules):
            if not await self._is_sealed(claim):
                return claim
        return None

    async def offer(self, leases: Collection[Lease]) -> None:
        """Offer songs of this server to other servers; see `Directory.offer`."""
        if leases:
            await self._connection.run("offer", *_with_leases(leases))

    async def cancel(self, song_id: str) -> Claim | None:
        """Cancel a song; a waiting song is assigned to this server, which must end it. See `Directory.cancel`."""
        return await self._claim("cancel", song_id)

    async def renew(self, leases: Collection[Lease]) -> Mapping[str, LeaseStatus]:
        """Renew leases of songs, and return the status of each lease, by song id; see `Directory.renew`."""
        if not leases:
            return {}
        answers = await self._renew(leases)
        back: list[Lease] = []
        for lease in [lease for lease in leases if is_forgotten(answers[lease.song_id])]:
            try:
                if await self._claims.put_back(lease):
                    back.append(lease)
            except StoreFull as full:
                # The leases of all other songs are renewed; the registration of this song is tried again.
                logger.error(
                    "the song directory has lost the running song %s and has no memory to register it again; the "
                    "server tries again soon: %s",
                    lease.song_id,
                    full,
                    extra={"song_id": lease.song_id},
                )
                del answers[lease.song_id]
        if back:
            answers |= await self._renew(back)
        return {song_id: lease_status_of(answer) for song_id, answer in answers.items()}

    async def release(self, lease: Lease) -> None:
        """Release a song, so that another server may make it; see `Directory.release`."""
        if not await self._connection.run("release", lease.song_id, lease_text(lease), _nonce()):
            raise LeaseLost(lease.song_id)

    async def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> None:
        """Release the slot and the quota of a song that has ended; see `Directory.settle`. If the song's final state is
        not stored, its lease continues.
        """
        await self._connection.run("settle", lease.song_id, lease_text(lease), state.value, sound_seconds)

    async def attend(self, attendances: Sequence[Attendance]) -> None:
        """Store this server's reports on the listeners of songs; see `Directory.attend`."""
        if attendances:
            parts = (part for one in attendances for part in (one.song_id, one.wanted_byte, one.seconds))
            await self._connection.run("attend", self._replica, *parts)

    async def follow(self, song_id: str, at: Extent) -> AsyncGenerator[SongUpdate, None]:
        """Yield the stored events and sound of a song as they are stored; see `Directory.follow`."""
        sent, missing_since = None, math.inf
        while True:
            posted = self._notifications.next_of(song_id)
            update = await self._reader.update(song_id, at)
            if update is None:
                missing_since = min(missing_since, time.monotonic())
                if (
                    sent and time.monotonic() - missing_since < self._lease_seconds
                ):  # its server may register the song again
                    await _set(posted, POLL_SECONDS)
                    continue
                self._notifications.remove(song_id)
                raise KeyError(song_id)
            missing_since = math.inf
            if sent != update.song or update.events or update.sound:
                yield update
            if update.song.state.ended:
                return
            sent, at = update.song, Extent(at.size_bytes + len(update.sound), at.events + len(update.events))
            await _set(posted, POLL_SECONDS)

    async def announce(self, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Store the announcement of this server's engines; see `Directory.announce`."""
        each = (part for engine in engines for part in (engine.info.name, engines_bytes([engine])))
        await self._connection.run("announce", self._replica, seconds, engines_bytes(engines), *each)

    async def engines(self) -> Mapping[str, ServedEngine]:
        """Return the engines that servers announce now, by name."""
        announced = await self._connection.run("engines")
        return engines_together(engine for stored in announced for engine in engines_of(stored))

    async def known_engines(self) -> Mapping[str, KnownEngine]:
        """Return all engines that a server has ever announced, by name."""
        found = (known_engine_of(*row) for row in await self._connection.run("known"))
        return {known.engine.info.name: known for known in found}

    async def demand(self, missing: Collection[str], seconds: float) -> Mapping[str, int]:
        """Return the number of songs that have not ended, by engine, and publish the numbers for `seconds` as lengths
        of Redis lists, for autoscalers.
        """
        rows = await self._connection.run("demand", max(1, round(seconds)), *missing)
        return {engine.decode(): count for engine, count in rows}

    async def queue(self) -> Queue:
        """Return the waiting songs in the order in which they will start, and the number of running songs."""
        return queue_of(await self._connection.run("queue"))

    async def wait(self, seconds: float) -> None:
        """Wait at most `seconds` until a song may be ready to start on this server or the status of a lease has
        changed.
        """
        await _set(self._changed, min(seconds, POLL_SECONDS))
        self._changed = self._notifications.next_work()

    async def _renew(self, leases: Collection[Lease]) -> dict[str, Sequence[int]]:
        """Renew the leases of songs in Redis, and return the response for each song id: lease state, cancelled,
        attended, furthest byte.
        """
        answers = await self._connection.run("renew", self._lease_seconds, *_with_leases(leases))
        return dict(zip((lease.song_id for lease in leases), answers, strict=True))

    async def _is_sealed(self, claim: Claim) -> bool:
        """Return True if the object store has the complete song of `claim`; its final state is then written into the
        song directory.

        If the object store is unreachable, a song that has to be made counts as incomplete.
        """
        try:
            return await take_up(self._connection, self._objects, claim)
        except StoreFailed:
            if claim.action in (ClaimAction.MAKE, ClaimAction.TAKE):
                return False
            raise

    async def _claim(self, script: str, *arguments: str | float) -> Claim | None:
        nonce = _nonce()
        answer = await self._connection.run(script, nonce, self._replica, self._lease_seconds, *arguments)
        return self._claims.note(claim_of(answer, self._replica, nonce)) if answer else None


def _with_leases(leases: Collection[Lease]) -> Iterator[str]:
    """Yield song id and serialized lease of each song in turn, as arguments of a Lua script."""
    return (part for lease in leases for part in (lease.song_id, lease_text(lease)))


def _nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


async def _set(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
