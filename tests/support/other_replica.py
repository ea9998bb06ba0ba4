"""A replica in another process: `python -m tests.support.other_replica url folder admit|write name`."""

import asyncio
import sys
from dataclasses import replace

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, LeaseLost, StoredEvent
from server.store.shared.service import SharedParts, shared_store
from tests.support.shared_stores import plan_for
from tests.support.stored_songs import record, ticket

LEASE_SECONDS = 0.5
ADMISSIONS = 40
QUOTA = Quota(songs_per_minute=30.0, concurrent_songs=35)


async def admit(parts: SharedParts, name: str) -> None:
    """Request the admission of many songs at the same time; print the number of admitted songs."""

    async def one(number: int) -> int:
        song = record(number, song_id=f"{name}-{number}", request_id=f"{name}-{number}")
        try:
            await parts.directory.admit(ticket(song, quota=QUOTA, max_songs=1000))
        except QuotaExceeded:
            return 0
        return 1

    print(sum(await asyncio.gather(*map(one, range(ADMISSIONS)))))  # noqa: T201


async def write(parts: SharedParts, name: str) -> None:
    """Append sound to a song until the store refuses it; print the size at the beginning, and the error at the end."""
    song = record(song_id=name)
    admitted = await parts.directory.admit(ticket(song, take=True))
    assert admitted.claim is not None
    lease, at = admitted.claim.lease, Extent()
    try:
        while True:
            size_bytes = at.size_bytes + 100
            running = replace(song, state=SongState.RUNNING, size_bytes=size_bytes)
            await parts.store.append(running, [StoredEvent(b"chunk", size_bytes)], bytes(100), lease=lease, at=at)
            at = Extent(size_bytes, at.events + 1)
            print("written", at.size_bytes, flush=True)  # noqa: T201
            await parts.directory.renew([lease])
            await asyncio.sleep(0.02)
    except LeaseLost:
        print("refused", at.size_bytes, flush=True)  # noqa: T201


async def main(url: str, folder: str, work: str, name: str) -> None:
    """Open the shared store, and run `admit` or `write`."""
    plan = plan_for(url, f"file://{folder}", lease_seconds=LEASE_SECONDS, outage_seconds=5.0)
    async with shared_store(plan, replica=name) as parts:
        await {"admit": admit, "write": write}[work](parts, name)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
