"""Tests of a song directory that has lost its last writes, or everything: replicas write their songs again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.song import SongState
from server.store.base import Extent, Lease, LeaseLost, StoredEvent, StoreFull, WrongOffset
from server.store.claim import Claim, ClaimAction, Skill
from server.store.directory import Attendance, SongUpdate
from server.store.shared.service import SharedParts, shared_store
from tests.support.shared_stores import plan_for
from tests.support.store_kinds import replica_of
from tests.support.stored_songs import Writing, making, queued, record, taken, ticket

pytestmark = pytest.mark.shared

SKILLS = {"fake": Skill(sound="one")}
LIVE = ("m:song:song-1", "m:sound:song-1", "m:events:song-1", "m:usage")


async def written_again(writing: Writing, *sounds: bytes) -> None:
    """Append sound, which the store must refuse because the directory has lost the earlier sound, then append `sounds`
    from the song's beginning.
    """
    with pytest.raises(WrongOffset) as refused:
        await writing.sound(b"later")
    assert refused.value.extent == Extent()
    writing.at = Extent()
    for sound in sounds:
        await writing.sound(sound)


async def test_a_running_song_is_stored_again_in_a_directory_that_has_nothing(
    parts: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record(), linger_seconds=4.0)
    await writing.sound(b"first")
    await writing.sound(b"second")
    await client.flushall()
    await written_again(writing, b"first", b"second", b"third")
    song = await writing.end()
    assert await parts.store.get("song-1") == song
    assert await parts.store.read("song-1", 0, 99) == b"firstsecondthird"
    assert await parts.store.page("me", None, 9) == [song]
    assert await parts.store.find("me", "request-1") == song
    assert (await parts.directory.queue()).running == 0
    assert parts.store.usage().size_bytes == len(b"firstsecondthird")
    assert await client.smembers("m:open:me") == set()


async def test_an_end_is_not_stored_for_sound_that_is_gone(parts: SharedParts, client: Redis) -> None:
    writing = await making(replica_of(parts), record())
    await writing.sound(b"first")
    await client.flushall()
    with pytest.raises(WrongOffset):
        await writing.end()
    writing.at = Extent()
    await writing.sound(b"first")
    await writing.end()
    assert await parts.store.read("song-1", 0, 9) == b"first"


async def test_a_lease_is_held_still_and_listeners_are_not_taken_for_gone(parts: SharedParts, client: Redis) -> None:
    claim = await taken(replica_of(parts), record(), linger_seconds=0.0)
    await parts.directory.attend([Attendance("song-1", 7, 60.0)])
    await client.flushall()
    lease_status = (await parts.directory.renew([claim.lease]))["song-1"]
    assert (lease_status.held, lease_status.cancelled, lease_status.attended) == (True, False, True)
    asked = await parts.directory.admit(ticket(record(2, request_id="request-1")))
    assert (asked.new, asked.song_id) == (False, "song-1")


async def test_a_directory_that_knows_a_song_only_from_before_its_claim_is_told_of_it(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record())
    # What a replica of the directory has that was behind: the song has been let in, and nobody has claimed it.
    await client.hset("m:song:song-1", mapping={"epoch": 0, "nonce": "", "lease": "", "owner": "", "state": "queued"})
    await client.zadd("m:queue:fake", {"song-1": 1})
    await client.zrem("m:leases", "song-1")
    await writing.sound(b"first")
    assert await queued(replica_of(there)) == []
    assert await there.directory.claim({"fake": ""}) is None
    await writing.end()
    assert await there.store.read("song-1", 0, 9) == b"first"


async def test_a_song_that_others_have_claimed_since_is_not_taken_from_them(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record())
    await client.hset("m:song:song-1", mapping={"epoch": 0, "nonce": "", "lease": "", "owner": "", "state": "queued"})
    await client.zadd("m:queue:fake", {"song-1": 1})
    claim = await there.directory.claim({"fake": ""})
    assert claim is not None
    assert claim.lease.epoch == writing.claim.lease.epoch
    with pytest.raises(LeaseLost):
        await writing.sound(b"first")
    assert not (await parts.directory.renew([writing.claim.lease]))["song-1"].held


async def test_a_later_claim_takes_the_place_of_an_earlier_one_that_was_put_back_first(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    old = await making(replica_of(parts), record(), sound="one")
    await old.sound(b"first")
    await parts.directory.release(old.claim.lease)
    claim = await there.directory.claim_lost(SKILLS)
    assert claim is not None
    new = Writing.of(replica_of(there), claim)
    await client.flushall()
    with pytest.raises(WrongOffset):
        await old.sound(b"stale")
    old.at = Extent()
    await old.sound(b"stale")
    await written_again(new, b"first")
    with pytest.raises(LeaseLost):
        await old.sound(b"stale")
    await new.end()
    assert await parts.store.read("song-1", 0, 9) == b"first"


@pytest.mark.parametrize(
    ("sha256", "cancelled", "action"),
    [("ab" * 32, False, ClaimAction.COMPLETE), ("", True, ClaimAction.CANCEL), ("", False, ClaimAction.INTERRUPT)],
)
async def test_a_song_that_is_only_to_be_ended_keeps_its_sound_where_the_directory_has_lost_the_claim(
    parts: SharedParts, there: SharedParts, client: Redis, sha256: str, cancelled: bool, action: ClaimAction
) -> None:
    writing = await making(replica_of(parts), record(), sound="one")
    await writing.append([StoredEvent(b"chunk", 5)], b"first", sha256=sha256)
    if cancelled:
        await parts.directory.cancel("song-1")
    await parts.directory.release(writing.claim.lease)
    behind = await client.dump("m:song:song-1")
    claim = await there.directory.claim_lost()
    assert claim is not None
    assert (claim.action, claim.sound) == (action, "one")
    await client.restore("m:song:song-1", 0, behind or b"", replace=True)
    with pytest.raises(LeaseLost):
        await Writing.of(replica_of(there), claim).end()
    assert not (await there.directory.renew([claim.lease]))["song-1"].held
    assert await parts.store.read("song-1", 0, 9) == b"first"


async def test_a_song_that_has_ended_is_not_put_back(
    parts: SharedParts, there: SharedParts, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(claim: Claim) -> bool:
        return False

    old = await making(replica_of(parts), record(), sound="one")
    await old.sound(b"first")
    running = await client.dump("m:song:song-1")
    song = await old.end()
    ended = await client.dump("m:song:song-1")
    # The end is lost, and another replica takes the song while it cannot ask for what is sealed; then the end is back.
    await client.restore("m:song:song-1", 0, running or b"", replace=True)
    await client.zadd("m:leases", {"song-1": 1})
    monkeypatch.setattr(there.directory, "_is_sealed", unknown)
    claim = await there.directory.claim_lost(SKILLS)
    assert claim is not None
    assert claim.action is ClaimAction.MAKE
    await client.restore("m:song:song-1", 0, ended or b"", replace=True)
    with pytest.raises(LeaseLost):
        await Writing.of(replica_of(there), claim).sound(b"other")
    assert await there.store.get("song-1") == song


async def test_a_song_that_was_put_back_and_lost_goes_on_with_the_same_sound_alone(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record(), sound="one")
    await writing.sound(b"first")
    await client.flushall()
    assert (await parts.directory.renew([writing.claim.lease]))["song-1"].held
    await parts.directory.release(writing.claim.lease)
    assert await there.directory.claim({"fake": "two"}) is None
    assert await there.directory.claim_lost({"fake": Skill(sound="two")}, 60.0) is None
    claim = await there.directory.claim_lost(SKILLS, 60.0)
    assert claim is not None
    assert (claim.action, claim.extent) == (ClaimAction.MAKE, Extent())


async def test_one_song_that_finds_no_room_costs_no_other_its_lease(
    parts: SharedParts, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = [await taken(replica_of(parts), record(number)) for number in (1, 2, 3)]
    await client.delete("m:song:song-1", "m:song:song-2")
    put_back = parts.directory._claims.put_back

    async def short(lease: Lease) -> bool:
        if lease.song_id == "song-1":
            raise StoreFull("no room")
        return await put_back(lease)

    monkeypatch.setattr(parts.directory._claims, "put_back", short)
    standings = await parts.directory.renew([claim.lease for claim in claims])
    assert {song_id: one.held for song_id, one in standings.items()} == {"song-2": True, "song-3": True}


async def test_a_lease_that_this_replica_does_not_hold_puts_nothing_back(parts: SharedParts, client: Redis) -> None:
    claim = await taken(replica_of(parts), record())
    await client.flushall()
    with pytest.raises(LeaseLost):
        await parts.store.create(record(), replace(claim.lease, nonce="another"))
    assert await parts.store.get("song-1") is None


async def test_who_follows_a_song_elsewhere_hears_each_byte_once(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record())
    await writing.sound(b"first")
    followed = there.directory.follow("song-1", Extent())
    heard = [await anext(followed)]
    await client.flushall()
    rest = asyncio.ensure_future(_all(followed))
    await written_again(writing, b"first", b"second")
    await writing.end()
    heard += await rest
    assert b"".join(news.sound for news in heard) == b"firstsecond"
    assert [event for news in heard for event in news.events] == [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)]
    assert heard[-1].song.state is SongState.COMPLETED


async def test_a_song_that_nobody_puts_back_is_over_for_those_who_follow_it(client: Redis, tmp_path: Path) -> None:
    plan = replace(plan_for(objects=f"file://{tmp_path}/objects"), lease_seconds=0.5)
    async with shared_store(plan, replica="here") as parts:
        await making(replica_of(parts), record())
        followed = parts.directory.follow("song-1", Extent())
        await anext(followed)
        await client.flushall()
        with pytest.raises(KeyError):
            await anext(followed)
        with pytest.raises(KeyError):
            await anext(parts.directory.follow("song-1", Extent()))


async def test_a_song_whose_end_alone_is_lost_has_the_end_that_was_sealed(
    parts: SharedParts, there: SharedParts, client: Redis
) -> None:
    writing = await making(replica_of(parts), record())
    await writing.append([StoredEvent(b"plan")])
    await writing.sound(b"first")
    behind = [await client.dump(key) for key in LIVE]
    await writing.sound(b"second")
    song = await writing.end()
    # What a replica of the directory has that was behind; meanwhile the lease runs out.
    for key, value in zip(LIVE, behind, strict=True):
        await client.restore(key, 0, value or b"", replace=True)
    await client.zrem("m:ended", "song-1")
    await client.zadd("m:leases", {"song-1": 1})
    await client.zadd("m:service", {"song-1": 1})
    followed = there.directory.follow("song-1", Extent())
    heard = [await anext(followed)]
    assert heard[0].song.state is SongState.RUNNING
    assert await there.directory.claim_lost() is None
    heard += await _all(followed)
    assert b"".join(news.sound for news in heard) == b"firstsecond"
    assert heard[-1].song == await parts.store.get("song-1") == song
    assert await parts.store.load("song-1") == (song, [event for news in heard for event in news.events])
    assert await parts.store.find("me", "request-1") == song
    assert (await parts.directory.queue()).running == 0
    assert await client.hget("m:usage", "bytes") == b"11"


async def _all(news: AsyncIterator[SongUpdate]) -> list[SongUpdate]:
    return [one async for one in news]
