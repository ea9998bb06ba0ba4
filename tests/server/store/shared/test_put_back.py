"""Tests of songs that the song directory lost, that their replica registered again there, and that this replica then
gave up, so that another replica may make them.
"""

import pytest
from redis.asyncio import Redis

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, StoredEvent, WrongOffset
from server.store.claim import ClaimAction, Skill
from server.store.shared.service import SharedParts
from tests.support.store_kinds import replica_of
from tests.support.stored_songs import Writing, making, record, ticket

pytestmark = pytest.mark.shared

SKILLS = {"fake": Skill(sound="one")}


async def test_a_song_that_was_put_back_before_its_first_sound_may_be_begun_anew_anywhere(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record(), sound="one")
    await writing.append([StoredEvent(b"plan")])
    await client.flushall()
    assert (await parts.directory.renew([writing.claim.lease]))["song-1"].held
    await parts.directory.release(writing.claim.lease)
    claim = await there.directory.claim({"fake": "two"})
    assert claim is not None
    assert (claim.action, claim.extent, claim.has_sound) == (ClaimAction.MAKE, Extent(), False)


async def test_a_song_that_was_put_back_keeps_what_its_next_makers_have_to_know_of_it(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    quota = Quota(audio_seconds_per_hour=100)
    admitted = await parts.directory.admit(
        ticket(record(), take=True, sound="one", quota=quota, sound_seconds=60.0, weight=3.0)
    )
    assert admitted.claim is not None
    writing = Writing.of(replica_of(parts), admitted.claim)
    await writing.sound(b"first")
    await client.flushall()
    with pytest.raises(WrongOffset):
        await writing.sound(b"first")
    writing.at = Extent()
    await writing.sound(b"first")
    assert await client.hget("m:song:song-1", "weight") == b"3"
    with pytest.raises(QuotaExceeded):
        await parts.directory.admit(ticket(record(2), quota=quota, sound_seconds=60.0))
    await parts.directory.release(writing.claim.lease)
    claim = await there.directory.claim_lost(SKILLS)
    assert claim is not None
    assert (claim.has_sound, claim.terms) == (True, admitted.claim.terms)
    await client.flushall()
    new = Writing.of(replica_of(there), claim)
    new.at = Extent()
    # What is lost a second time, before its new maker has written anything, was heard all the same.
    assert (await there.directory.renew([claim.lease]))["song-1"].held
    await there.directory.release(claim.lease)
    assert await parts.directory.claim({"fake": "two"}) is None
    last = await parts.directory.claim_lost(SKILLS)
    assert last is not None
    await Writing.of(replica_of(parts), last).end(SongState.FAILED, settle=False)
    await parts.directory.settle(last.lease, SongState.FAILED, 30.0)
    assert (await parts.directory.admit(ticket(record(3), quota=quota, sound_seconds=60.0))).new
