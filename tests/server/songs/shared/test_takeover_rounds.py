"""Tests of one pass (round) in which a replica claims songs whose leases have expired: it ends, however many there
are.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

from server.song import SongState
from server.songs.shared import takeover
from server.songs.shared.beginning import GeneratorParts
from server.store.base import Extent, Lease
from server.store.claim import Claim, ClaimAction, Resume
from tests.support.fake_runner import FakeRunner
from tests.support.replica_pair import CountingWatcher
from tests.support.stored_songs import record


async def test_however_many_songs_are_lost_a_round_ends_and_the_next_one_goes_on() -> None:
    claim = Claim(Lease("song-1", "here", 1, "nonce"), record(), b"", Extent(), action=ClaimAction.CANCEL)
    cancelled: list[SongState] = []

    class Lost:
        async def claim_lost(self, *rules: object) -> Claim:
            return claim

    class Making:
        watcher, room, repeating = CountingWatcher(), asyncio.Event(), 0

    class UnmadeSongs:
        def end_soon(self, claim: Claim, state: SongState) -> None:
            cancelled.append(state)

    making: Any = Making()
    given: tuple[Any, ...] = (Lost(), FakeRunner(), making, UnmadeSongs(), SimpleNamespace(left=()))
    parts = GeneratorParts(*given)
    rules: dict[str, Any] = {"engines": tuple, "resume": lambda _: Resume.NEVER, "max_lost_seconds": 0.0}
    async with asyncio.timeout(10.0):
        await takeover.Takeover(parts, **rules).take_over(0.0)
    assert (cancelled, making.room.is_set()) == ([SongState.CANCELLED], True)
