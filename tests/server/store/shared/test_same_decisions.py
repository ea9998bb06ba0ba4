"""Tests that the shared and the embedded song directory make the same decisions, for random calls of two replicas."""

import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.errors import QuotaExceeded
from server.quota import UNKNOWN_TERMS, Quota
from server.song import SongState
from server.store.base import LeaseLost, StoredEvent, WrongOffset
from server.store.claim import Claim, Resume, Skill
from server.store.directory import Admitted, Attendance
from server.store.eviction import StoreLimits
from server.store.whole_service import QueueFull
from tests.support.store_kinds import Service, embedded, shared
from tests.support.stored_songs import Writing, record, ticket

STEPS = 150
SOUNDS = ("", "one", "other")
QUOTAS = {
    "free": Quota(),
    "few": Quota(concurrent_songs=2),
    "slow": Quota(songs_per_minute=3),
    "short": Quota(songs_per_minute=0.5, audio_seconds_per_hour=300),
}
REFUSALS = (QueueFull, QuotaExceeded, LeaseLost, WrongOffset)

pytestmark = pytest.mark.shared


class Side:
    """A service with one kind of directory, embedded or shared; `writings` has an object that appends to the song for
    each claim that its replicas got, in the order of the claims.
    """

    def __init__(self, service: Service) -> None:
        self.replicas = (service.here, service.there)
        self.pass_time = service.pass_time
        self.writings: list[Writing] = []

    async def outcome(self, call: Callable[["Side"], Awaitable[Any]], replica: int) -> Any:
        """Make one call at the replica with this number, and return its result or error in a form that can be compared
        with that of the other kind of service.
        """
        try:
            result = await call(self)
        except REFUSALS as error:
            retry = round(getattr(error, "retry_after_seconds", 0.0), 3)
            return type(error), str(error), retry, getattr(error, "extent", None)
        claim = result.claim if isinstance(result, Admitted) else result
        if isinstance(claim, Claim):
            self.writings.append(Writing.of(self.replicas[replica], claim))
        return plain(result)


def plain(result: Any) -> Any:
    """Return the result of a call without the parts that may differ between the two kinds of service: random values,
    fractions of a millisecond, and a claim's terms (such as the caller's quota), which only the shared directory needs
    because it may lose songs.
    """
    if isinstance(result, Admitted):
        return replace(result, claim=plain(result.claim))
    if isinstance(result, Claim):
        return replace(
            result,
            lease=replace(result.lease, nonce=""),
            deadline_seconds=result.deadline_seconds and round(result.deadline_seconds, 3),
            terms=UNKNOWN_TERMS,
        )
    return result


class Walk:
    """A generator of random calls of two replicas, such as admissions and claims; each call is a function that can be
    applied to both kinds of service.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.admitted = 0

    def admission(self, replica: int) -> Callable[[Side], Awaitable[Any]]:
        self.admitted += 1
        caller = self.rng.choice([*QUOTAS])
        # The server chooses an id where the caller does not, which nobody can repeat.
        repeatable = self.rng.random() < 0.8
        request_id = f"{caller}-{self.rng.randrange(self.admitted + 3)}" if repeatable else f"own-{self.admitted}"
        song = record(self.admitted, caller, request_id=request_id, engine=self.rng.choice("ab"))
        fields = {
            "quota": QUOTAS[caller],
            "weight": 2.0 if caller == "free" else 1.0,
            "max_songs": 12,
            "kept_songs": 3,
            "take": self.rng.random() < 0.4,
            "repeatable": repeatable,
            "sound_seconds": self.rng.choice([0.0, 30.0, 200.0]),
            "attend_seconds": self.rng.choice([0.0, 4.0]),
            "deadline_seconds": self.rng.choice([None, 50.0]),
            "linger_seconds": self.rng.choice([None, 10.0]),
            "steps": self.rng.choice([None, 7]),
            "sound": self.rng.choice(SOUNDS),
        }
        return lambda side: side.replicas[replica].directory.admit(ticket(song, **fields))

    def call(self, replica: int, claims: int) -> Callable[[Side], Awaitable[Any]]:
        """Return the next random call, for the replica with this number; `claims` is the number of claims that were
        given so far, from which a write chooses one.
        """
        kind = self.rng.choice(["admit", "admit", "claim", "lost", "queue", "cancel", "attend", "time"] + ["write"] * 8)
        if kind == "admit" or not claims:
            return self.admission(replica)
        song_id, at = f"song-{self.rng.randrange(1, self.admitted + 2)}", self.rng.randrange(claims)
        engines, seconds = self.rng.choice([("a",), ("b",), ("a", "b")]), self.rng.choice([0.5, 3.0, 20.0])
        sounds = {engine: self.rng.choice(SOUNDS) for engine in engines}
        skills = {engine: self.skill(sound) for engine, sound in sounds.items()}
        patience, but = self.rng.choice([0.0, 5.0, 100.0]), self.rng.choice([(), (song_id,), ("song-1", song_id)])
        attendance = Attendance(song_id, self.rng.randrange(100), self.rng.choice([0.0, 3.0]))
        simple: dict[str, Callable[[Side], Awaitable[Any]]] = {
            "claim": lambda side: side.replicas[replica].directory.claim(sounds, but),
            "lost": lambda side: side.replicas[replica].directory.claim_lost(skills, patience, but),
            "queue": lambda side: side.replicas[replica].directory.queue(),
            "cancel": lambda side: side.replicas[replica].directory.cancel(song_id),
            "attend": lambda side: side.replicas[replica].directory.attend([attendance]),
            "time": lambda side: side.pass_time(seconds),
        }
        return simple[kind] if kind in simple else self.writing(at)

    def skill(self, sound: str) -> Skill:
        return Skill(self.rng.choice([*Resume]), sound, room=self.rng.random() < 0.7)

    def writing(self, at: int) -> Callable[[Side], Awaitable[Any]]:
        kind, made = (
            self.rng.choice(["append", "append", "end", "release", "offer", "renew", "renew"]),
            self.rng.uniform(0, 60),
        )
        state = self.rng.choice([SongState.COMPLETED, SongState.COMPLETED, SongState.FAILED])

        async def done(side: Side) -> Any:
            writing = side.writings[at]
            store, directory = writing.replica.store, writing.replica.directory
            if kind == "append":
                await store.create(writing.song, writing.claim.lease)
                return await writing.append([StoredEvent(b"chunk", writing.at.size_bytes + 5)], b"sound")
            if kind == "end":
                await store.create(writing.song, writing.claim.lease)
                ended = await writing.end(state, settle=False)
                await directory.settle(writing.claim.lease, state, made)
                return ended
            if kind == "release":
                return await directory.release(writing.claim.lease)
            if kind == "offer":
                return await directory.offer([writing.claim.lease])
            return await directory.renew([writing.claim.lease])

        return done


async def stored(side: Side, song_id: str) -> Any:
    """Return the record, events and size of a song in the store of one kind of service, without the owner and epoch,
    which the embedded store writes at another time.
    """
    loaded = await side.replicas[0].store.load(song_id)
    return loaded and (replace(loaded[0], owner="", epoch=0), loaded[1])


@pytest.mark.parametrize("seed", range(6))
async def test_both_directories_decide_alike(tmp_path: Path, seed: int) -> None:
    walk = Walk(seed)
    async with AsyncExitStack() as stack:
        openings = (embedded(tmp_path / "embedded", StoreLimits(), 0), shared(tmp_path / "shared", StoreLimits(), 0))
        one, other = [Side(await stack.enter_async_context(opening)) for opening in openings]
        for number in range(STEPS):
            replica = walk.rng.randrange(2)
            call = walk.call(replica, len(one.writings))
            expected, found = await one.outcome(call, replica), await other.outcome(call, replica)
            assert found == expected, f"step {number}"
        for number in range(1, walk.admitted + 1):
            expected, found = [await stored(side, f"song-{number}") for side in (one, other)]
            assert found == expected or expected is None  # an embedded store need not keep songs that wait
