"""Tests that random calls of two replicas keep the rules of a simple model of the service.

Only one epoch may append, bytes only grow, an ended song stays ended, limits are kept, and a request id gives one song.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from server.errors import QuotaExceeded
from server.quota import Quota
from server.song import SongState
from server.store.base import Extent, LeaseLost, StoredEvent, WrongOffset
from server.store.claim import Claim
from server.store.directory import Admitted
from server.store.eviction import StoreLimits
from server.store.whole_service import QueueFull
from tests.support.store_kinds import KINDS, LEASE_SECONDS, Opening, Replica, Service
from tests.support.stored_songs import Writing, lease_status, record, ticket

T = TypeVar("T")

MAX_SONGS = 4
CONCURRENT_SONGS = 3
QUOTA = Quota(concurrent_songs=CONCURRENT_SONGS)
REPLICAS = st.sampled_from(["here", "there"])
ENDS = st.sampled_from([SongState.COMPLETED, SongState.FAILED, SongState.CANCELLED])
PICK = st.integers(0, 1 << 16)


@dataclass
class Song:
    """A song of the model: waiting, claimed by `holder`, given up by its replica, or ended."""

    song_id: str
    caller: str
    request: str
    holder: Writing | None = None
    epoch: int = 0
    lease_until: float = 0.0
    given_up: bool = False
    cancelled: bool = False
    state: SongState | None = None
    settled: bool = False
    sound: bytes = b""
    events: int = 0

    @property
    def waits(self) -> bool:
        return self.holder is None and not self.given_up and self.state is None


@dataclass
class Model:
    """Model of the song directory, with the state that the tests expect of it: all songs in the order of their
    admission, and in `writings` all leases under which a server may or might append to a song, valid or expired.
    """

    now: float = 0.0
    songs: dict[str, Song] = field(default_factory=dict)
    writings: list[Writing] = field(default_factory=list)

    def here(self) -> list[Song]:
        return [song for song in self.songs.values() if not song.settled]

    def waiting(self) -> list[Song]:
        return [song for song in self.here() if song.waits]

    def asked(self, caller: str, request: str) -> Song | None:
        """Return the song that the caller's request id `request` has already requested; `None` if there is none, or if
        that song has failed or was cancelled.
        """
        songs = [song for song in self.songs.values() if (song.caller, song.request) == (caller, request)]
        return next((song for song in songs if song.state in (None, SongState.COMPLETED)), None)

    def next_ones(self) -> set[str]:
        """Return the ids of the songs that a claim may take. There may be two, because a directory may count an ended
        song as running until it is settled.
        """
        held = Counter(song.caller for song in self.here() if song.holder or song.given_up)
        running = Counter(song.caller for song in self.here() if song.holder and song.state is None)
        waiting = self.waiting()
        return {min(waiting, key=lambda song: counts[song.caller]).song_id for counts in (held, running) if waiting}

    def lost(self) -> set[str]:
        return {
            song.song_id
            for song in self.here()
            if song.state is None and (song.given_up or (song.holder and song.lease_until <= self.now))
        }


class Interleavings(RuleBasedStateMachine):
    """Random calls of two replicas of a service with one kind of store; each result is compared with the model."""

    opening: Opening

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = tempfile.TemporaryDirectory()
        opening = type(self).opening(Path(self.folder.name), StoreLimits(), 0)
        self.service = self.run(self.stack.enter_async_context(opening))

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def replica(self, name: str) -> Replica:
        replica: Replica = getattr(self.service, name)
        return replica

    def hold(self, name: str, claim: Claim) -> None:
        """Check a claim that the replica `name` has got against the model, create the song in the store under it, and
        record it in the model.
        """
        song, replica = self.model.songs[claim.song.song_id], self.replica(name)
        assert claim.lease.epoch == song.epoch + 1
        assert claim.extent == Extent(len(song.sound), song.events)
        assert claim.lease.nonce not in {one.claim.lease.nonce for one in self.model.writings}
        self.run(replica.store.create(claim.song, claim.lease))
        song.holder, song.epoch, song.given_up = Writing.of(replica, claim), claim.lease.epoch, False
        song.lease_until = self.model.now + LEASE_SECONDS
        self.model.writings.append(song.holder)

    def chosen(self, pick: int) -> tuple[Writing, Song, bool]:
        """Return one of the leases in `writings`, chosen by the number `pick`, and its song; the third value is True if
        no other claim has replaced the lease and the song has not ended.
        """
        writing = self.model.writings[pick % len(self.model.writings)]
        song = self.model.songs[writing.claim.song.song_id]
        return writing, song, song.holder is writing and song.state is None

    @rule(name=REPLICAS, caller=st.sampled_from("ab"), request=st.sampled_from("xyz"), take=st.booleans())
    def admit(self, name: str, caller: str, request: str, take: bool) -> None:
        song = record(len(self.model.songs) + 1, caller, request_id=request)
        asking = ticket(song, quota=QUOTA, max_songs=MAX_SONGS, take=take)
        admitted: Admitted | Exception
        try:
            admitted = self.run(self.replica(name).directory.admit(asking))
        except (QueueFull, QuotaExceeded) as error:
            admitted = error
        here = self.model.here()
        if earlier := self.model.asked(caller, request):
            assert isinstance(admitted, Admitted)
            assert (admitted.song_id, admitted.new, admitted.claim) == (earlier.song_id, False, None)
        elif len(here) >= MAX_SONGS:
            assert isinstance(admitted, QueueFull)
        elif sum(song.caller == caller for song in here) >= CONCURRENT_SONGS:
            assert isinstance(admitted, QuotaExceeded)
        else:
            assert isinstance(admitted, Admitted)
            assert (admitted.song_id, admitted.new) == (song.song_id, True)
            assert bool(admitted.claim) == (take and not self.model.waiting())
            self.model.songs[song.song_id] = Song(song.song_id, caller, request)
            if admitted.claim:
                self.hold(name, admitted.claim)

    @rule(name=REPLICAS)
    def claim(self, name: str) -> None:
        claim = self.run(self.replica(name).directory.claim({"fake": ""}))
        assert (claim.song.song_id in self.model.next_ones()) if claim else not self.model.waiting()
        if claim:
            self.hold(name, claim)

    @rule(name=REPLICAS)
    def claim_lost(self, name: str) -> None:
        claim = self.run(self.replica(name).directory.claim_lost())
        lost = self.model.lost()
        assert (claim.song.song_id in lost) if claim else not lost
        if claim:
            self.hold(name, claim)
        else:
            for song in self.model.here():
                song.settled = song.state is not None and song.lease_until <= self.model.now

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK, sound=st.binary(max_size=3))
    def append(self, pick: int, sound: bytes) -> None:
        writing, song, good = self.chosen(pick)
        if good:
            self.run(writing.append([StoredEvent(sound, len(song.sound + sound))], sound))
            song.sound, song.events = song.sound + sound, song.events + 1
        else:
            with pytest.raises(LeaseLost):
                self.run(writing.append([StoredEvent(sound, len(song.sound + sound))], sound))

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK, off=st.sampled_from([Extent(1, 0), Extent(0, 1), Extent(2, 2)]))
    def append_elsewhere(self, pick: int, off: Extent) -> None:
        writing, song, good = self.chosen(pick)
        at = Extent(len(song.sound) + off.size_bytes, song.events + off.events)
        with pytest.raises(WrongOffset if good else LeaseLost) as refusal:
            self.run(writing.replica.store.append(writing.song, [], b"!", lease=writing.claim.lease, at=at))
        if isinstance(refusal.value, WrongOffset):
            assert refusal.value.extent == Extent(len(song.sound), song.events)

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK, state=ENDS, settle=st.booleans())
    def end(self, pick: int, state: SongState, settle: bool) -> None:
        writing, song, good = self.chosen(pick)
        settle = settle or state is not SongState.COMPLETED
        if good:
            self.run(writing.end(state, settle=settle))
            song.state, song.settled = state, settle
        elif song.holder is not writing:
            with pytest.raises(LeaseLost):
                self.run(writing.end(state))
        else:  # its answer may have been lost: it is asked for again
            self.run(writing.end(state, settle=False))

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK)
    def settle_as_a_zombie(self, pick: int) -> None:
        writing, song, _ = self.chosen(pick)
        if song.holder is not writing:
            self.run(writing.replica.directory.settle(writing.claim.lease, SongState.COMPLETED, 1.0))

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        writing, song, good = self.chosen(pick)
        told = self.run(lease_status(writing.replica, writing.claim))
        if song.state is None:
            assert (told.held, told.cancelled) == (good, good and song.cancelled)
        if good or (song.holder is writing and not song.settled and told.held):
            song.lease_until = self.model.now + LEASE_SECONDS

    @precondition(lambda self: self.model.writings)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        writing, song, good = self.chosen(pick)
        if good:
            self.run(writing.replica.directory.release(writing.claim.lease))
            song.holder, song.given_up = None, bool(song.events)
        elif song.holder is not writing:
            with pytest.raises(LeaseLost):
                self.run(writing.replica.directory.release(writing.claim.lease))

    @precondition(lambda self: self.model.songs)
    @rule(name=REPLICAS, pick=PICK)
    def cancel(self, name: str, pick: int) -> None:
        song = list(self.model.songs.values())[pick % len(self.model.songs)]
        waits = song.waits
        claim = self.run(self.replica(name).directory.cancel(song.song_id))
        assert bool(claim) == waits
        song.cancelled = song.cancelled or (not waits and song.state is None)
        if claim:
            self.hold(name, claim)

    @rule(seconds=st.sampled_from([LEASE_SECONDS / 2, LEASE_SECONDS * 1.5]))
    def pass_time(self, seconds: float) -> None:
        self.run(_passing(self.service, seconds))
        self.model.now += seconds

    @invariant()
    def the_store_has_what_was_acknowledged(self) -> None:
        for song in self.model.songs.values():
            stored = self.run(self.service.there.store.load(song.song_id))
            assert stored is not None
            assert (stored[0].size_bytes, len(stored[1])) == (len(song.sound), song.events)
            assert stored[0].state.ended == (song.state is not None)
            assert song.state in (None, stored[0].state)
            assert self.run(self.service.here.store.read(song.song_id, 0, 1 << 10)) == song.sound

    @invariant()
    def the_queue_has_what_waits(self) -> None:
        queue = self.run(self.service.here.directory.queue())
        assert {song.song_id for song in queue.waiting} == {song.song_id for song in self.model.waiting()}


async def _passing(service: Service, seconds: float) -> None:
    await service.pass_time(seconds)


@pytest.mark.parametrize("opening", KINDS)
def test_any_interleaving_of_two_replicas_keeps_the_rules(opening: Opening) -> None:
    kind: Any = type("Kind", (Interleavings,), {"opening": staticmethod(opening)})
    few = settings(max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(kind, settings=few)
