"""Songs to be kept in a store."""

from dataclasses import replace

from server.song import SongState
from server.store.base import SongRecord, SongStore, StoredEvent

HOUR_NS = 3600 * 1_000_000_000


def record(number: int = 1, caller: str = "me") -> SongRecord:
    """A song that is about to be made; songs with a higher number are newer."""
    return SongRecord(
        song_id=f"song-{number}",
        caller=caller,
        request_id=f"request-{number}",
        fingerprint="print",
        engine="fake",
        prompt="x",
        seed=number,
        created_ns=number,
    )


async def keep(store: SongStore, song: SongRecord, *sounds: bytes, ended_ns: int = 1) -> SongRecord:
    """Keep a whole song; returns its record as the store has it."""
    await store.create(song)
    for sound in sounds:
        song = replace(song, size_bytes=song.size_bytes + len(sound))
        await store.append(song, [StoredEvent(b"chunk", song.size_bytes)], sound)
    song = replace(song, state=SongState.COMPLETED, ended_ns=ended_ns)
    await store.end(song)
    return replace(song, owner=store.owner)
