"""The directory of several servers, in Redis or Valkey. Every decision is one script there, on the clock there."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, Lease, LeaseLost, StoreFailed
from server.store.directory import (
    Admitted,
    Attendance,
    Claim,
    News,
    Queue,
    QueueFull,
    ServedEngine,
    Standing,
    Ticket,
    WaitingSong,
)
from server.store.shared.connection import Connection
from server.store.shared.news import News as Messages
from server.store.shared.reading import Reader
from server.store.shared.records import claim_of, engines_bytes, engines_of, lease_text, record_bytes, ticket_bytes

POLL_SECONDS: Final = 1.0
"""Longest time for which a message is relied upon."""

_NONCE_BYTES: Final = 8
_RETRY_SECONDS: Final = 5.0
"""When to come back where only the end of another song of the caller helps."""


class SharedDirectory:
    """A Directory; see there."""

    def __init__(
        self,
        connection: Connection,
        messages: Messages,
        reader: Reader,
        *,
        replica: str,
        lease_seconds: float,
    ) -> None:
        self._connection = connection
        self._messages = messages
        self._reader = reader
        self._replica = replica
        self._lease_seconds = lease_seconds

    @property
    def replica(self) -> str:
        """Name of this replica."""
        return self._replica

    async def admit(self, ticket: Ticket) -> Admitted:
        """Let a song in."""
        nonce, song = _nonce(), ticket.song
        content = (ticket_bytes(ticket), record_bytes(song), ticket.request)
        said, *told = await self._connection.run("admit", nonce, self._replica, self._lease_seconds, *content)
        match said, told:
            case b"claimed", (position, claim):
                claimed = claim_of(claim, self._replica, nonce)
                return Admitted(song.song_id, song.fingerprint, True, position, claimed)
            case b"waits", (position,):
                return Admitted(song.song_id, song.fingerprint, True, position)
            case b"known", (song_id, fingerprint):
                return Admitted(song_id.decode(), fingerprint.decode(), False)
            case b"full", (songs,):
                raise QueueFull(songs)
            case b"quota", (subject, seconds):
                raise _quota_exceeded(ticket.quota, subject.decode(), float(seconds))
        raise StoreFailed(f"there is a song {song.song_id} already")

    async def claim(self, engines: Collection[str]) -> Claim | None:
        """Take the next waiting song."""
        return await self._claim("claim", *engines)

    async def claim_lost(self) -> Claim | None:
        """Take a song that its maker has given up or lost."""
        return await self._claim("claim_lost")

    async def cancel(self, song_id: str) -> Claim | None:
        """Ask for the end of a song, which is this replica's to end where it waits."""
        return await self._claim("cancel", song_id)

    async def renew(self, leases: Collection[Lease]) -> Mapping[str, Standing]:
        """Lengthen leases, and read how their songs stand."""
        if not leases:
            return {}
        pairs = (part for lease in leases for part in (lease.song_id, lease_text(lease)))
        answers = await self._connection.run("renew", self._lease_seconds, *pairs)
        return {lease.song_id: _standing(answer) for lease, answer in zip(leases, answers, strict=True)}

    async def release(self, lease: Lease) -> None:
        """Give a song up."""
        if not await self._connection.run("release", lease.song_id, lease_text(lease), _nonce()):
            raise LeaseLost(lease.song_id)

    async def settle(self, lease: Lease, state: SongState, sound_seconds: float) -> None:
        """Give the song's places back; where its end is not stored, its lease goes on."""
        await self._connection.run("settle", lease.song_id, lease_text(lease), state.value, sound_seconds)

    async def attend(self, attendances: Sequence[Attendance]) -> None:
        """Note listeners."""
        if attendances:
            parts = (part for one in attendances for part in (one.song_id, one.wanted_byte, one.seconds))
            await self._connection.run("attend", self._replica, *parts)

    async def follow(self, song_id: str, at: Extent) -> AsyncGenerator[News, None]:
        """Yield what is stored of a song."""
        told = None
        while True:
            posted = self._messages.next_of(song_id)
            news = await self._reader.news(song_id, at)
            if news is None:
                self._messages.forget(song_id)
                raise KeyError(song_id)
            if told != news.song or news.events or news.sound:
                yield news
            if news.song.state.ended:
                return
            told, at = news.song, Extent(at.size_bytes + len(news.sound), at.events + len(news.events))
            await _set(posted, POLL_SECONDS)

    async def announce(self, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Tell the engines of this replica."""
        await self._connection.run("announce", self._replica, seconds, engines_bytes(engines))

    async def engines(self) -> Mapping[str, ServedEngine]:
        """The engines of all replicas."""
        announced = await self._connection.run("engines")
        return _together(engine for stored in announced for engine in engines_of(stored))

    async def queue(self) -> Queue:
        """The songs of the service now."""
        rows = await self._connection.run("queue")
        songs = [_known(row) for row in rows]
        waiting = [one for one in songs if one.waits]
        running = Counter(one.song.caller for one in songs if one.claimed)
        return Queue(list(_in_order(waiting, running)), len(songs) - len(waiting))

    async def wait(self, seconds: float) -> None:
        """Return when something has changed, or in `seconds`."""
        await _set(self._messages.next_work(), min(seconds, POLL_SECONDS))

    async def _claim(self, script: str, *arguments: str) -> Claim | None:
        nonce = _nonce()
        answer = await self._connection.run(script, nonce, self._replica, self._lease_seconds, *arguments)
        return claim_of(answer, self._replica, nonce) if answer else None


@dataclass(frozen=True, slots=True)
class _Known:
    """A song of the service: one that waits, one that was claimed, or one that was given up."""

    song: WaitingSong
    weight: float
    waits: bool
    claimed: bool


def _known(row: Sequence[Any]) -> _Known:
    song_id, waits, claimed, caller, engine, sound_seconds, steps, weight = row
    of = WaitingSong(
        song_id.decode(), caller.decode(), engine.decode(), float(sound_seconds), None if steps is None else int(steps)
    )
    return _Known(of, float(weight), bool(waits), bool(claimed))


def _in_order(waiting: list[_Known], running: Counter[str]) -> Iterator[WaitingSong]:
    """Songs in the order of their claims if no song ends meanwhile."""
    waiting = waiting.copy()
    while waiting:
        chosen = min(waiting, key=lambda one: running[one.song.caller] / one.weight)
        waiting.remove(chosen)
        running[chosen.song.caller] += 1
        yield chosen.song


def _together(engines: Iterable[ServedEngine]) -> Mapping[str, ServedEngine]:
    found: dict[str, ServedEngine] = {}
    for engine in engines:
        before = found.get(engine.info.name)
        if before:
            engine = replace(before, devices=(*before.devices, *engine.devices), slots=before.slots + engine.slots)
        found[engine.info.name] = engine
    return found


def _standing(answer: Sequence[int]) -> Standing:
    held, cancelled, attended, wanted_byte = answer
    return Standing(bool(held), bool(cancelled), bool(attended), wanted_byte)


def _quota_exceeded(quota: Quota, subject: str, seconds: float) -> QuotaExceeded:
    limits = {
        "concurrent_songs": f"{quota.concurrent_songs} songs at once",
        "songs_per_minute": f"{quota.songs_per_minute or 0:g} songs a minute",
        "audio_seconds_per_hour": f"{quota.audio_seconds_per_hour or 0:g} s of sound an hour",
    }
    return QuotaExceeded(subject, limits[subject], seconds or _RETRY_SECONDS)


def _nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


async def _set(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
