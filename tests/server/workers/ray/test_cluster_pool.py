"""Tests of a worker pool on a simulated cluster, with actors on threads: actors that do not answer, a driver process
that ends, the way of the sound to the encoders, and nodes with another version of the software.
"""

import asyncio
from collections.abc import Sequence

import psutil
import pytest

from server.encoders.node_encoder import NodeEncoder
from server.encoders.node_pool import NodeEncoders
from server.song import Chunk
from server.workers.base import WorkerDeath, WorkerDied
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Done, Ping
from server.workers.ray import driven_worker
from server.workers.ray.messages import NotConnected
from server.workers.ray.node import actor
from server.workers.ray.pool import RayPool
from tests.support.fakes import FAKE_ENCODER
from tests.support.runners import BESIDE, CPU, request, running
from tests.support.song_requests import until
from tests.support.workers.fake_cluster import DriverTask, FakeCluster
from tests.support.workers.in_process_pool import IN_PROCESS_FAKE
from tests.support.workers.observers import FakeObserver, exchange, observed


def beside(pool: RayPool) -> NodeEncoders:
    """Return a pool of encoders that run on the same nodes as the workers of `pool`."""
    names = [device.name for device in pool.devices]
    return NodeEncoders(FAKE_ENCODER, names, 1, bridge=pool.bridge, node_id=pool.node_id, restart_backoff_seconds=0.0)


def moved(cluster: FakeCluster, node: str) -> None:
    """Kill the newest worker of the cluster; its successor starts on the node `node`."""
    cluster.node = node
    cluster.workers[-1].kill()


class Pools:
    """Makes worker pools, each with a simulated cluster; records the clusters, and the tasks that stand in for driver
    processes.
    """

    def __init__(self, *first: object) -> None:
        """Set up the pools; `first` are the first messages of the driver processes in order, after which they join the
        cluster.
        """
        self.clusters: list[FakeCluster] = []
        self.processes: list[DriverTask] = []
        self._first = [*first]

    def pool(self, devices: Sequence[DeviceSpec] = (CPU,), ping_seconds: float = 5.0) -> RayPool:
        return RayPool(
            devices,
            [IN_PROCESS_FAKE],
            address="head:6379",
            new_process=self._new_process,
            ping_seconds=ping_seconds,
            restart_backoff_seconds=0.0,
            again_seconds=0.01,
        )

    def _new_process(self) -> DriverTask:
        first = (self._first.pop(0),) if self._first else ()
        self.processes.append(DriverTask(self.clusters, *first))
        return self.processes[-1]


async def test_a_song_has_the_sound_that_the_local_pool_gives_it() -> None:
    async with running(devices=[BESIDE]) as bench:
        expected = await bench.submit(request(duration_seconds=20.0)).sound()
    async with running(pool=Pools().pool([BESIDE])) as bench:
        assert await bench.submit(request(duration_seconds=20.0)).sound() == expected


async def test_sound_is_encoded_on_the_node_of_its_worker_whatever_is_lost() -> None:
    children = {child.pid for child in psutil.Process().children()}
    async with running(devices=[BESIDE]) as bench:
        expected = [await bench.submit(request(duration_seconds=seconds)).sound() for seconds in (20.0, 60.0)]
    pools = Pools()
    pool = pools.pool([BESIDE])
    async with running(pool=pool, encoders=beside(pool), retries=10) as bench:
        (cluster,) = pools.clusters
        assert await bench.submit(request(duration_seconds=20.0)).sound() == expected[0]
        for lose in (cluster.workers[-1].kill, cluster.hosts[-1].kill, lambda: moved(cluster, "elsewhere")):
            song = bench.submit(request(duration_seconds=60.0))
            await song.first_chunk()
            lose()
            sound = b"".join([event.data async for event in song.events() if isinstance(event, Chunk)])
            assert expected[1].endswith(sound)
            assert len(sound) > len(expected[1]) / 2
        assert await bench.submit(request(duration_seconds=20.0)).sound() == expected[0]
        assert {actor.target.node for actor in cluster.workers} == {"localhost", "elsewhere"}
        up = bench.encoders.up.values()
        assert [encoder.node_id for encoder in up if isinstance(encoder, NodeEncoder)] == ["elsewhere"]
    assert all(actor.dead for actor in cluster.hosts)
    await until(lambda: {child.pid for child in psutil.Process().children()} <= children)


async def test_a_worker_that_is_silent_is_ended_and_replaced() -> None:
    pools, observer = Pools(), FakeObserver()
    async with observed(pools.pool(ping_seconds=0.05), observer):
        worker = await observer.next_worker()
        pools.clusters[0].workers[0].silent = True
        with pytest.raises(WorkerDied, match="silent for 0"):
            await exchange(worker, Ping())
        assert await exchange(await observer.next_worker(), Ping()) == Done()
    assert observer.deaths == [WorkerDeath.UNRESPONSIVE]


async def test_a_song_goes_on_when_the_cluster_was_lost_and_has_come_back() -> None:
    async with running(devices=[CPU]) as bench:
        expected = await bench.submit(request(duration_seconds=60.0)).sound()
    pools = Pools()
    async with running(pool=pools.pool()) as bench:
        song = bench.submit(request(duration_seconds=60.0))
        await song.first_chunk()
        pools._first.append(NotConnected("the head is away"))
        pools.processes[0].die()
        sound = b"".join([event.data async for event in song.events() if isinstance(event, Chunk)])
    assert expected.endswith(sound)
    assert len(sound) > len(expected) / 2
    assert len(pools.processes) == 3


async def test_a_cluster_that_starts_no_actors_of_a_process_is_joined_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driven_worker, "_AGAIN_SECONDS", 0.01)
    pools, observer = Pools(), FakeObserver()
    pool = pools.pool()
    async with observed(pool, observer):
        await observer.next_worker()
        pools.clusters[0].forgetful = True
        pools.clusters[0].workers[0].kill()
        assert await exchange(await observer.next_worker(), Ping()) == Done()
        assert not pool.unavailable("fake")
    assert len(pools.clusters[0].workers) == 4
    assert (len(pools.processes), len(observer.restarted)) == (2, 1)


async def test_a_cluster_that_cannot_be_joined_is_told_and_tried_again() -> None:
    pools, observer = Pools(NotConnected("write another token")), FakeObserver()
    pool = pools.pool()
    async with observed(pool, observer):
        await pool.settled()
        assert pool.serves_nothing("cpu")
        await observer.next_worker()
    assert len(pools.processes) == 2


async def test_a_node_with_other_code_gets_no_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(actor, "VERSION", "0.0.1")
    pool = Pools().pool()
    async with observed(pool, FakeObserver()):
        await pool.settled()
    assert "has version 0.0.1 of the code" in caplog.text
    assert "run the same image on all nodes" in caplog.text


async def test_every_process_and_actor_ends_with_its_pool() -> None:
    pools, observer = Pools(), FakeObserver()
    pool, tasks = pools.pool([CPU, DeviceSpec("cpu@2", "cpu")]), asyncio.all_tasks()
    async with observed(pool, observer):
        for _ in pool.devices:
            await observer.next_worker()
        assert pool.nodes() == {"cpu": "localhost", "cpu@2": "localhost"}
        assert pool.process_ids() == {("ray_driver", ""): pools.processes[0].pid}
    (cluster,) = pools.clusters
    assert cluster.closed
    assert asyncio.all_tasks() == tasks
