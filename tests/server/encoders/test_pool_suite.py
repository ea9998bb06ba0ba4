"""Tests that every pool of encoders has to pass, run with processes and with threads of this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import numpy as np
import pytest

from model.song import SectionScore
from server.encoders import restarting_pool
from server.encoders.base import EncoderDied, EncoderPool
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import Encoded, EncodingFailed
from server.encoders.restarting_pool import RestartingEncoders
from server.errors import EngineNotReady, WorkerLost
from server.song import AudioSettings, Chunk, Origin, Planned, SectionSent, SongCompleted, SongEvent
from server.workers.messages import SectionKey, SongKey, SoundTarget
from server.workers.ray.node.socket_path import parted
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound
from tests.support.encoders.in_process import InProcessEncoder, in_process_encoders
from tests.support.encoders.kinds import EncoderKind
from tests.support.fakes import RATE_HERTZ, FakeEncoder, FakeEngine, params

AUDIO = AudioSettings(sample_rate_hertz=RATE_HERTZ)
WINDOW = np.full((2, RATE_HERTZ // 2), 0.5, np.float32)


class Server:
    """An observer that records the messages of an encoder pool."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Encoded | EncodingFailed] = asyncio.Queue()
        self.lost: list[str] = []
        self.restarts = 0
        self._changed = asyncio.Event()

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        self.told.put_nowait(message)

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        self.lost += song_ids

    def encoder_restarted(self) -> None:
        self.restarts += 1

    def encoders_changed(self) -> None:
        self._changed.set()

    async def change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def whole(self, song_id: str) -> list[SongEvent]:
        """Return the events of a song to its end; events of other songs are dropped."""
        events: list[SongEvent] = []
        while not (events and isinstance(events[-1], SongCompleted)):
            message = await self.told.get()
            if message.song_id == song_id:
                assert isinstance(message, Encoded)
                events += message.events
        return events


class Worker:
    """Sends the sound of songs with two sections to encoders, as a worker process does."""

    def __init__(self, pool: EncoderPool, links: EncoderLinks) -> None:
        self.pool = pool
        self.links = links

    def open(self, song_id: str, attempt: int = 0) -> None:
        address = self.pool.address_of(song_id)
        assert address is not None
        plan = FakeEngine().plan(params())
        opened = OpenSong(SongKey(song_id, attempt), AUDIO, "", "", plan, RATE_HERTZ, Origin("0f"))
        self.links.open(SoundTarget(parted(address)[1], AUDIO), opened)

    def section(self, song_id: str, index: int, attempt: int = 0, windows: int = 4) -> None:
        section = SectionKey(SongKey(song_id, attempt), index)
        for _ in range(windows):
            self.links.send(Sound(section, WINDOW.tobytes(), WINDOW.shape[1], score=SectionScore()))
        self.links.send(Sound(section, b"", 0, last=True, ends_song=index == 1))

    def whole(self, song_id: str) -> None:
        self.open(song_id)
        for index in range(2):
            self.section(song_id, index)


@asynccontextmanager
async def running(pool: RestartingEncoders, *songs: str) -> AsyncIterator[tuple[Server, Worker]]:
    async with observed(pool, server := Server()) as worker:
        for song in songs:
            pool.enter(song)
        yield server, worker


@asynccontextmanager
async def observed(pool: RestartingEncoders, server: Server) -> AsyncIterator[Worker]:
    run = asyncio.create_task(pool.run(server))
    try:
        with closing(EncoderLinks()) as links:
            async with asyncio.timeout(30.0):
                await pool.settled()
                yield Worker(pool, links)
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_the_sound_of_a_song_becomes_its_events(kind: EncoderKind) -> None:
    pool = kind.pool()
    async with running(pool, "a") as (server, worker):
        worker.whole("a")
        events = await server.whole("a")
    encoder = FakeEncoder(RATE_HERTZ, AUDIO, tags={})
    expected = b"".join(encoder.feed(WINDOW) for _ in range(8)) + encoder.finish()
    assert b"".join(event.data for event in events if isinstance(event, Chunk)) == expected
    others = [type(event) for event in events if not isinstance(event, Chunk)]
    assert others == [Planned, SectionSent, SectionSent, SongCompleted]


async def test_an_encoder_is_ready_once_it_takes_in_sound(kind: EncoderKind) -> None:
    pool = kind.pool()
    pool.enter("a")
    with pytest.raises(EngineNotReady, match="being started"):
        pool.require()
    assert (pool.ready, pool.address_of("a")) == (False, None)
    async with running(pool):
        pool.require()
        assert (pool.ready, pool.unavailable, pool.all_starts_failed()) == (True, False, False)
        assert pool.address_of("a") in pool.up
    assert not pool.up


async def test_a_song_that_cannot_be_encoded_fails_alone(kind: EncoderKind) -> None:
    async with running(kind.pool(), "a", "b") as (server, worker):
        worker.open("a")
        mono = Sound(SectionKey(SongKey("a"), 0), WINDOW[:1].tobytes(), WINDOW.shape[1])
        worker.links.send(mono)
        while not isinstance(message := await server.told.get(), EncodingFailed):
            pass
        assert (message.song_id, "not stereo" in message.text) == ("a", True)
        worker.section("a", 0)
        worker.whole("b")
        assert isinstance((await server.whole("b"))[-1], SongCompleted)
        assert server.told.empty()


async def test_nothing_more_is_told_of_a_song_that_is_closed(kind: EncoderKind) -> None:
    pool = kind.pool()
    async with running(pool, "a", "b") as (server, worker):
        worker.open("a")
        assert (await server.told.get()).song_id == "a"
        pool.leave("a")
        worker.section("a", 0)
        worker.whole("b")
        assert isinstance((await server.whole("b"))[-1], SongCompleted)
        assert pool.address_of("a") is None


async def test_what_a_second_worker_repeats_is_left_out(kind: EncoderKind) -> None:
    async with running(kind.pool(), "a", "b") as (server, worker):
        worker.whole("a")
        undisturbed = await server.whole("a")
        worker.open("b")
        worker.section("b", 0)
        with closing(EncoderLinks()) as links:
            second = Worker(worker.pool, links)
            second.open("b", attempt=1)
            second.section("b", 0, attempt=1)
            second.section("b", 1, attempt=1)
            again = await server.whole("b")
    assert [event.data for event in again if isinstance(event, Chunk)] == [
        event.data for event in undisturbed if isinstance(event, Chunk)
    ]


async def test_a_dead_encoder_is_replaced_and_its_songs_are_told(kind: EncoderKind) -> None:
    pool = kind.pool()
    async with running(pool, "a", "b") as (server, worker):
        worker.open("a")
        await server.told.get()
        ((address, encoder),) = pool.up.items()
        encoder.kill()
        await server.change()
        assert (server.lost, pool.address_of("a")) == (["a", "b"], None)
        with pytest.raises(WorkerLost, match="restarted"):
            pool.require()
        worker.section("a", 0)  # which reaches nobody
        await server.change()
        assert pool.address_of("a") not in (None, address)
        assert server.restarts == 1
        worker.whole("b")
        assert isinstance((await server.whole("b"))[-1], SongCompleted)


async def test_two_encoders_share_the_songs_and_one_takes_over_those_of_the_other(kind: EncoderKind) -> None:
    pool = kind.pool(2)
    async with running(pool, "a", "b") as (server, worker):
        first, second = pool.address_of("a"), pool.address_of("b")
        assert {first, second} == set(pool.up)
        assert first is not None
        pool.up[first].kill()
        await server.change()
        assert (server.lost, pool.address_of("a"), pool.address_of("b")) == (["a"], second, second)
        for song in "ab":
            worker.whole(song)
            assert isinstance((await server.whole(song))[-1], SongCompleted)


async def test_nothing_is_left_of_a_pool_whose_run_is_cancelled(kind: EncoderKind) -> None:
    pool, tasks = kind.pool(2), asyncio.all_tasks()
    async with running(pool):
        addresses = [Path(parted(address)[1]) for address in pool.up]
        assert all(address.is_socket() for address in addresses)
    assert asyncio.all_tasks() == tasks
    assert not any(address.parent.exists() for address in addresses)


class Unstartable(InProcessEncoder):
    async def start(self, timeout_seconds: float) -> None:
        raise EncoderDied("it ended")


async def test_encoders_that_cannot_be_started_are_given_up_but_tried_again() -> None:
    pool = LocalEncoders(lambda address: Unstartable(address, FakeEncoder), restart_backoff_seconds=0.0)
    async with running(pool, "a") as (server, _):
        assert (pool.unavailable, pool.ready, pool.address_of("a")) == (False, False, None)
        while not pool.unavailable:
            await asyncio.sleep(0.001)
        while not pool.all_starts_failed():
            await asyncio.sleep(0.001)
        assert server.restarts >= 4


@pytest.mark.parametrize("first_starts", [True, False])
async def test_the_other_encoders_start_once_the_first_one_has_been_tried(first_starts: bool) -> None:
    started: list[str] = []
    first_done = asyncio.Event()

    class Slow(InProcessEncoder):
        async def start(self, timeout_seconds: float) -> None:
            started.append(self.address)
            if len(started) == 1:
                await first_done.wait()
                if not first_starts:
                    raise EncoderDied("it ended")
            await super().start(timeout_seconds)

    pool = LocalEncoders(lambda address: Slow(address, FakeEncoder), 3, restart_backoff_seconds=0.0)
    run = asyncio.create_task(pool.run(Server()))
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(started) == 1
    first_done.set()
    while len(pool.up) < 3:
        await asyncio.sleep(0.001)
    assert len(started) == (3 if first_starts else 4)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_first_encoder_that_hangs_in_its_start_does_not_hold_back_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restarting_pool, "_HEAD_START_SECONDS", 0.0)
    started: list[str] = []

    class Hanging(InProcessEncoder):
        async def start(self, timeout_seconds: float) -> None:
            started.append(self.address)
            if len(started) == 1:
                await asyncio.Event().wait()
            await super().start(timeout_seconds)

    pool = LocalEncoders(lambda address: Hanging(address, FakeEncoder), 2, restart_backoff_seconds=0.0)
    run = asyncio.create_task(pool.run(Server()))
    async with asyncio.timeout(30.0):
        while not pool.up:
            await asyncio.sleep(0.001)
    assert list(pool.up) == started[1:]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_bug_in_the_server_costs_an_encoder_and_not_the_pool() -> None:
    class Buggy(Server):
        def encoded(self, message: Encoded | EncodingFailed) -> None:
            if not self.restarts:
                raise KeyError("a bug")
            super().encoded(message)

    pool, server = in_process_encoders(), Buggy()
    async with observed(pool, server) as worker:
        pool.enter("a")
        worker.open("a")
        while not server.lost or pool.address_of("a") is None:
            await server.change()
        worker.whole("a")
        assert isinstance((await server.whole("a"))[-1], SongCompleted)
