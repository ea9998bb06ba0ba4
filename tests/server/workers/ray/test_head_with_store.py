"""Tests the restart of a Ray head on another node that keeps its state in Redis.

Ray ends the process that drives the cluster, and with it the workers; the other nodes continue to run.
"""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.support.requirements import needed, not_tried
from tests.support.workers.ray_nodes import HERE, THERE, RayNodes, can_have_networks, redis_server, two_networks
from tests.support.workers.ray_songs import DEVICES, SEEDS, heard, local_songs, on_ray, song_of

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]

log = logging.getLogger(__name__)

_LONG_SECONDS = 1200.0
"""Length in seconds of songs that are not complete before the restart is noticed."""


async def test_songs_go_on_with_the_nodes_of_a_head_that_keeps_its_state(tmp_path: Path) -> None:
    needed("ray", "make test-ray")
    if not can_have_networks():
        not_tried("network namespaces are missing: run as root, with the package iproute2")
    expected = await local_songs(_LONG_SECONDS)
    with two_networks(), redis_server(HERE) as redis:
        nodes = RayNodes(tmp_path, head=THERE, redis=redis)
        try:
            nodes.start_head(cpus=0)
            nodes.start_other(cpus=1)
            async with on_ray(nodes, DEVICES[:1]) as bench:

                def restart() -> None:
                    nodes.stop(THERE)
                    nodes.start_head(cpus=0)

                driver = bench.pool.process_ids()
                songs = [song_of(bench, seed, _LONG_SECONDS) for seed in SEEDS]
                loop = asyncio.get_running_loop()
                sounds, pause = await heard(songs, lambda: loop.run_in_executor(None, restart))
                log.info("head with a store restarted: longest pause %.1f s", pause)
                assert sounds == [*expected.values()]
                assert bench.pool.process_ids() != driver
                assert nodes.run(HERE)
                assert await song_of(bench, 0, _LONG_SECONDS).sound() == expected[0]
                assert len(nodes.workers(HERE)) == 1
        finally:
            nodes.close()
