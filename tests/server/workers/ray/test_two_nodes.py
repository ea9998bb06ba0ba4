"""Tests of the pool on Ray with two nodes in network namespaces: workers killed or frozen, a node cut off, the head
node restarted.

A song's listener gets the same bytes as from an undisturbed pool on this computer, only with a pause.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from server.workers.base import WorkerDied
from server.workers.messages import Lane, Plan, Planned, SongKey
from server.workers.ray.pool import RayPool, driver_process
from tests.support.fakes import FAKE, params
from tests.support.requirements import needed, not_tried
from tests.support.workers.observers import FakeObserver, observed
from tests.support.workers.ray_nodes import HERE, THERE, RayNodes, can_have_networks, ended, state, two_networks
from tests.support.workers.ray_songs import DEVICES, SECONDS, SEEDS, heard, local_songs, on_ray, song_of, until

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    """Fixture: a Ray cluster with room for one worker on each of its two nodes."""
    needed("ray", "make test-ray")
    if not can_have_networks():
        not_tried("network namespaces are missing: run as root, with the package iproute2")
    nodes = RayNodes(tmp_path_factory.mktemp("ray"))
    with two_networks():
        try:
            nodes.start_head(cpus=1)
            nodes.start_other(cpus=1)
            yield nodes
        finally:
            nodes.close()


@pytest.fixture(scope="module")
def expected() -> dict[int, bytes]:
    """Fixture: the sound of each song as the local pool makes it, by seed."""
    return asyncio.run(local_songs())


async def test_songs_are_those_of_the_local_pool_though_its_processes_are_killed_and_frozen(
    nodes: RayNodes, expected: dict[int, bytes]
) -> None:
    async with on_ray(nodes) as bench:
        assert set(bench.pool.nodes().values()) == {HERE, THERE}
        sounds = [await song_of(bench, seed).sound() for seed in SEEDS]
        assert sounds == [*expected.values()]
        kinds = (nodes.workers, nodes.encoders, nodes.hosts)
        for kind in kinds:
            for number in (signal.SIGKILL, signal.SIGSTOP):
                (victim,) = kind(THERE)
                songs = [song_of(bench, seed) for seed in SEEDS]
                sounds, pause = await heard(songs, partial(os.kill, victim, number))
                log.info("one of the %s, %s: longest pause %.1f s", kind.__name__, number.name, pause)
                assert sounds == [*expected.values()]
                await until(lambda: len(bench.pool.nodes()) == len(bench.encoders.up) == len(DEVICES))
                await until(partial(ended, victim))
                assert [len(kind(node)) for node in (HERE, THERE) for kind in kinds] == [1] * 6


async def test_songs_go_on_though_a_node_is_cut_off_and_its_worker_ends(
    nodes: RayNodes, expected: dict[int, bytes]
) -> None:
    async with on_ray(nodes) as bench:
        (victim,) = nodes.workers(THERE)
        songs = [song_of(bench, seed) for seed in SEEDS]
        sounds, pause = await heard(songs, lambda: nodes.link(up=False))
        log.info("cut off: longest pause %.1f s", pause)
        assert sounds == [*expected.values()]
        await until(partial(ended, victim))
        nodes.link(up=True)
        nodes.stop(THERE)  # as its supervisor does: Ray ends a node that the head has given up
        nodes.start_other(cpus=1)
        await until(lambda: set(bench.pool.nodes().values()) == {HERE, THERE})
        assert len(nodes.workers(THERE)) == 1
        assert [await song_of(bench, seed).sound() for seed in SEEDS] == [*expected.values()]


async def test_songs_wait_for_a_head_that_is_restarted(nodes: RayNodes, expected: dict[int, bytes]) -> None:
    async with on_ray(nodes) as bench:
        old = nodes.workers(HERE) + nodes.workers(THERE)

        def restart() -> None:
            nodes.stop(HERE)
            nodes.stop(THERE)
            nodes.start_head(cpus=1)
            nodes.start_other(cpus=1)

        songs = [song_of(bench, seed) for seed in SEEDS]
        sounds, pause = await heard(songs, lambda: asyncio.get_running_loop().run_in_executor(None, restart))
        log.info("head restarted: longest pause %.1f s", pause)
        assert sounds == [*expected.values()]
        assert [state(pid) for pid in old] == ["", ""]


async def test_a_lane_keeps_its_order_and_a_wrong_token_is_told(nodes: RayNodes, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64, "ascii")
    for file in (nodes.token_file, wrong):
        pool = RayPool(DEVICES[:1], [FAKE], address=nodes.address, new_process=driver_process(str(file)))
        observer = FakeObserver()
        async with observed(pool, observer, SECONDS):
            if file == wrong:
                await pool.settled()
                assert pool.serves_nothing("cpu@1")
                with pytest.raises(WorkerDied, match="MELISMA_POOL__RAY_TOKEN_FILE"):
                    await pool._bridge.connect()
                continue
            worker = await observer.next_worker()
            keys = [SongKey("song", attempt) for attempt in range(100)]
            for key in keys:
                worker.send(Plan(key, "fake", params()), Lane.RENDER)
            replies = [await worker.receive(Lane.RENDER) for _ in keys]
            assert [reply.song for reply in replies if isinstance(reply, Planned)] == keys
