"""Tests of workers that are lost in the middle of a song: finished work is kept, and every song is complete."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from server.workers.device_spec import DeviceSpec
from tests.support.fakes import FAKE
from tests.support.runners import BESIDE, CPU, request, restarted, running
from tests.support.workers.trouble import PROMPT, TROUBLE_ONCE

STEPS = 4
REQUESTS = [
    request(prompt, seed=seed, duration_seconds=8.0, steps=STEPS) for seed, prompt in enumerate([PROMPT, "", ""])
]

Plant = Callable[[str], Path]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Fixture: a function that makes the next worker fail in a given way, and returns the file in which steps are
    recorded.
    """
    monkeypatch.setenv("TROUBLE", str(tmp_path / "trouble"))
    monkeypatch.setenv("STEPS", str(tmp_path / "steps"))

    def planted(trouble: str) -> Path:
        (tmp_path / "trouble").write_text(trouble)
        return tmp_path / "steps"

    return planted


@pytest.fixture(scope="module")
def undisturbed() -> list[bytes]:
    async def sounds() -> list[bytes]:
        async with running(engines=(FAKE,)) as bench:
            return await asyncio.gather(*(bench.submit(one).sound() for one in REQUESTS))

    return asyncio.run(sounds())


@pytest.mark.parametrize("device", [CPU, BESIDE], ids=["one lane", "two lanes"])
@pytest.mark.parametrize("place", ["render", "ahead"])
async def test_what_is_denoised_when_a_worker_is_killed_is_not_denoised_again(
    place: str, device: DeviceSpec, plant: Plant, undisturbed: list[bytes]
) -> None:
    log = plant(f"{place} killed")
    async with running(devices=(device,), engines=(TROUBLE_ONCE,)) as bench:
        first = bench.pool.pids["cpu"]
        assert await asyncio.gather(*(bench.submit(one).sound() for one in REQUESTS)) == undisturbed
        assert bench.pool.pids["cpu"] != first
    steps = Counter(log.read_text().splitlines())
    finished = [f"{PROMPT} {section} {step}" for section in range(2) for step in range(1, STEPS + 1)]
    assert [steps[line] for line in finished] == [1] * 2 * STEPS


@pytest.mark.parametrize(
    ("trouble", "device"),
    [("denoise broken", CPU), ("settle accelerator", BESIDE), ("render broken", BESIDE)],
)
async def test_a_device_that_breaks_costs_its_worker_and_no_song(
    trouble: str, device: DeviceSpec, plant: Plant, undisturbed: list[bytes]
) -> None:
    plant(trouble)
    async with running(devices=(device,), engines=(TROUBLE_ONCE,)) as bench:
        first = bench.pool.pids["cpu"]
        assert await asyncio.gather(*(bench.submit(one).sound() for one in REQUESTS)) == undisturbed
        assert bench.pool.pids["cpu"] != first


async def test_a_device_that_breaks_while_nothing_is_done_costs_its_worker(plant: Plant) -> None:
    async with running(engines=(TROUBLE_ONCE,), ping_seconds=0.05) as bench:
        first = bench.pool.pids["cpu"]
        plant("check broken")
        await restarted(bench.runner)
        assert bench.pool.pids["cpu"] != first
