"""Tests of workers on a real GPU that fails or has too little memory."""

import asyncio

import pytest

from server.errors import PoisonedRequest
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane
from tests.support.fakes import FAKE
from tests.support.runners import request, running
from tests.support.workers.cuda import CUDA

pytestmark = pytest.mark.gpu

GPU = DeviceSpec("cuda:0", "cuda:0", lanes=(Lane.DENOISE, Lane.RENDER))


async def test_a_worker_sees_its_own_gpu_alone() -> None:
    async with running(devices=(GPU,), engines=(CUDA,)) as bench:
        assert bench.pool.infos()["fake"].description == "cuda:0 of 1"


async def test_an_assertion_on_the_device_costs_the_worker_and_no_other_song() -> None:
    async with running(engines=(FAKE,)) as bench:
        alone = await bench.submit(request(seed=5)).sound()
    async with running(devices=(GPU,), engines=(CUDA,)) as bench:
        first = bench.pool.pids["cuda:0"]
        beside, failing = bench.submit(request(seed=5)), bench.submit(request("assert"))
        with pytest.raises(PoisonedRequest):
            await failing.told()
        assert await beside.sound() == alone
        assert bench.pool.pids["cuda:0"] != first


async def test_songs_that_do_not_fit_beside_each_other_are_all_made() -> None:
    async with running(devices=(GPU,), engines=(CUDA,)) as bench:
        worker = bench.pool.pids["cuda:0"]
        songs = [bench.submit(request("large", seed=seed)) for seed in range(8)]
        sounds = await asyncio.gather(*(song.sound() for song in songs))
        assert len(set(sounds)) == 8
        assert bench.pool.pids["cuda:0"] == worker
