"""Tests of the start and restart of a pool's encoders, and of a bug in the server's handling of their messages."""

import asyncio

import pytest

from server.encoders import restarting_pool
from server.encoders.base import EncoderDied
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import Encoded, EncodingFailed
from server.song import SongCompleted
from tests.support.encoders.in_process import InProcessEncoder, in_process_encoders
from tests.support.encoders.observed import Server, observed, running
from tests.support.fakes import FakeEncoder


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
