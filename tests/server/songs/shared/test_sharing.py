"""Songs of two replicas of one service: made on either, heard and ended on both."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from melisma.v1 import music_pb2
from server.audio.codecs.registry import file_suffixes
from server.background import in_background
from server.errors import EndedElsewhere, QuotaExceeded, SongCancelled, WorkerLost
from server.quota import Quota
from server.song import Chunk, Planned, SongCompleted, SongEvent, SongState
from server.songs.recording import Recording
from server.songs.service import Songs
from server.songs.shared.storing import Pace
from server.songs.tickets import Terms
from server.store.base import (
    INTERRUPTED,
    Extent,
    Lease,
    SongRecord,
    SongStore,
    StoredEvent,
    StoreFailed,
    WrongOffset,
)
from server.store.directory import Claim
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import EmbeddedStore, embedded_store
from server.store.eviction import StoreLimits
from tests.support.fake_runner import FAKE_EVENTS, FAKE_PLAN, FakeRunner
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record

REQUEST_ID = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"
LONG: tuple[SongEvent, ...] = (
    Planned(FAKE_PLAN, delay_samples=1105, sample_count=529_200, sample_count_exact=True),
    *(Chunk(number, b"sound", 0, float(number), 1.0, 5 * number, 0) for number in range(12)),
    SongCompleted(12.0, 529_200, 60, "ab" * 32, 0.0, 0.1, 0.2, 0.3),
)


class SharedStore:
    """The embedded store as if it were shared; `trouble` is raised once by an append, after it has taken effect."""

    embedded = False

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self.trouble: list[Exception] = []
        self.held = asyncio.Event()
        self.held.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, song: SongRecord, events: Any, sound: bytes, *, lease: Lease, at: Extent) -> None:
        await self.held.wait()
        await self._store.append(song, events, sound, lease=lease, at=at)
        if self.trouble:
            raise self.trouble.pop()


@dataclass
class Pair:
    """Two replicas, and what is behind them."""

    here: Songs
    there: Songs
    maker: FakeRunner
    store: SharedStore
    service: EmbeddedService


@asynccontextmanager
async def pair(
    events: tuple[SongEvent, ...] = FAKE_EVENTS,
    *,
    folder: Path,
    quota: Quota = Quota(),  # noqa: B008
    linger_seconds: float = 10.0,
    **fakes: Any,
) -> AsyncIterator[Pair]:
    """A replica that makes songs, called `there`, and one, `here`, whose places are all taken."""
    numbers = itertools.count(1)
    full, maker = FakeRunner(), FakeRunner(events, **fakes)
    full.slots = 0
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(embedded_store(folder, StoreLimits(), file_suffixes()))
        store, service = SharedStore(opened), EmbeddedService(opened)

        def songs(runner: FakeRunner, name: str) -> Songs:
            return Songs(
                runner,
                ("fake",),
                cast(SongStore, store),
                service.replica(name),
                terms=lambda _: Terms(quota),
                linger_seconds=linger_seconds,
                song_id=lambda: f"song-{next(numbers)}",
                pace=Pace(flush_seconds=0.0, outage_seconds=0.0),
                lease_seconds=0.3,
            )

        here, there = songs(full, "here"), songs(maker, "there")
        for one in (here, there):
            stack.push_async_callback(one.close)
            await stack.enter_async_context(in_background(one.run()))
        async with asyncio.timeout(10):
            yield Pair(here, there, maker, store, service)


def request(**fields: object) -> music_pb2.GenerateRequest:
    return music_pb2.GenerateRequest(**{"prompt": "pop", "seed": 5, **fields})  # type: ignore[arg-type]


async def heard(recording: Recording, byte_offset: int = 0) -> tuple[list[str], bytes]:
    """The kinds of what stays, and the sound."""
    kinds, sound = [], b""
    with recording.listened(byte_offset) as told:
        async for one in told:
            if one.number is not None:
                kinds.append(str(one.message.WhichOneof("event")))
            sound += one.message.chunk.data
    return kinds, sound


def expire(service: EmbeddedService, song_id: str) -> None:
    """Let the lease of a song run out now."""
    service.songs._songs[song_id].lease_until = 0.0
    service.bulletin.post("any")


async def taken_over(service: EmbeddedService, song_id: str) -> Claim:
    """A song whose lease has run out, claimed by a third replica before its maker renews it."""
    service.songs._songs[song_id].lease_until = 0.0
    claim = await service.replica("third").claim_lost()
    assert claim is not None
    return claim


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def test_a_song_that_waits_here_is_accepted_at_once_and_made_and_heard_elsewhere(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        recording = await replicas.here.generate(request(), "me")
        assert [entry.message.WhichOneof("event") for entry in recording.entries] == ["accepted"]
        kinds, sound = await heard(recording)
        assert kinds == ["accepted", "plan", *["chunk"] * 12, "finished"]
        assert sound == b"sound" * 12
        assert replicas.maker.requests[0].params.seed == 5
        for songs in (replicas.here, replicas.there):
            song = await songs.get("song-1", "me")
            assert (song.state, song.owner, song.size_bytes) == (SongState.COMPLETED, "there", 60)
            assert (await heard(await songs.find("song-1", "me"), 7))[1] == (b"sound" * 12)[7:]


async def test_a_running_song_is_heard_from_any_byte_and_listed_on_both(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path, hangs=True) as replicas:
        first = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(first.entries) == len(LONG) + 1)
        other = await replicas.here.generate(request(request_id=REQUEST_ID), "me")
        assert (other.song.song_id, len(replicas.maker.jobs)) == (first.song.song_id, 1)
        listening = [heard(first), heard(other, 12), heard(await replicas.here.find("song-1", "me"), 55)]
        told = asyncio.gather(*listening)
        assert [song.song_id for song in (await replicas.here.page("me"))[0]] == ["song-1"]
        assert (await replicas.here.get("song-1", "me")).state is SongState.RUNNING
        replicas.maker.stop()
        assert [sound for _, sound in await told] == [b"sound" * 12, (b"sound" * 12)[12:], b"sound"]


async def test_nothing_is_heard_before_it_is_stored(tmp_path: Path) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        replicas.store.held.clear()
        recording = await replicas.there.generate(request(), "me")
        await until(lambda: replicas.maker.jobs[0].ended.is_set())
        assert (recording.entries, recording.ended) == ([], False)
        assert not (await replicas.here.get("song-1", "me")).state.ended
        replicas.store.held.set()
        assert (await heard(recording))[1] == b"sound" * 12


@pytest.mark.parametrize("from_here", [True, False])
async def test_a_song_is_cancelled_from_either_replica(tmp_path: Path, from_here: bool) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.here.generate(request(request_id=REQUEST_ID), "me")
        listening = asyncio.create_task(heard(recording))
        await until(lambda: bool(replicas.maker.jobs))
        songs = replicas.here if from_here else replicas.there
        assert (await songs.cancel("song-1", "me")).state is SongState.CANCELLED
        assert replicas.maker.jobs[0].closed.is_set()
        with pytest.raises(SongCancelled):
            await listening


async def test_a_waiting_song_is_cancelled_by_whoever_is_asked(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        replicas.maker.slots = 0
        listening = asyncio.create_task(heard(await replicas.here.generate(request(), "me")))
        await asyncio.sleep(0)
        assert (await replicas.there.cancel("song-1", "me")).state is SongState.CANCELLED
        with pytest.raises(SongCancelled):
            await listening
        assert replicas.maker.jobs == []


async def test_a_song_ends_when_its_last_listener_has_left_another_replica(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.here.generate(request(), "me")
        with recording.listened() as told:
            async for one in told:
                if one.message.WhichOneof("event") == "chunk":
                    break
            await asyncio.sleep(0.4)
            assert not replicas.maker.jobs[0].closed.is_set()
        await replicas.maker.jobs[0].ended.wait()
        await until(lambda: not replicas.service.songs.record("song-1"))
        assert (await replicas.there.get("song-1", "me")).state is SongState.CANCELLED


async def test_a_failure_elsewhere_is_told_with_its_reason(tmp_path: Path) -> None:
    async with pair(FAKE_EVENTS[:2], folder=tmp_path, error=WorkerLost("gone")) as replicas:
        with pytest.raises(EndedElsewhere, match="gone") as failure:
            await heard(await replicas.here.generate(request(), "me"))
        assert failure.value.reason == "WORKER_LOST"


async def test_quotas_count_over_both_replicas_and_are_free_once_the_end_is_heard(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, quota=Quota(concurrent_songs=1)) as replicas:
        for first, second in ((replicas.here, replicas.there), (replicas.there, replicas.here)):
            recording = await first.generate(request(), "me")
            with pytest.raises(QuotaExceeded):
                await second.generate(request(), "me")
            assert (await heard(recording))[1] == b"sound"


async def test_a_maker_that_has_lost_its_song_gives_it_up_and_all_listeners_hear_what_the_new_one_stores(
    tmp_path: Path,
) -> None:
    async with pair(LONG[:3], folder=tmp_path, hangs=True) as replicas:
        first = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: bool(first.entries))
        recordings = [first, await replicas.here.generate(request(request_id=REQUEST_ID), "me")]
        listening = [asyncio.create_task(heard(recording)) for recording in recordings]
        await until(lambda: all(len(recording.entries) == 4 for recording in recordings))
        claim = await taken_over(replicas.service, "song-1")
        assert claim.extent == Extent(10, 4)
        song = replace(claim.song, state=SongState.FAILED, reason=INTERRUPTED, error="gone", ended_ns=1)
        await replicas.store.end(song, lease=claim.lease, at=claim.extent)
        for told in listening:
            with pytest.raises(EndedElsewhere, match="gone"):
                await told
        await replicas.maker.jobs[0].closed.wait()
        assert (await replicas.there.get("song-1", "me")).reason == INTERRUPTED


async def test_a_song_that_nobody_makes_any_more_is_ended_as_interrupted(tmp_path: Path) -> None:
    async with pair(folder=tmp_path) as replicas:
        dead = Replica(cast(SongStore, replicas.store), replicas.service.replica("dead"))
        await (await making(dead, record())).append([StoredEvent(b"", 5)], b"first")
        listening = asyncio.create_task(heard(await replicas.here.find("song-1", "me"), 5))
        await asyncio.sleep(0)
        expire(replicas.service, "song-1")
        with pytest.raises(EndedElsewhere) as failure:
            await listening
        assert failure.value.reason == INTERRUPTED
        song = await replicas.there.get("song-1", "me")
        assert (song.state, song.reason, song.size_bytes) == (SongState.FAILED, INTERRUPTED, 5)


@pytest.mark.parametrize("trouble", [StoreFailed("the answer was lost"), WrongOffset("song-1", Extent())])
async def test_an_append_whose_answer_was_lost_is_not_stored_twice(tmp_path: Path, trouble: Exception) -> None:
    async with pair(LONG, folder=tmp_path) as replicas:
        replicas.store.trouble.append(trouble)
        if isinstance(trouble, StoreFailed):
            for songs in (replicas.here, replicas.there):
                songs._making._pace = Pace(0.0, 5.0)  # type: ignore[union-attr]
        assert (await heard(await replicas.there.generate(request(), "me")))[1] == b"sound" * 12
        assert await replicas.store.read("song-1", 0, 1000) == b"sound" * 12
