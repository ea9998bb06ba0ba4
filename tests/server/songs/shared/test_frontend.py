"""Tests, in a service of two replicas, of a replica that makes no songs: they wait until another replica is ready to
make them.
"""

import asyncio
import time
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from melisma.v1 import music_pb2
from server.background import in_background
from server.errors import EngineNotReady, InvalidRequest
from server.generation.frontend import Frontend
from server.songs.shared.demand import Demand, Work
from server.songs.shared.survey import Survey
from server.store.base import StoreFailed
from server.telemetry.metrics import Metrics
from tests.support.fake_runner import FAKE_INFO, FakeRunner
from tests.support.replica_pair import Pair, heard, pair, request, until


def frontend() -> FakeRunner:
    """Return a real frontend, typed as the fake runner whose place in a pair of replicas it takes."""
    metrics = Metrics(CollectorRegistry(), engines=["fake"], devices=[])
    return cast(FakeRunner, Frontend(("fake",), queued_songs=16, cold_start_seconds=60.0, metrics=metrics))


async def lost(replicas: Pair) -> None:
    """Wait until the replica `here` knows that the engine is ready, make the engine unavailable on the only replica
    that has it, and wait until `here` knows that, too.
    """
    await until(lambda: replicas.here.engines.get("fake").ready)
    replicas.maker.load(None)
    await until(lambda: not replicas.here.engines.get("fake").ready)


async def test_a_song_waits_while_nobody_serves_its_engine_and_is_made_when_somebody_does(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=frontend()) as replicas:
        await lost(replicas)
        assert replicas.here.engines.get("fake").license == FAKE_INFO.license
        with pytest.raises(InvalidRequest, match="duration_seconds"):
            await replicas.here.generate(request(duration_seconds=230.0), "me")
        recording = await replicas.here.generate(request(), "me")
        listening = asyncio.create_task(heard(recording))
        assert recording.entries[0].message.HasField("accepted")
        replicas.maker.load(FAKE_INFO)
        replicas.service.bulletin.post("any")
        assert await listening == (["accepted", "plan", "chunk", "finished"], b"sound")


async def test_an_engine_that_was_never_served_is_not_waited_for(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, here=frontend(), info=None) as replicas:
        with pytest.raises(EngineNotReady, match="has never run"):
            await replicas.here.generate(request(), "me")
        assert replicas.here.engines.get("fake") == music_pb2.Engine(name="fake")


async def test_a_replica_counts_the_songs_of_the_service_and_what_nobody_has_ever_served(tmp_path: Path) -> None:
    async with pair(folder=tmp_path, hangs=True) as replicas:
        await until(lambda: replicas.here.engines.get("fake").ready)
        await replicas.there.generate(request(), "me")
        replicas.maker.slots = 0
        await replicas.here.generate(request(seed=1), "me")
        directory = replicas.directories[0]
        demand = Demand(directory, Survey(directory, time.monotonic), FakeRunner(), ("fake", "never"))
        async with in_background(demand.run()):
            await until(lambda: bool(demand.work.songs))
        assert (demand.work.songs, demand.work.backlog_seconds) == ({"fake": 2, "never": 1}, {"fake": 10.0})
        assert demand.work.queue is not None
        assert (demand.work.queue.running, len(demand.work.queue.waiting)) == (1, 1)


async def test_nothing_is_counted_while_the_directory_is_away(tmp_path: Path) -> None:
    class Away:
        async def engines(self) -> None:
            raise StoreFailed("the directory is unreachable")

    demand = Demand(Away(), Survey(Away(), time.monotonic), FakeRunner(), ("fake",))  # type: ignore[arg-type]
    demand.work = Work({"fake": 2})
    async with in_background(demand.run()):
        await until(lambda: demand.work == Work())
