"""Tests that every pool of encoders has to pass, run with processes and with threads of this process."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from server.encoders.messages import EncodingFailed
from server.errors import EngineNotReady, WorkerLost
from server.song import Chunk, Planned, SectionSent, SongCompleted
from server.workers.messages import SectionKey, SongKey
from server.workers.ray.node.socket_path import parted
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import Sound
from tests.support.encoders.kinds import EncoderKind
from tests.support.encoders.observed import AUDIO, WINDOW, Worker, running
from tests.support.fakes import RATE_HERTZ, FakeEncoder


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
