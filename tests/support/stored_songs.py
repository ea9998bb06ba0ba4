"""Functions that request, claim and store songs in the stores and directories under test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, SongRecord, StoredEvent
from server.store.claim import Claim
from server.store.directory import LeaseStatus, Ticket
from tests.support.store_kinds import Replica

HOUR_NS = 3600 * 1_000_000_000


def record(number: int = 1, caller: str = "me", **fields: Any) -> SongRecord:
    """Return the record of a song before it is made; songs with a higher number are newer."""
    song = SongRecord(
        song_id=f"song-{number}",
        caller=caller,
        request_id=f"request-{number}",
        fingerprint="print",
        engine="fake",
        prompt="x",
        seed=number,
        created_ns=number,
    )
    return replace(song, **fields)


def ticket(song: SongRecord, **fields: Any) -> Ticket:
    """Return a ticket (a request to a song directory to admit a song) for a service with enough free places; `fields`
    replace its default values.
    """
    known: dict[str, Any] = {"request": b"request", "repeatable": True, "quota": Quota(), "max_songs": 100}
    return Ticket(song, **{**known, **fields})


async def taken(replica: Replica, song: SongRecord, **fields: Any) -> Claim:
    """Let a replica admit and claim a song, and return the claim. `fields` are fields of the ticket."""
    admitted = await replica.directory.admit(ticket(song, take=True, **fields))
    assert admitted.claim is not None
    return admitted.claim


async def making(replica: Replica, song: SongRecord, **fields: Any) -> "Writing":
    """Let a replica admit, claim and begin a song; return the `Writing` with which it appends to the song. `fields` are
    fields of the ticket.
    """
    claim = await taken(replica, song, **fields)
    await replica.store.create(song, claim.lease)
    return Writing(replica, claim, claim.song, claim.extent)


@dataclass
class Writing:
    """Appends to a song for a replica, under the lease of its claim; has the song's record and stored size as the
    replica knows them.
    """

    replica: Replica
    claim: Claim
    song: SongRecord
    at: Extent

    @staticmethod
    def of(replica: Replica, claim: Claim) -> "Writing":
        return Writing(replica, claim, claim.song, claim.extent)

    async def append(self, events: Sequence[StoredEvent], sound: bytes = b"", **fields: Any) -> None:
        size_bytes = self.at.size_bytes + len(sound)
        song = replace(self.song, size_bytes=size_bytes, **{"state": SongState.RUNNING, **fields})
        await self.replica.store.append(song, events, sound, lease=self.claim.lease, at=self.at)
        self.song, self.at = song, Extent(size_bytes, self.at.events + len(events))

    async def sound(self, sound: bytes) -> None:
        await self.append([StoredEvent(b"chunk", self.at.size_bytes + len(sound))], sound)

    async def end(self, state: SongState = SongState.COMPLETED, *, settle: bool = True, **fields: Any) -> SongRecord:
        """End the song in the store, and return the record that the store should have."""
        song = replace(self.song, **{"state": state, "ended_ns": 1, **fields})
        await self.replica.store.end(song, lease=self.claim.lease, at=self.at)
        self.song = replace(song, owner=self.claim.lease.replica, epoch=self.claim.lease.epoch)
        if settle:
            await self.replica.directory.settle(self.claim.lease, state, 10.0)
        return self.song


async def keep(replica: Replica, song: SongRecord, *sounds: bytes, ended_ns: int = 1) -> SongRecord:
    """Store a complete song, and return its record in the store."""
    writing = await making(replica, song)
    for sound in sounds:
        await writing.sound(sound)
    return await writing.end(ended_ns=ended_ns)


async def lease_status(replica: Replica, claim: Claim) -> LeaseStatus:
    """Renew the lease of a claim, and return the status that the directory gives: whether the claim is still held."""
    return (await replica.directory.renew([claim.lease]))[claim.lease.song_id]


async def waiting(replica: Replica, number: int, caller: str = "me", *, engine: str = "fake", **fields: Any) -> None:
    """Let a replica admit the song `number` of a caller, which no replica claims yet. `fields` are fields of the
    ticket.
    """
    admitted = await replica.directory.admit(ticket(record(number, caller, engine=engine), **fields))
    assert admitted.new
    assert admitted.claim is None


async def claimed(replica: Replica, *engines: str) -> str | None:
    """Let a replica claim the next waiting song of the engines, and return its id; `None` if there is none."""
    claim = await replica.directory.claim(dict.fromkeys(engines or ("fake",), ""))
    return claim.song.song_id if claim else None


async def queued(replica: Replica) -> list[str]:
    """Return the ids of the waiting songs in the order of the queue."""
    return [song.song_id for song in (await replica.directory.queue()).waiting]


def ids(songs: Iterable[SongRecord]) -> list[str]:
    return [song.song_id for song in songs]
