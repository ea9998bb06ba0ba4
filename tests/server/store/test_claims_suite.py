"""Tests of claims and leases that every song directory has to pass."""

import asyncio

import pytest

from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, LeaseLost, StoredEvent
from server.store.claim import Claim, ClaimAction, Resume, Skill
from server.store.directory import Attendance, LeaseStatus
from tests.support.store_kinds import LEASE_SECONDS, THERE, Service
from tests.support.stored_songs import Writing, claimed, lease_status, making, queued, record, taken, ticket, waiting

MORE_THAN_A_LEASE = LEASE_SECONDS * 1.5


async def test_a_claim_takes_the_oldest_song_of_the_caller_who_has_least_for_its_weight(service: Service) -> None:
    for number, caller in ((1, "busy"), (2, "busy"), (3, "busy"), (4, "busy"), (5, "calm"), (6, "heavy"), (7, "heavy")):
        await waiting(service.here, number, caller, weight=4.0 if caller == "heavy" else 1.0)
    order = [f"song-{number}" for number in (1, 5, 6, 7, 2, 3, 4)]
    assert await queued(service.there) == order
    replicas = (service.here, service.there) * 4
    assert [await claimed(replica) for replica in replicas] == [*order, None]


async def test_a_claim_takes_songs_of_its_engines_alone(service: Service) -> None:
    await waiting(service.here, 1)
    await waiting(service.here, 2, engine="another")
    assert await claimed(service.there, "third") is None
    assert await claimed(service.there, "third", "another") == "song-2"
    assert await claimed(service.there) == "song-1"


async def test_a_song_is_claimed_once_however_many_want_it(service: Service) -> None:
    for number in (1, 2, 3):
        await waiting(service.here, number)
    claims = await asyncio.gather(*(claimed(replica) for replica in (service.here, service.there) * 4))
    assert sorted(filter(None, claims)) == ["song-1", "song-2", "song-3"]
    assert (await service.there.directory.queue()).running == 3


async def test_the_queue_tells_what_waits(service: Service) -> None:
    await waiting(service.here, 1, sound_seconds=12.0, steps=7)
    (song,) = (await service.there.directory.queue()).waiting
    assert (song.song_id, song.caller, song.engine, song.sound_seconds, song.steps) == ("song-1", "me", "fake", 12.0, 7)


async def test_a_released_song_waits_again_at_its_old_place_and_its_old_lease_is_lost(service: Service) -> None:
    for number in (1, 2):
        await waiting(service.here, number)
    claim = await service.here.directory.claim({"fake": ""})
    assert claim is not None
    await service.here.directory.release(claim.lease)
    assert await queued(service.there) == ["song-1", "song-2"]
    with pytest.raises(LeaseLost):
        await service.here.directory.release(claim.lease)
    with pytest.raises(LeaseLost):
        await service.here.store.create(claim.song, claim.lease)
    again = await service.there.directory.claim({"fake": ""})
    assert again is not None
    assert (again.song.song_id, again.lease.epoch, again.lease.replica) == ("song-1", 2, THERE)
    assert again.lease.nonce != claim.lease.nonce


async def test_a_begun_song_that_is_released_is_lost_at_once_and_goes_on_from_what_is_stored(service: Service) -> None:
    writing = await making(service.here, record())
    await writing.sound(b"first")
    await service.here.directory.release(writing.claim.lease)
    assert await claimed(service.there) is None
    claim = await service.there.directory.claim_lost()
    assert claim is not None
    assert (claim.lease.epoch, claim.extent, claim.song.size_bytes) == (2, Extent(5, 1), 5)
    with pytest.raises(LeaseLost):
        await writing.sound(b"zombie")
    other = Writing.of(service.there, claim)
    await other.sound(b"second")
    assert (await other.end()).owner == THERE
    assert await service.here.store.read("song-1", 0, 100) == b"firstsecond"


async def test_a_renewed_lease_does_not_run_out(service: Service) -> None:
    claim = (await making(service.here, record())).claim
    for _ in range(4):
        await service.pass_time(LEASE_SECONDS / 2)
        assert (await lease_status(service.here, claim)).held
    assert await service.there.directory.claim_lost() is None


async def test_a_song_whose_lease_has_run_out_has_one_new_owner_and_its_places_are_free_at_its_end(
    service: Service,
) -> None:
    quota = Quota(concurrent_songs=1)
    zombie = await making(service.here, record(), quota=quota)
    await zombie.sound(b"first")
    assert await service.there.directory.claim_lost() is None
    await service.pass_time(MORE_THAN_A_LEASE)
    found = await asyncio.gather(*(replica.directory.claim_lost() for replica in (service.here, service.there) * 3))
    (claim,) = filter(None, found)
    assert (claim.lease.epoch, claim.extent) == (2, Extent(5, 1))
    assert await lease_status(service.here, zombie.claim) == LeaseStatus(held=False)
    for call in (zombie.sound(b"more"), zombie.end()):
        with pytest.raises(LeaseLost):
            await call
    ended = await Writing.of(service.there, claim).end(SongState.FAILED, reason="INTERRUPTED")
    assert await service.here.store.get("song-1") == ended
    assert (ended.size_bytes, ended.reason) == (5, "INTERRUPTED")
    await service.here.directory.settle(zombie.claim.lease, SongState.COMPLETED, 10.0)
    assert (await service.there.directory.admit(ticket(record(2, request_id="request-1"), quota=quota))).new


async def test_a_lease_that_has_run_out_is_good_until_somebody_claims_the_song(service: Service) -> None:
    writing = await making(service.here, record())
    await service.pass_time(MORE_THAN_A_LEASE)
    await writing.sound(b"first")
    assert (await lease_status(service.here, writing.claim)).held
    assert await service.there.directory.claim_lost() is None
    await writing.end()


async def test_a_song_whose_maker_died_before_it_was_settled_is_settled_when_its_lease_runs_out(
    service: Service,
) -> None:
    writing = await making(service.here, record(), quota=Quota(concurrent_songs=1))
    ended = await writing.end(settle=False)
    await service.pass_time(MORE_THAN_A_LEASE)
    assert await service.there.directory.claim_lost() is None
    await taken(service.there, record(2), quota=Quota(concurrent_songs=1))
    assert await service.there.store.get("song-1") == ended


async def test_lost_songs_that_somebody_hears_go_first(service: Service) -> None:
    for number in (1, 2, 3):
        writing = await making(service.here, record(number))
        await writing.sound(b"first")
    await service.pass_time(MORE_THAN_A_LEASE)
    await service.there.directory.attend([Attendance("song-2", 0, 60.0), Attendance("song-3", 0, 60.0)])
    found = [await service.there.directory.claim_lost() for _ in range(3)]
    assert [claim.song.song_id for claim in found if claim] == ["song-2", "song-3", "song-1"]


LIKE = {"fake": Skill(sound="one")}
PATIENCE = 30.0


async def lost(service: Service, sound: bytes = b"first", *, by: float = MORE_THAN_A_LEASE) -> Writing:
    """Let the replica `here` begin a song with the sound fingerprint "one" and store `sound`, then let `by` seconds
    pass; return the `Writing` with which `here` appended, whose lease has expired unless `by` is short.
    """
    writing = await making(service.here, record(), sound="one")
    await (writing.sound(sound) if sound else writing.append([StoredEvent(b"plan")]))
    await service.pass_time(by)
    return writing


async def found(service: Service, skill: Skill | None = None) -> Claim | None:
    """Let the replica `there` claim a lost song, with `skill` as its ability to continue songs of the engine "fake"
    (without `skill` it does not have the engine); return the claim, or `None` if it gets none.
    """
    return await service.there.directory.claim_lost({"fake": skill} if skill else {}, PATIENCE)


async def test_a_heard_song_goes_on_where_it_sounds_the_same(service: Service) -> None:
    await lost(service)
    assert await found(service, Skill(sound="two")) is None
    assert await found(service, Skill(sound="")) is None
    assert await found(service, Skill(sound="one", room=False)) is None
    assert await found(service) is None
    claim = await found(service, Skill(sound="one"))
    assert claim is not None
    assert (claim.action, claim.extent, claim.lease.epoch) == (ClaimAction.MAKE, Extent(5, 1), 2)
    await service.pass_time(MORE_THAN_A_LEASE)
    again = await service.here.directory.claim_lost(LIKE, PATIENCE)
    assert again is not None
    assert (again.action, again.lease.epoch) == (ClaimAction.MAKE, 3)


@pytest.mark.parametrize("resume", [Resume.SAME_SOUND, Resume.UNHEARD])
async def test_a_song_of_which_nothing_was_heard_goes_on_anywhere(service: Service, resume: Resume) -> None:
    await lost(service, b"")
    claim = await found(service, Skill(resume, "two"))
    assert claim is not None
    assert (claim.action, claim.extent) == (ClaimAction.MAKE, Extent(0, 1))


@pytest.mark.parametrize(
    ("resume", "sound"), [(Resume.UNHEARD, b"first"), (Resume.NEVER, b"first"), (Resume.NEVER, b"")]
)
async def test_a_song_that_a_rule_excludes_is_interrupted_at_once(
    service: Service, resume: Resume, sound: bytes
) -> None:
    await lost(service, sound)
    claim = await found(service, Skill(resume, "one"))
    assert claim is not None
    assert claim.action is ClaimAction.INTERRUPT


async def test_a_song_that_nobody_goes_on_with_is_interrupted_after_a_while(service: Service) -> None:
    await lost(service, by=LEASE_SECONDS + PATIENCE / 2)
    assert await found(service, Skill(sound="two")) is None
    await service.pass_time(PATIENCE / 2)
    claim = await found(service)
    assert claim is not None
    assert claim.action is ClaimAction.INTERRUPT


async def test_a_song_that_was_given_up_waits_for_a_while_from_then_on(service: Service) -> None:
    writing = await lost(service)
    await service.here.directory.release(writing.claim.lease)
    await service.pass_time(PATIENCE - 1)
    assert await found(service, Skill(sound="two")) is None
    await service.pass_time(1)
    claim = await found(service, Skill(sound="two"))
    assert claim is not None
    assert claim.action is ClaimAction.INTERRUPT


async def test_a_lost_song_that_is_stored_to_its_end_or_was_cancelled_is_ended_by_anybody(service: Service) -> None:
    whole, unwanted = await making(service.here, record()), await making(service.here, record(2))
    await whole.append([StoredEvent(b"finished")], sha256="ab")
    await unwanted.sound(b"first")
    await service.there.directory.cancel("song-2")
    await service.pass_time(MORE_THAN_A_LEASE)
    claims = [await found(service, Skill(Resume.NEVER, room=False)) for _ in range(3)]
    assert [claim and (claim.song.song_id, claim.action) for claim in claims] == [
        ("song-1", ClaimAction.COMPLETE),
        ("song-2", ClaimAction.CANCEL),
        None,
    ]


async def test_an_offered_song_stays_with_its_maker_until_one_that_suits_takes_it(service: Service) -> None:
    writing = await making(service.here, record(), sound="one")
    await writing.sound(b"first")
    await service.here.directory.offer([writing.claim.lease])
    assert await service.here.directory.claim_lost(LIKE, 0.0) is None
    assert await service.there.directory.claim_lost({"fake": Skill(sound="two")}, 0.0) is None
    await writing.sound(b"second")
    assert (await lease_status(service.here, writing.claim)).held
    claim = await found(service, Skill(sound="one"))
    assert claim is not None
    assert (claim.action, claim.extent) == (ClaimAction.TAKE, Extent(11, 2))
    with pytest.raises(LeaseLost):
        await writing.sound(b"zombie")
    await service.here.directory.offer([writing.claim.lease])
    assert await service.here.directory.claim_lost(LIKE, 0.0) is None


async def test_an_offered_song_that_is_stored_to_its_last_event_is_left_to_its_maker(service: Service) -> None:
    writing = await making(service.here, record(), sound="one")
    await writing.sound(b"first")
    await service.here.directory.offer([writing.claim.lease])
    await writing.append([StoredEvent(b"finished")], sha256="ab" * 32)
    assert await found(service, Skill(sound="one")) is None
    await service.pass_time(MORE_THAN_A_LEASE)
    claim = await found(service, Skill(sound="one"))
    assert claim is not None
    assert (claim.action, claim.sound) == (ClaimAction.COMPLETE, "one")


async def test_an_offered_song_whose_maker_is_lost_is_like_any_other_lost_song(service: Service) -> None:
    writing = await making(service.here, record(), sound="one")
    await writing.sound(b"first")
    await service.here.directory.offer([writing.claim.lease])
    await service.pass_time(LEASE_SECONDS + PATIENCE)
    claim = await found(service, Skill(sound="two"))
    assert claim is not None
    assert claim.action is ClaimAction.INTERRUPT
    await Writing.of(service.there, claim).end(SongState.FAILED)
    assert await found(service, Skill(sound="one")) is None
